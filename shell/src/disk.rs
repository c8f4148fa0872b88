//! The disk operations that the server's own files need. They are few, so that a test can let each of them fail or be
//! the last.

mod attributes;
mod errno;

use errno::{if_known, is_unknown_to_file_system};
use rustix::fs::{AtFlags, CWD, FlockOperation, OFlags, StatxAttributes, StatxFlags, flock, statx};
use rustix::io::Errno;
use std::fmt;
use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Operations on files. A failed operation has done nothing, except that a failed write may be partial.
///
/// Only [`Disk::read_link`] reads where a symbolic link points; all other operations see just a link.
pub trait Disk {
    /// An open file.
    type File;

    /// Returns the status of the file with this name.
    fn status(&self, path: &Path) -> io::Result<Status>;
    /// Returns where a symbolic link points to.
    fn read_link(&self, path: &Path) -> io::Result<PathBuf>;
    /// Checks whether permissions allow creating files in a folder.
    fn is_writable(&self, folder: &Path) -> io::Result<()>;
    /// Creates a folder and its parents, and makes their names durable.
    fn create_folders(&self, folder: &Path) -> io::Result<()>;
    /// Creates a file that must not exist yet. If it is `private`, only its owner may use it.
    fn create(&self, path: &Path, private: bool) -> io::Result<Self::File>;
    /// Opens a regular file for reading only.
    fn open_to_read(&self, path: &Path) -> io::Result<Self::File>;
    /// Opens a regular file for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Self::File>;
    /// Locks a file until it is closed. Returns false if another process has locked it.
    fn lock(&self, file: &Self::File) -> io::Result<bool>;
    /// Returns all bytes of a file.
    fn read(&self, file: &Self::File) -> io::Result<Vec<u8>>;
    /// Writes all `bytes` at an offset. Bytes between the end of the file and the offset become 0.
    fn write_at(&self, file: &Self::File, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Sets the length of a file.
    fn set_len(&self, file: &Self::File, len: u64) -> io::Result<()>;
    /// Copies owner, group, mode, access control list and extended attributes from another file.
    fn copy_attributes(&self, from: &Path, to: &Self::File) -> io::Result<()>;
    /// Makes contents durable. Does nothing where the file system does not support it.
    fn sync(&self, file: &Self::File) -> io::Result<()>;
    /// Makes the names in a folder durable. Does nothing where the file system does not support it.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
    /// Gives a file a second name.
    fn link(&self, path: &Path, second: &Path) -> io::Result<()>;
    /// Renames a file, and replaces the file that has the new name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a name.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// The status of a name on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The kind of file.
    pub kind: Kind,
    /// Device and inode: equal for all names of one file.
    pub identity: (u64, u64),
    /// Number of names of the file (hard links).
    pub names: u64,
    /// Whether something is mounted on exactly this name.
    pub is_mount_point: bool,
}

/// Kinds of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    Regular,
    /// A folder.
    Folder,
    /// A symbolic link.
    SymbolicLink,
    /// A named pipe.
    Fifo,
    /// A socket of the Unix domain.
    Socket,
    /// A device such as a terminal.
    CharacterDevice,
    /// A device such as a disk.
    BlockDevice,
    /// None of these.
    Unknown,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Regular => "a regular file",
            Self::Folder => "a folder",
            Self::SymbolicLink => "a symbolic link",
            Self::Fifo => "a FIFO",
            Self::Socket => "a socket",
            Self::CharacterDevice => "a character device",
            Self::BlockDevice => "a block device",
            Self::Unknown => "of an unknown kind",
        })
    }
}

impl From<FileType> for Kind {
    fn from(kind: FileType) -> Self {
        let kinds: [(bool, Self); 7] = [
            (kind.is_file(), Self::Regular),
            (kind.is_dir(), Self::Folder),
            (kind.is_symlink(), Self::SymbolicLink),
            (kind.is_fifo(), Self::Fifo),
            (kind.is_socket(), Self::Socket),
            (kind.is_char_device(), Self::CharacterDevice),
            (kind.is_block_device(), Self::BlockDevice),
        ];
        kinds.into_iter().find(|(is, _)| *is).map_or(Self::Unknown, |(_, kind)| kind)
    }
}

/// The disk of this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RealDisk;

impl Disk for RealDisk {
    type File = File;

    fn status(&self, path: &Path) -> io::Result<Status> {
        let found = fs::symlink_metadata(path)?;
        let kind = found.file_type().into();
        let is_mount_point = kind == Kind::Regular && is_mount_point(path);
        Ok(Status { kind, identity: (found.dev(), found.ino()), names: found.nlink(), is_mount_point })
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        fs::read_link(path)
    }

    fn is_writable(&self, folder: &Path) -> io::Result<()> {
        use rustix::fs::Access;
        // Checks for the effective user, who also creates the files.
        Ok(rustix::fs::accessat(CWD, folder, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS)?)
    }

    fn create_folders(&self, folder: &Path) -> io::Result<()> {
        // So that each folder of a relative path has a parent with a name.
        let folder = Path::new(".").join(folder);
        let missing: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
        fs::create_dir_all(&folder)?;
        missing.into_iter().filter_map(Path::parent).try_for_each(|parent| self.sync_folder(parent))
    }

    fn create(&self, path: &Path, private: bool) -> io::Result<File> {
        let mode = if private { 0o600 } else { 0o666 };
        OpenOptions::new().read(true).write(true).create_new(true).mode(mode).open(path)
    }

    fn open_to_read(&self, path: &Path) -> io::Result<File> {
        open_regular(OpenOptions::new().read(true), path)
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        open_regular(OpenOptions::new().read(true).write(true), path)
    }

    fn lock(&self, file: &File) -> io::Result<bool> {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => Ok(false),
            Err(error) if !is_unknown_to_file_system(error) && error != Errno::NOLCK => Err(error.into()),
            Ok(()) | Err(_) => Ok(true),
        }
    }

    fn read(&self, mut file: &File) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }

    fn set_len(&self, file: &File, len: u64) -> io::Result<()> {
        file.set_len(len)
    }

    fn copy_attributes(&self, from: &Path, to: &File) -> io::Result<()> {
        attributes::copy(&self.open_to_read(from)?, to)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        if_known(rustix::fs::fsync(file))
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        match File::open(folder) {
            // The folder may be written but not read, so its names cannot be made durable.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
            opened => self.sync(&opened?),
        }
    }

    fn link(&self, path: &Path, second: &Path) -> io::Result<()> {
        fs::hard_link(path, second)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}

/// Opens a regular file. Does not wait for the other end of a FIFO, and refuses a file that has become something else
/// since its status was read.
pub(crate) fn open_regular(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY;
    let file = options.custom_flags(flags.bits().cast_signed()).open(path)?;
    let kind = Kind::from(file.metadata()?.file_type());
    if kind == Kind::Regular { Ok(file) } else { Err(io::Error::other(format!("it became {kind}"))) }
}

/// Whether something is mounted on a file. Kernels before 5.8 do not tell; there the rename fails later.
fn is_mount_point(path: &Path) -> bool {
    let status = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty());
    status.is_ok_and(|status| status.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}
