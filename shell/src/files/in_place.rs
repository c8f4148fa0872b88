//! Saves in place: the previous contents stay behind the new ones in the same file until these are durable ([`undo`]).
//!
//! Where this way is needed, a copy beside the file would not help: the folder may be read-only, or belong to a
//! container and vanish with it, while the file is mounted from elsewhere.

use super::beside::folder_of;
use super::error::{FileError, is_full};
use super::place::Place;
use super::replace;
use super::undo::{self, Undo, Unfinished};
use crate::disk::Disk;
use std::io;

/// Writes a file in place. Returns once the contents are durable.
///
/// # Errors
/// The write failed, and the old contents count.
pub(super) fn write(disk: &impl Disk, place: &Place, contents: &[u8], keeps_backup: bool) -> Result<(), FileError> {
    let target = &place.target;
    let failed = FileError::at("write", target);
    let file = disk.open(target).map_err(FileError::at("open for writing", target))?;
    // A save by rename that failed half-way may have left a name that does not last.
    let folder = folder_of(target);
    disk.sync_folder(folder).map_err(FileError::at("make durable the names in", folder))?;
    if !disk.lock(&file).map_err(FileError::at("lock", target))? {
        return Err(FileError::Locked(target.clone()));
    }
    let bytes = disk.read(&file).map_err(FileError::at("read", target))?;
    let unfinished = Unfinished::find(&bytes);
    if let Some(unfinished) = &unfinished {
        finish(disk, &file, unfinished).map_err(failed)?;
    }
    let old = unfinished.map_or(&*bytes, |unfinished| unfinished.contents);
    if keeps_backup && !old.is_empty() {
        replace::back_up(disk, target, old);
    }
    match overwrite(disk, &file, old, contents) {
        Ok(()) => Ok(()),
        Err(Failure::Before(error)) => Err(failed(error)),
        Err(Failure::After(error)) => {
            let restored = restore(disk, &file, contents, old);
            Err(if restored { failed(error) } else { FileError::Undecided(failed(error).into()) })
        }
    }
}

/// Restores the old contents after the new ones counted, which is a save of its own. Returns whether it succeeded.
fn restore<D: Disk>(disk: &D, file: &D::File, new: &[u8], old: &[u8]) -> bool {
    let undo = Undo::new(old, new);
    // Two trailers in one file could not be told apart, and the first one is needed until the decision lasts.
    let finished = write_durably(disk, file, &[undo::DECIDED], undo.state_offset)
        .and_then(|()| cut(disk, file, new.len(), undo.trailer_offset));
    finished.is_ok() && overwrite(disk, file, new, old).is_ok()
}

/// Leaves only the contents that count in a file.
pub(super) fn finish<D: Disk>(disk: &D, file: &D::File, unfinished: &Unfinished<'_>) -> io::Result<()> {
    let Unfinished { contents, is_decided, trailer_offset } = *unfinished;
    if !is_decided {
        disk.write_at(file, contents, 0)?;
        disk.sync(file)?;
    }
    cut(disk, file, contents.len(), trailer_offset)
}

/// When a write failed: before the new contents counted, or after.
enum Failure {
    Before(io::Error),
    After(io::Error),
}

fn overwrite<D: Disk>(disk: &D, file: &D::File, old: &[u8], new: &[u8]) -> Result<(), Failure> {
    let undo = Undo::new(old, new);
    let keep_old = || {
        write_durably(disk, file, &undo.trailer, undo.trailer_offset)?;
        write_durably(disk, file, old, undo.copy_offset)
    };
    if let Err(error) = keep_old() {
        let _ = cut(disk, file, old.len(), undo.trailer_offset);
        return Err(Failure::Before(error));
    }
    let write_new = || {
        write_durably(disk, file, new, 0)?;
        disk.write_at(file, &[undo::DECIDED], undo.state_offset as u64)
    };
    if let Err(error) = write_new() {
        let unfinished = Unfinished { contents: old, is_decided: false, trailer_offset: undo.trailer_offset };
        let _ = finish(disk, file, &unfinished);
        return Err(Failure::Before(error));
    }
    disk.sync(file).map_err(Failure::After)?;
    // The save is done. If this fails, the next save or the next start repeats it.
    let _ = cut(disk, file, new.len(), undo.trailer_offset);
    Ok(())
}

fn write_durably<D: Disk>(disk: &D, file: &D::File, bytes: &[u8], offset: usize) -> io::Result<()> {
    disk.write_at(file, bytes, offset as u64)?;
    disk.sync(file)
}

/// Cuts a file behind its contents. Before they shorten the file, some file systems write NULs over the rest, in any
/// order, but the trailer must go last.
fn cut<D: Disk>(disk: &D, file: &D::File, len: usize, trailer_offset: usize) -> io::Result<()> {
    match write_durably(disk, file, &vec![0; trailer_offset.saturating_sub(len)], len) {
        // There may be a hole, for which the disk has no room.
        Err(error) if !is_full(&error) => return Err(error),
        Ok(()) | Err(_) => {}
    }
    disk.set_len(file, len as u64)?;
    disk.sync(file)
}
