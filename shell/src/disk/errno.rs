//! Errors that mean that a file system does not support an operation.

use rustix::io::Errno;
use std::io;

/// Ignores that a file system does not support a step that only adds durability or safety.
pub(super) fn if_known(result: Result<(), Errno>) -> io::Result<()> {
    match result {
        Err(error) if !is_unknown_to_file_system(error) => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Whether the error means that the file system does not support the operation.
pub(super) fn is_unknown_to_file_system(error: Errno) -> bool {
    [Errno::INVAL, Errno::NOTSUP, Errno::OPNOTSUPP, Errno::NOSYS].contains(&error)
}
