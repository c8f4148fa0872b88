//! The files that the server keeps (KV table, changes of the configuration), on any file system: found, read, prepared
//! at start, saved.
//!
//! A file is saved in one of two ways. Usually a new file takes its name ([`replace`]). Where that would lose something
//! or cannot work (a mount point, several names, an owner that cannot be kept, a folder that may not be written), the
//! file is written in place, with its previous contents behind the new ones until these are durable ([`in_place`]).
//! Either way a change that is refused is not in the file, and one that is acknowledged is, whenever the process or the
//! machine stops.

mod in_place;
mod original;
mod place;
mod prepare;
mod replace;
mod undo;

pub(crate) use original::keep_original;
pub(crate) use place::locate;
pub(crate) use prepare::{Notice, prepare};

use crate::disk::{Disk, Kind};
use place::Place;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use undo::Unfinished;

/// A file that the server keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptFile {
    /// The configuration key that names it.
    pub(crate) key: &'static str,
    pub(crate) path: PathBuf,
    /// The previous contents stay in `<file>.bak`, as in Java.
    pub(crate) keeps_backup: bool,
    /// Nobody else may read it.
    pub(crate) is_private: bool,
    /// How changes are kept, as far as it is known; none when they cannot be.
    pub(crate) way: Option<Way>,
}

impl KeptFile {
    /// A file that was not looked at yet.
    pub(crate) const fn new(key: &'static str, path: PathBuf, keeps_backup: bool) -> Self {
        Self { key, path, keeps_backup, is_private: false, way: None }
    }

    /// The same file, created for its owner alone.
    pub(crate) fn private(self) -> Self {
        Self { is_private: true, ..self }
    }
}

/// How a file gets new contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// A new file takes its name.
    Replace,
    /// It is written in place, for this reason.
    InPlace(String),
}

/// Why a file cannot be used or saved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("the value is empty: name a file")]
    NoPath,
    #[error("{} is {kind}: name a regular file", path.display())]
    NotRegular { path: PathBuf, kind: Kind },
    #[error("{} has {bytes} bytes, more than 16 MiB: name another file", path.display())]
    TooLarge { path: PathBuf, bytes: u64 },
    #[error("{} leads to something that has no name: name a regular file", .0.display())]
    Nameless(PathBuf),
    #[error("{} leads through more than {} symbolic links", .0.display(), place::LINKS_MAX)]
    TooManyLinks(PathBuf),
    #[error("cannot {step} {}: {source}", path.display())]
    Step { step: &'static str, path: PathBuf, source: io::Error },
    #[error("another server is saving {}", .0.display())]
    Locked(PathBuf),
    /// Both ways failed.
    #[error("it cannot be replaced ({reason}) nor written in place ({source})")]
    NoWay { reason: String, source: Box<FileError> },
    /// A save failed when the new contents were already there, and the old ones cannot be brought back.
    #[error("{0}; whether the change is kept shows at the next start")]
    Undecided(Box<FileError>),
}

impl FileError {
    pub(crate) fn at<'a>(step: &'static str, path: &'a Path) -> impl Fn(io::Error) -> Self + Copy + use<'a> {
        move |source| Self::Step { step, path: path.to_owned(), source }
    }

    /// Whether it may end without the operator: the disk is full, or another server, which may be ending, has the file.
    pub(crate) fn may_end(&self) -> bool {
        match self {
            Self::Locked(_) => true,
            Self::Step { source, .. } => [ErrorKind::StorageFull, ErrorKind::QuotaExceeded].contains(&source.kind()),
            Self::NoPath
            | Self::NotRegular { .. }
            | Self::TooLarge { .. }
            | Self::Nameless(_)
            | Self::TooManyLinks(_)
            | Self::NoWay { .. }
            | Self::Undecided(_) => false,
        }
    }
}

/// Reads a file; none when it does not exist. Contents of a save that was not finished are not seen. Changes nothing.
///
/// # Errors
/// It cannot be read, or is not a regular file.
pub(crate) fn read(disk: &impl Disk, path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    let bytes = read_as_it_is(disk, path)?;
    Ok(bytes.map(|bytes| {
        let unfinished = Unfinished::find(&bytes).map(|unfinished| unfinished.contents.to_vec());
        unfinished.unwrap_or(bytes)
    }))
}

/// Reads a file that this server never saves; none when it does not exist.
///
/// # Errors
/// It cannot be read, or is not a regular file.
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

/// Gives a file new contents and returns how. Once this returns, they are durable; after an error the old ones are
/// still there, unless the error says otherwise.
///
/// # Errors
/// The file cannot be saved.
pub(crate) fn save(disk: &impl Disk, file: &KeptFile, contents: &[u8]) -> Result<Way, FileError> {
    let place = locate(disk, &file.path)?;
    let reason = match replace::reason_against(&place) {
        Some(reason) => reason,
        None => match replace::replace(disk, &place, contents, file)? {
            replace::Outcome::Saved => return Ok(Way::Replace),
            // There is nothing yet that could be written in place.
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

/// Whether two paths lead to one file, or will.
pub(crate) fn is_same(disk: &impl Disk, path: &Path, other: &Path) -> bool {
    let (Ok(place), Ok(other)) = (locate(disk, path), locate(disk, other)) else { return false };
    let identity = |place: &Place| place.found.map(|status| status.identity);
    place.target == other.target || identity(&place).is_some_and(|found| Some(found) == identity(&other))
}

/// A name beside a file.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Success, when there was nothing to be done.
pub(crate) fn unless_missing(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replace => f.write_str("changes replace the file"),
            Self::InPlace(reason) => write!(f, "changes are written in place: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests;
