//! Prepares a file at start: removes what a crash left, and tells the operator how changes will be saved.

use super::beside::folder_of;
use super::error::FileError;
use super::kept::{KeptFile, Way};
use super::place::{Place, locate};
use super::undo::Unfinished;
use super::{in_place, replace};
use crate::disk::{Disk, Kind};
use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

/// A line for the operator, without the name of the key.
#[derive(Debug)]
pub enum Notice {
    /// A crash interrupted a save, and the contents from before it were restored.
    Mended,
    /// They cannot be restored on the disk, but the server uses them.
    NotMended(FileError),
    /// The file cannot be saved in the usual way.
    InPlace(Way),
    /// Changes probably cannot be saved at all.
    Unkept(FileError),
}

/// Removes what a crash left, makes durable what the server is about to use, and finds out how changes will be saved.
/// Touches only the file, and names beside it that only this server uses.
///
/// # Errors
/// The path leads to something other than a regular file.
pub fn prepare(disk: &impl Disk, file: &mut KeptFile) -> Result<Vec<Notice>, FileError> {
    let place = locate(disk, &file.path)?;
    let mut notices = Vec::new();
    // If the folder is read-only, there is nothing in it to remove.
    let _ = replace::clean_up(disk, &place.target);
    // The crash may have left the file with a second name.
    let place = locate(disk, &file.path)?;
    if place.found.is_some() {
        notices.extend(mend(disk, &place));
    }
    match sync(disk, &place).and_then(|()| way(disk, &place)) {
        Ok(way) => {
            notices.extend((way != Way::Replace).then(|| Notice::InPlace(way.clone())));
            file.way = Some(way);
        }
        Err(error) => notices.push(Notice::Unkept(error)),
    }
    Ok(notices)
}

/// A process that was killed in a save may have left contents that are not durable, and clients will see them.
fn sync(disk: &impl Disk, Place { target, found }: &Place) -> Result<(), FileError> {
    if found.is_none() {
        return Ok(());
    }
    let synced = disk.open_to_read(target).and_then(|file| disk.sync(&file));
    synced.and_then(|()| disk.sync_folder(folder_of(target))).map_err(FileError::at("make durable", target))
}

fn mend(disk: &impl Disk, place: &Place) -> Option<Notice> {
    let target = &place.target;
    let bytes = disk.open_to_read(target).and_then(|file| disk.read(&file)).ok()?;
    let unfinished = Unfinished::find(&bytes)?;
    let mended = disk.open(target).and_then(|file| match disk.lock(&file)? {
        true => in_place::finish(disk, &file, &unfinished),
        false => Err(ErrorKind::ResourceBusy.into()),
    });
    // Otherwise the new contents count, and the next save or start removes the old ones behind them.
    (!unfinished.is_decided).then(|| match mended {
        Ok(()) => Notice::Mended,
        Err(error) => Notice::NotMended(FileError::at("write", target)(error)),
    })
}

/// Returns how a change would be saved now.
fn way(disk: &impl Disk, place: &Place) -> Result<Way, FileError> {
    if place.found.is_none() {
        let folder = folder_of(&place.target);
        let existing = existing_folder(disk, folder)?;
        if existing == folder {
            replace::try_out(disk, place)?;
        } else {
            disk.is_writable(existing).map_err(FileError::at("create a folder in", existing))?;
        }
        return Ok(Way::Replace);
    }
    let reason = match replace::reason_against(place) {
        Some(reason) => reason,
        None => match replace::try_out(disk, place) {
            Ok(()) => return Ok(Way::Replace),
            Err(error) => error.to_string(),
        },
    };
    match disk.open(&place.target) {
        Ok(_) => Ok(Way::InPlace(reason)),
        Err(error) => {
            let source = FileError::at("open for writing", &place.target)(error);
            Err(FileError::NoWay { reason, source: source.into() })
        }
    }
}

/// Returns the folder, or its closest parent that exists. The server will create the folders between them.
///
/// # Errors
/// One of them cannot be looked at, or is no folder.
pub(crate) fn existing_folder<'a>(disk: &impl Disk, folder: &'a Path) -> Result<&'a Path, FileError> {
    for folder in folder.ancestors().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder }) {
        match disk.status(folder).map(|status| status.kind) {
            Ok(Kind::Folder | Kind::SymbolicLink) => return Ok(folder),
            Ok(kind) => return Err(FileError::NotRegular { path: folder.to_owned(), kind }),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(FileError::at("look at", folder)(error)),
        }
    }
    Ok(Path::new("."))
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mended => f.write_str("a crash ended the last save: the contents from before it were brought back"),
            Self::NotMended(error) => {
                write!(f, "a crash ended the last save: the contents from before it are used, but {error}")
            }
            Self::InPlace(way) => write!(f, "{way}"),
            Self::Unkept(error) => write!(f, "changes cannot be kept: {error}"),
        }
    }
}
