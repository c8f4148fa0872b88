//! Saves by a new file that takes the name of the old one.

use super::beside::{folder_of, with_suffix};
use super::error::{FileError, unless_missing};
use super::kept::KeptFile;
use super::place::Place;
use crate::disk::{Disk, Kind};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Suffix of the new contents while they are written. No other program uses such names.
const NEW: &str = ".namesrv.new";
/// Suffix of the old file while it is undecided whether the new contents stay.
const OLD: &str = ".namesrv.old";
/// Suffix of the previous contents, as in Java (`MixAll.string2File`).
const BACKUP: &str = ".bak";

/// The outcome of an attempt.
pub(super) enum Outcome {
    Saved,
    /// This way cannot work here. Nothing has changed.
    Impossible(FileError),
}

/// Returns why a new file would differ from the old one.
pub(super) fn reason_against(place: &Place) -> Option<String> {
    let found = place.found?;
    let path = place.target.display();
    if found.is_mount_point {
        return Some(format!("{path} is a mount point"));
    }
    (found.names > 1).then(|| format!("{path} has {} names (hard links)", found.names))
}

/// Writes a new file and renames it over the old one. Returns once contents and name are durable.
///
/// # Errors
/// The save failed, and the old file is there.
pub(super) fn replace(
    disk: &impl Disk,
    place: &Place,
    contents: &[u8],
    KeptFile { keeps_backup, is_private, .. }: &KeptFile,
) -> Result<Outcome, FileError> {
    let Place { target, found } = place;
    let (new, old) = (with_suffix(target, NEW), with_suffix(target, OLD));
    let folder = folder_of(target);
    if found.is_none() {
        disk.create_folders(folder).map_err(FileError::at("create the folder", folder))?;
    }
    let file = match create(disk, place, &new, *is_private) {
        Err(error) if is_impossible(&error) => return Ok(Outcome::Impossible(error)),
        result => result?,
    };
    let written = disk.write_at(&file, contents, 0).and_then(|()| disk.sync(&file));
    if let Err(error) = written {
        let _ = disk.remove(&new);
        return Err(FileError::at("write", &new)(error));
    }
    let has_old = found.is_some() && keep_old(disk, target, &old).is_ok();
    if let Err(error) = disk.rename(&new, target) {
        let _ = (disk.remove(&new), unless_missing(disk.remove(&old)));
        let error = FileError::at("rename a new file to", target)(error);
        return if is_impossible(&error) { Ok(Outcome::Impossible(error)) } else { Err(error) };
    }
    if let Err(error) = disk.sync_folder(folder) {
        let undone = match found {
            Some(_) if has_old => disk.rename(&old, target),
            Some(_) => Err(ErrorKind::NotFound.into()),
            None => disk.remove(target),
        };
        let undone = undone.and_then(|()| disk.sync_folder(folder));
        let error = FileError::at("make durable the names in", folder)(error);
        return Err(if undone.is_ok() { error } else { FileError::Undecided(error.into()) });
    }
    if has_old {
        retire(disk, &old, target, *keeps_backup);
    }
    Ok(Outcome::Saved)
}

/// Tries every step of [`replace`] that does not touch the old file.
pub(super) fn try_out(disk: &impl Disk, place: &Place) -> Result<(), FileError> {
    let new = with_suffix(&place.target, NEW);
    let file = create(disk, place, &new, true)?;
    drop(file);
    disk.remove(&new).map_err(FileError::at("remove", &new))
}

/// Removes files of a process that was killed during a save, but no files of a live process.
pub(super) fn clean_up(disk: &impl Disk, target: &Path) -> Result<(), FileError> {
    let (new, old) = (with_suffix(target, NEW), with_suffix(target, OLD));
    if is_stale(disk, &new)? {
        disk.remove(&new).map_err(FileError::at("remove", &new))?;
    }
    if has_regular(disk, &old) {
        disk.remove(&old).map_err(FileError::at("remove", &old))?;
    }
    Ok(())
}

/// Creates the new file, locked, with the attributes of the old one.
fn create<D: Disk>(disk: &D, place: &Place, new: &Path, is_private: bool) -> Result<D::File, FileError> {
    let failed = FileError::at("create", new);
    let has_old = place.found.is_some();
    let private = is_private || has_old;
    let file = match disk.create(new, private) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            clean_up(disk, &place.target)?;
            disk.create(new, private).map_err(failed)?
        }
        result => result.map_err(failed)?,
    };
    let prepared = match disk.lock(&file) {
        Ok(true) if has_old => {
            disk.copy_attributes(&place.target, &file).map_err(FileError::at("keep owner, mode and attributes in", new))
        }
        Ok(true) => Ok(()),
        Ok(false) => Err(FileError::Locked(place.target.clone())),
        Err(error) => Err(FileError::at("lock", new)(error)),
    };
    prepared.map(|()| file).inspect_err(|_| drop(disk.remove(new)))
}

/// Whether a file exists without a process that has locked it.
fn is_stale(disk: &impl Disk, new: &Path) -> Result<bool, FileError> {
    if !has_regular(disk, new) {
        return Ok(false);
    }
    // A file that cannot be opened belongs to another user. Removing it may still work.
    let locked = disk.open(new).and_then(|file| disk.lock(&file)).is_ok_and(|is_free| !is_free);
    if locked { Err(FileError::Locked(new.to_owned())) } else { Ok(true) }
}

fn has_regular(disk: &impl Disk, path: &Path) -> bool {
    disk.status(path).is_ok_and(|status| status.kind == Kind::Regular)
}

/// Gives the old file a second name, which it keeps when the first name gets new contents.
fn keep_old(disk: &impl Disk, target: &Path, old: &Path) -> io::Result<()> {
    unless_missing(disk.remove(old))?;
    disk.link(target, old).or_else(|_| copy(disk, target, old))
}

/// For file systems without links.
fn copy(disk: &impl Disk, from: &Path, to: &Path) -> io::Result<()> {
    let bytes = disk.open_to_read(from).and_then(|file| disk.read(&file))?;
    write_new(disk, from, to, &bytes)
}

/// Writes a new file with as many attributes of another one as possible.
pub(super) fn write_new(disk: &impl Disk, like: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = disk.create(path, true)?;
    let _ = disk.copy_attributes(like, &file);
    let written = disk.write_at(&file, bytes, 0).and_then(|()| disk.sync(&file));
    written.inspect_err(|_| drop(disk.remove(path)))
}

/// Turns the old file into the backup, or removes it. The save is done: a failure here does not undo it.
fn retire(disk: &impl Disk, old: &Path, target: &Path, keeps_backup: bool) {
    if !keeps_backup || disk.rename(old, &with_suffix(target, BACKUP)).is_err() {
        let _ = disk.remove(old);
    }
}

/// Backs up contents before they are overwritten in place, if the folder allows it.
pub(super) fn back_up(disk: &impl Disk, target: &Path, bytes: &[u8]) {
    let old = with_suffix(target, OLD);
    let written = unless_missing(disk.remove(&old)).and_then(|()| write_new(disk, target, &old, bytes));
    if written.is_ok() {
        retire(disk, &old, target, true);
    }
}

/// Whether writing in place may work where this failed. A full or broken disk would fail both ways.
fn is_impossible(error: &FileError) -> bool {
    let FileError::Step { source, .. } = error else { return false };
    // Errors without an `ErrorKind` (EIO) mean a broken disk, except for codes that mean "not here".
    match source.raw_os_error() {
        Some(code) => {
            use rustix::io::Errno;
            let failures =
                [Errno::NOSPC, Errno::DQUOT, Errno::IO, Errno::NOMEM, Errno::MFILE, Errno::NFILE, Errno::FBIG];
            !failures.iter().any(|failure| failure.raw_os_error() == code)
        }
        None => [ErrorKind::PermissionDenied, ErrorKind::Unsupported, ErrorKind::ResourceBusy].contains(&source.kind()),
    }
}
