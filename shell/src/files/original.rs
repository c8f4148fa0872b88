//! Keeps what a person wrote when the server replaces it with its own form.

use super::beside::{folder_of, with_suffix};
use super::error::FileError;
use super::place::locate;
use super::replace::write_new;
use crate::disk::Disk;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The most originals that are kept of one file.
const ORIGINALS_MAX: usize = 99;

/// Copies a file to `<file>.original.bak`, or to the first `<file>.original-<number>.bak` that does not exist, and
/// returns the name. Does not copy an original that was already kept, and never overwrites one.
///
/// # Errors
/// The file cannot be copied.
pub(crate) fn keep_original(disk: &impl Disk, path: &Path) -> Result<PathBuf, FileError> {
    let target = locate(disk, path)?.target;
    let read = |path: &Path| disk.open_to_read(path).and_then(|file| disk.read(&file));
    let bytes = read(&target).map_err(FileError::at("read", &target))?;
    let suffixes = (2..=ORIGINALS_MAX).map(|number| format!(".original-{number}.bak"));
    for name in [".original.bak".to_owned()].into_iter().chain(suffixes).map(|suffix| with_suffix(&target, &suffix)) {
        match write_new(disk, &target, &name, &bytes) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if read(&name).is_ok_and(|kept| kept == bytes) {
                    return Ok(name);
                }
            }
            result => {
                let kept = result.and_then(|()| disk.sync_folder(folder_of(&name)));
                return kept.map(|()| name.clone()).map_err(FileError::at("copy the original to", &name));
            }
        }
    }
    Err(FileError::at("copy once more", &target)(ErrorKind::AlreadyExists.into()))
}
