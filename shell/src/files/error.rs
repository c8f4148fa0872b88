//! Why a file cannot be used or saved.

use crate::disk::Kind;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The most symbolic links that are followed, the same as in Linux.
pub(super) const LINKS_MAX: usize = 40;

/// Why a file cannot be used or saved.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The path is empty.
    #[error("the value is empty: name a file")]
    NoPath,
    /// The path leads to something other than a regular file.
    #[error("{} is {kind}: name a regular file", path.display())]
    NotRegular {
        /// Where it leads to.
        path: PathBuf,
        /// What is there.
        kind: Kind,
    },
    /// The file is larger than a file with an operator's entries may be.
    #[error("{} has {bytes} bytes, more than 16 MiB: name another file", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
    },
    /// The path leads to a file without a name, such as a pipe.
    #[error("{} leads to something that has no name: name a regular file", .0.display())]
    Nameless(PathBuf),
    /// The path leads through too many symbolic links, maybe in a circle.
    #[error("{} leads through more than {} symbolic links", .0.display(), LINKS_MAX)]
    TooManyLinks(PathBuf),
    /// The operating system refused a step.
    #[error("cannot {step} {}: {source}", path.display())]
    Step {
        /// What was refused, as a verb.
        step: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process has locked the file.
    #[error("another server is saving {}", .0.display())]
    Locked(PathBuf),
    /// Both ways failed.
    #[error("it cannot be replaced ({reason}) nor written in place ({source})")]
    NoWay {
        /// Why the file cannot be replaced.
        reason: String,
        /// Why it cannot be written in place.
        source: Box<FileError>,
    },
    /// The save failed after the new contents were written, and the old ones cannot be restored.
    #[error("{0}; whether the change is kept shows at the next start")]
    Undecided(Box<FileError>),
}

impl FileError {
    pub(crate) fn at<'a>(step: &'static str, path: &'a Path) -> impl Fn(io::Error) -> Self + Copy + use<'a> {
        move |source| Self::Step { step, path: path.to_owned(), source }
    }

    /// Whether the fault may end without the operator: the disk is full, or another server, possibly about to end, has
    /// the file.
    pub(crate) fn may_end(&self) -> bool {
        match self {
            Self::Locked(_) => true,
            Self::Step { source, .. } => is_full(source),
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

/// Whether the disk, or what this user may take of it, is full.
pub(super) fn is_full(error: &io::Error) -> bool {
    [ErrorKind::StorageFull, ErrorKind::QuotaExceeded].contains(&error.kind())
}

/// Treats a missing file as success.
pub(super) fn unless_missing(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })
}
