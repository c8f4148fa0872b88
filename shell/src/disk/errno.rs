//! Errors that say that a file system does not know an operation.

use rustix::io::Errno;
use std::io;

/// Leaves out a step that only adds durability or safety where the file system does not know it.
pub(super) fn if_known(result: Result<(), Errno>) -> io::Result<()> {
    match result {
        Err(error) if !is_unknown_to_file_system(error) => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Whether the file system does not know an operation.
pub(super) fn is_unknown_to_file_system(error: Errno) -> bool {
    [Errno::INVAL, Errno::NOTSUP, Errno::OPNOTSUPP, Errno::NOSYS].contains(&error)
}
