//! The disk as the saver uses it: a handful of operations, so that a test can let each of them fail or be the last.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Operations on files. Each may fail without having done anything, but for writing, which may have done a part.
pub(crate) trait Disk {
    /// A file that is being written.
    type File: Write;

    /// The file that a path leads to in the end.
    fn resolve(&self, path: &Path) -> io::Result<PathBuf>;
    /// Makes a folder and those above it, and makes sure that they stay.
    fn create_folders(&self, folder: &Path) -> io::Result<()>;
    /// Creates a file that is not there yet.
    fn create(&self, path: &Path) -> io::Result<Self::File>;
    /// Gives a file the permissions of another one, if that is there.
    fn copy_permissions(&self, from: &Path, to: &Self::File) -> io::Result<()>;
    /// Makes sure that what was written stays.
    fn sync(&self, file: &Self::File) -> io::Result<()>;
    /// Makes sure that the names in a folder stay as they are.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
    /// Gives a file a second name.
    fn link(&self, path: &Path, second: &Path) -> io::Result<()>;
    /// Copies a file.
    fn copy(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives a file another name, in the place of whatever has it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Takes a name away.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// The disk of the machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RealDisk;

impl Disk for RealDisk {
    type File = File;

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(path)
    }

    fn create_folders(&self, folder: &Path) -> io::Result<()> {
        let missing: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
        fs::create_dir_all(folder)?;
        missing.into_iter().filter_map(Path::parent).try_for_each(|parent| self.sync_folder(parent))
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        File::create_new(path)
    }

    fn copy_permissions(&self, from: &Path, to: &File) -> io::Result<()> {
        match fs::metadata(from) {
            Ok(old) => to.set_permissions(old.permissions()),
            Err(_) => Ok(()),
        }
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()
    }

    fn link(&self, path: &Path, second: &Path) -> io::Result<()> {
        fs::hard_link(path, second)
    }

    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::copy(from, to).map(drop)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}
