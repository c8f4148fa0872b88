//! The files that the server keeps (the KV table, changes of the configuration), on any file system: locates, reads,
//! prepares and saves them.
//!
//! There are two ways to save a file. Usually a new file takes its name (`replace.rs`). Where that would lose something
//! or cannot work (a mount point, several names, an owner that cannot be kept, a folder without write permission), the
//! file is written in place (`in_place.rs`), and its previous contents stay behind the new ones until these last.
//! Either way, whenever the process or the machine stops, the file has every acknowledged change and no refused one.

mod beside;
mod error;
mod in_place;
mod kept;
mod original;
mod place;
mod prepare;
mod replace;
mod undo;

pub(crate) use beside::{folder_of, with_suffix};
pub use error::FileError;
pub use kept::{KeptFile, Way};
pub(crate) use original::keep_original;
pub(crate) use place::{Place, locate};
pub(crate) use prepare::existing_folder;
pub use prepare::{Notice, prepare};

use crate::disk::Disk;
use std::io::ErrorKind;
use std::path::Path;
use undo::Unfinished;

/// Reads a file. Returns `None` if it does not exist. Skips the contents of an unfinished save. Changes nothing.
///
/// # Errors
/// The file cannot be read, or is not a regular file.
pub fn read(disk: &impl Disk, path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    let bytes = read_as_it_is(disk, path)?;
    Ok(bytes.map(|bytes| {
        let unfinished = Unfinished::find(&bytes).map(|unfinished| unfinished.contents.to_vec());
        unfinished.unwrap_or(bytes)
    }))
}

/// Reads a file that this server never saves. Returns `None` if it does not exist.
///
/// # Errors
/// The file cannot be read, or is not a regular file.
pub(crate) fn read_as_it_is(disk: &impl Disk, path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    let Place { target, found } = locate(disk, path)?;
    if found.is_none() {
        return Ok(None);
    }
    match disk.open_to_read(&target).and_then(|file| disk.read(&file)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        result => result.map(Some).map_err(FileError::at("read", &target)),
    }
}

/// Replaces the contents of a file, and returns in which way. On success the new contents are durable. After an error
/// the old ones are still there, unless the error says otherwise.
///
/// # Errors
/// The file cannot be saved.
pub fn save(disk: &impl Disk, file: &KeptFile, contents: &[u8]) -> Result<Way, FileError> {
    let mut place = locate(disk, &file.path)?;
    if place.found.is_some_and(|found| found.names > 1) {
        // One of them may come from a save that failed.
        let _ = replace::clean_up(disk, &place.target);
        place = locate(disk, &file.path)?;
    }
    let reason = match replace::reason_against(&place) {
        Some(reason) => reason,
        None => match replace::replace(disk, &place, contents, file)? {
            replace::Outcome::Saved => return Ok(Way::Replace),
            // There is no file yet that could be written in place.
            replace::Outcome::Impossible(error) if place.found.is_none() => return Err(error),
            replace::Outcome::Impossible(error) => error.to_string(),
        },
    };
    match in_place::write(disk, &place, contents, file.keeps_backup) {
        Ok(()) => Ok(Way::InPlace(reason)),
        Err(undecided @ FileError::Undecided(_)) => Err(undecided),
        Err(source) => Err(FileError::NoWay { reason, source: source.into() }),
    }
}

/// Whether two paths lead to the same file, or will once it exists.
pub(crate) fn is_same(disk: &impl Disk, path: &Path, other: &Path) -> bool {
    let (Ok(place), Ok(other)) = (locate(disk, path), locate(disk, other)) else { return false };
    let identity = |place: &Place| place.found.map(|status| status.identity);
    place.target == other.target || identity(&place).is_some_and(|found| Some(found) == identity(&other))
}

#[cfg(test)]
mod tests;
