//! The place of a file at the end of its symbolic links, even if it does not exist yet.

use super::beside::folder_of;
use super::error::{FileError, LINKS_MAX};
use crate::disk::{Disk, Kind, Status};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The place of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The end of the links: this name gets the new contents, so all links stay.
    pub(crate) target: PathBuf,
    /// The regular file there, or `None` if it does not exist yet.
    pub(crate) found: Option<Status>,
}

/// Follows links itself: `canonicalize` needs an existing file, but a link into an empty volume leads to none.
///
/// # Errors
/// The links lead nowhere, or to something other than a regular file.
pub(crate) fn locate(disk: &impl Disk, path: &Path) -> Result<Place, FileError> {
    if path.as_os_str().is_empty() {
        return Err(FileError::NoPath);
    }
    let mut target = path.to_owned();
    for _ in 0..=LINKS_MAX {
        let status = match disk.status(&target) {
            Err(error) if error.kind() == ErrorKind::NotFound => return unborn(path, target),
            result => result.map_err(FileError::at("look at", &target))?,
        };
        match status.kind {
            Kind::Regular => return Ok(Place { target, found: Some(status) }),
            Kind::SymbolicLink => {
                let next = disk.read_link(&target).map_err(FileError::at("follow", &target))?;
                // The text of a link in /proc is not always a path.
                if target.starts_with("/proc") && !next.is_absolute() {
                    return Err(FileError::Nameless(path.to_owned()));
                }
                target = folder_of(&target).join(next);
            }
            kind @ (Kind::Folder
            | Kind::Fifo
            | Kind::Socket
            | Kind::CharacterDevice
            | Kind::BlockDevice
            | Kind::Unknown) => return Err(FileError::NotRegular { path: target, kind }),
        }
    }
    Err(FileError::TooManyLinks(path.to_owned()))
}

/// Returns the place of a file that does not exist yet.
fn unborn(path: &Path, target: PathBuf) -> Result<Place, FileError> {
    if target.file_name().is_none() || target.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(FileError::NotRegular { path: path.to_owned(), kind: Kind::Folder });
    }
    Ok(Place { target, found: None })
}
