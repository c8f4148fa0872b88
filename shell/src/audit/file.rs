//! The audit file: a regular file that grows by whole lines and is rotated by size.
//!
//! The path follows the rules for all files that the server keeps: links are followed, and only regular files are
//! written. Another program, such as `logrotate`, may move or cut the file at any time.

use crate::disk::{Disk, RealDisk, open_regular};
use crate::files::{FileError, Place, existing_folder, folder_of, locate, with_suffix};
use rustix::fs::Mode;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use tracing::warn;

/// How many old files are kept. `<file>.1` is the newest.
const OLD_FILES: usize = 9;

/// What the thread of the audit file writes to: the disk, or a stand-in for it in tests.
pub(super) trait Storage {
    /// Appends whole lines: all of them or none.
    fn append(&mut self, lines: &[u8]) -> Result<(), FileError>;
    /// Makes appended lines durable.
    fn sync(&mut self) -> Result<(), FileError>;
}

/// A file on the disk of the machine.
#[derive(Debug)]
pub(crate) struct AuditFile {
    path: PathBuf,
    /// Size in bytes from which the file is rotated.
    bytes_max: u64,
    /// `None` until the first line is appended.
    open: Option<Open>,
    /// Whether the last rotation failed; the operator knows it.
    cannot_rotate: bool,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// The path at the end of the links.
    target: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
    /// Whether the last line has no end, because a crash cut it.
    is_torn: bool,
}

impl AuditFile {
    /// Opens the file, or creates it.
    ///
    /// A full disk, or a lock held by another server, is not an error: both may end, and the server tries to open the
    /// file again for each line.
    ///
    /// # Errors
    /// The path is not a regular file, or the server must not write there.
    pub(crate) fn new(path: PathBuf, bytes_max: u64) -> Result<Self, FileError> {
        let open = match open(&path) {
            Err(error) if error.may_end() => None,
            result => Some(result?),
        };
        Ok(Self { path, bytes_max, open, cannot_rotate: false })
    }

    /// Finds out whether [`AuditFile::new`] would refuse the path. Changes nothing.
    ///
    /// # Errors
    /// As of [`AuditFile::new`].
    pub(crate) fn check(path: &Path) -> Result<(), FileError> {
        let Place { target, found } = locate(&RealDisk, path)?;
        let failed = FileError::at("open", &target);
        if found.is_some() {
            return open_regular(OpenOptions::new().read(true).append(true), &target).map(drop).map_err(failed);
        }
        let folder = folder_of(&target);
        let existing = existing_folder(&RealDisk, folder)?;
        let writable = RealDisk.is_writable(existing);
        if existing == folder {
            writable.map_err(failed)
        } else {
            writable.map_err(FileError::at("create the folder", folder))
        }
    }

    /// Returns the open file that currently has the name.
    fn current(&mut self) -> Result<&mut Open, FileError> {
        let found = locate(&RealDisk, &self.path)?.found.map(|status| status.identity);
        let open = match self.open.take().filter(|open| Some(open.identity) == found) {
            Some(open) => open,
            None => open(&self.path)?,
        };
        Ok(self.open.insert(open))
    }

    /// Rotates the file once it is large enough. A file that cannot be renamed keeps growing.
    fn rotate_if_due(&mut self, more: usize) -> Result<(), FileError> {
        let bytes_max = self.bytes_max;
        let open = self.current()?;
        let len = open.len()?;
        if len == 0 || len.saturating_add(more as u64) <= bytes_max {
            return Ok(());
        }
        let rotated = rotate(&open.target);
        match rotated {
            Ok(()) => self.open = None,
            Err(error) if !self.cannot_rotate => warn!("auditPath: {error}: the file keeps growing"),
            Err(_) => {}
        }
        self.cannot_rotate = self.open.is_some();
        Ok(())
    }
}

impl Storage for AuditFile {
    fn append(&mut self, lines: &[u8]) -> Result<(), FileError> {
        self.rotate_if_due(lines.len())?;
        self.current()?.append(lines)
    }

    fn sync(&mut self) -> Result<(), FileError> {
        let Some(open) = &self.open else { return Ok(()) };
        RealDisk.sync(&open.file).map_err(FileError::at("make durable", &open.target))
    }
}

impl Open {
    fn len(&self) -> Result<u64, FileError> {
        let metadata = self.file.metadata().map_err(FileError::at("look at", &self.target))?;
        Ok(metadata.len())
    }

    fn append(&mut self, lines: &[u8]) -> Result<(), FileError> {
        let len = self.len()?;
        let end: &[u8] = if self.is_torn { b"\n" } else { b"" };
        if let Err(error) = self.file.write_all(end).and_then(|()| self.file.write_all(lines)) {
            // The written part of a line would become the front of the next line.
            self.is_torn |= self.file.set_len(len).is_err();
            return Err(FileError::at("write", &self.target)(error));
        }
        self.is_torn = false;
        Ok(())
    }
}

fn open(path: &Path) -> Result<Open, FileError> {
    let place = locate(&RealDisk, path)?;
    let target = place.target;
    let folder = folder_of(&target);
    if place.found.is_none() {
        RealDisk.create_folders(folder).map_err(FileError::at("create the folder", folder))?;
    }
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).mode((Mode::RUSR | Mode::WUSR | Mode::RGRP).bits());
    let failed = FileError::at("open", &target);
    let file = open_regular(&mut options, &target).map_err(&failed)?;
    if !RealDisk.lock(&file).map_err(&failed)? {
        return Err(FileError::Locked(target));
    }
    if place.found.is_none() {
        RealDisk.sync_folder(folder).map_err(FileError::at("make durable the names in", folder))?;
    }
    let metadata = file.metadata().map_err(&failed)?;
    let is_torn = !ends_in_newline(&file, metadata.len()).map_err(&failed)?;
    Ok(Open { identity: (metadata.dev(), metadata.ino()), file, target, is_torn })
}

/// Whether a file is empty or ends with a newline.
fn ends_in_newline(file: &File, len: u64) -> io::Result<bool> {
    let Some(last) = len.checked_sub(1) else { return Ok(true) };
    let mut byte = [0];
    file.read_exact_at(&mut byte, last)?;
    Ok(byte == *b"\n")
}

/// Renames the file to `<file>.1`, and each older file that is in the way to the next number.
///
/// The oldest file goes last. So a file that cannot be renamed costs no older one, nor does a crash: the next rotation
/// moves files only as far as the number that this one left free.
fn rotate(target: &Path) -> Result<(), FileError> {
    let name = |number: usize| with_suffix(target, &format!(".{number}"));
    let rename = |from: PathBuf, to: PathBuf| RealDisk.rename(&from, &to).map_err(FileError::at("rename", &from));
    let oldest = OLD_FILES + 1;
    let free = (1..oldest).find(|number| is_missing(&name(*number))).unwrap_or(oldest);
    (1..free).rev().try_for_each(|number| rename(name(number), name(number + 1)))?;
    rename(target.to_owned(), name(1))?;
    // If it stays, the next one replaces it.
    let _ = RealDisk.remove(&name(oldest));
    let folder = folder_of(target);
    RealDisk.sync_folder(folder).map_err(FileError::at("make durable the names in", folder))
}

fn is_missing(path: &Path) -> bool {
    RealDisk.status(path).is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    fn folder() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        (folder, path)
    }

    fn append(file: &mut AuditFile, line: &str) {
        file.append(line.as_bytes()).unwrap();
        file.sync().unwrap();
    }

    fn text(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn lines_are_added_to_those_of_earlier_runs() {
        let (_folder, path) = folder();
        for line in ["one\n", "two\n"] {
            append(&mut AuditFile::new(path.clone(), 1000).unwrap(), line);
        }
        assert_eq!(text(&path), "one\ntwo\n");
    }

    #[test]
    fn a_line_that_a_crash_cut_is_ended() {
        let (_folder, path) = folder();
        fs::write(&path, "one\ntw").unwrap();
        let mut file = AuditFile::new(path.clone(), 1000).unwrap();
        append(&mut file, "three\n");
        append(&mut file, "four\n");
        assert_eq!(text(&path), "one\ntw\nthree\nfour\n");
    }

    #[test]
    fn a_full_file_is_renamed_and_the_oldest_one_goes() {
        let (folder, path) = folder();
        let mut file = AuditFile::new(path.clone(), 10).unwrap();
        for number in 0..24 {
            append(&mut file, &format!("{number:02}\n"));
        }
        let names = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!((text(&path).as_str(), names), ("21\n22\n23\n", 8));
        assert_eq!(text(&with_suffix(&path, ".1")), "18\n19\n20\n");
        for number in 24..60 {
            append(&mut file, &format!("{number:02}\n"));
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1 + OLD_FILES);
        assert_eq!(text(&with_suffix(&path, ".9")), "30\n31\n32\n");
    }

    #[test]
    fn a_check_finds_what_the_start_finds_and_creates_nothing() {
        let (folder, path) = folder();
        let below_a_file = folder.path().join("file/audit.log");
        fs::write(folder.path().join("file"), "").unwrap();
        // A running program must not be written, whoever wants to.
        for path in [folder.path(), &below_a_file, &std::env::current_exe().unwrap(), Path::new("")] {
            let [checked, opened] = [AuditFile::check(path), AuditFile::new(path.to_owned(), 4).map(drop)];
            assert_eq!(checked.unwrap_err().to_string(), opened.unwrap_err().to_string());
        }
        for path in [&path, &folder.path().join("a/b/audit.log"), &folder.path().join("file")] {
            AuditFile::check(path).unwrap();
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_line_that_is_longer_than_a_file_has_one_of_its_own() {
        let (_folder, path) = folder();
        let mut file = AuditFile::new(path.clone(), 4).unwrap();
        append(&mut file, "a long line\n");
        append(&mut file, "b\n");
        assert_eq!((text(&with_suffix(&path, ".1")).as_str(), text(&path).as_str()), ("a long line\n", "b\n"));
    }

    #[test]
    fn a_file_that_cannot_be_renamed_goes_on_growing() {
        let (folder, path) = folder();
        let mut file = AuditFile::new(path.clone(), 4).unwrap();
        (1..=OLD_FILES).for_each(|number| fs::write(with_suffix(&path, &format!(".{number}")), "").unwrap());
        // A file cannot replace a folder.
        fs::create_dir(folder.path().join("audit.log.10")).unwrap();
        for line in ["one\n", "two\n", "three\n"] {
            append(&mut file, line);
        }
        assert_eq!(text(&path), "one\ntwo\nthree\n");
    }

    #[test]
    fn rotations_that_fail_cost_no_old_file() {
        let (folder, path) = folder();
        let name = |number: usize| with_suffix(&path, &format!(".{number}"));
        (1..=OLD_FILES).for_each(|number| fs::write(name(number), number.to_string()).unwrap());
        // There is no file that could be renamed.
        (0..20).for_each(|_| drop(rotate(&path).unwrap_err()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), OLD_FILES);
        fs::write(&path, "0").unwrap();
        rotate(&path).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), OLD_FILES);
        (1..=OLD_FILES).for_each(|number| assert_eq!(text(&name(number)), (number - 1).to_string()));
    }

    #[test]
    fn the_next_rotation_ends_the_one_that_a_crash_ended() {
        let (_folder, path) = folder();
        let name = |number: usize| with_suffix(&path, &format!(".{number}"));
        (1..=OLD_FILES + 1).filter(|number| *number != 4).for_each(|number| fs::write(name(number), "").unwrap());
        for (number, contents) in [(0, "0"), (1, "1"), (3, "3"), (5, "4"), (10, "9")] {
            fs::write(if number == 0 { path.clone() } else { name(number) }, contents).unwrap();
        }
        rotate(&path).unwrap();
        assert_eq!([1, 2, 4, 5].map(|number| text(&name(number))), ["0", "1", "3", "4"]);
        assert!(is_missing(&name(10)));
    }

    #[test]
    fn a_file_that_was_moved_away_or_cut_is_written_anew() {
        let (folder, path) = folder();
        let mut file = AuditFile::new(path.clone(), 1000).unwrap();
        append(&mut file, "one\n");
        fs::rename(&path, folder.path().join("moved")).unwrap();
        append(&mut file, "two\n");
        assert_eq!(text(&path), "two\n");
        fs::write(&path, "").unwrap();
        append(&mut file, "three\n");
        assert_eq!(text(&path), "three\n");
        fs::remove_file(&path).unwrap();
        append(&mut file, "four\n");
        assert_eq!(text(&path), "four\n");
    }

    #[test]
    fn a_link_stays_and_the_file_that_it_leads_to_is_rotated() {
        let (folder, path) = folder();
        symlink("volume/audit.log", &path).unwrap();
        let mut file = AuditFile::new(path.clone(), 4).unwrap();
        append(&mut file, "one\n");
        append(&mut file, "two\n");
        let volume = folder.path().join("volume");
        assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
        assert_eq!(text(&volume.join("audit.log.1")), "one\n");
        assert_eq!(text(&volume.join("audit.log")), "two\n");
    }

    #[test]
    fn a_file_of_another_server_is_tried_again_for_each_line() {
        let (_folder, path) = folder();
        let first = AuditFile::new(path.clone(), 1000).unwrap();
        let mut second = AuditFile::new(path.clone(), 1000).unwrap();
        assert!(matches!(second.append(b"two\n"), Err(FileError::Locked(_))));
        drop(first);
        append(&mut second, "three\n");
        assert_eq!(text(&path), "three\n");
    }
}
