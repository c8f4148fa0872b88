//! Why a snapshot is not used.

use super::FORMAT;
use crate::limits::Limits;

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// It does not begin as snapshots do.
    #[error("it is not a snapshot of routes")]
    NoSnapshot,
    /// Another release wrote it.
    #[error("its format is {found}, and this release reads {FORMAT}")]
    Format {
        /// The number of its format.
        found: u32,
    },
    /// It was cut, or something was appended.
    #[error("it has {found} bytes instead of {expected}")]
    Length {
        /// The length that it says it has.
        expected: u64,
        /// The length that it has.
        found: u64,
    },
    /// It is not what was written.
    #[error("its checksum is wrong")]
    Checksum,
    /// Its checksum is right, but no server writes this.
    #[error("it is malformed: {0}")]
    Malformed(#[from] Malformed),
    /// It would take more memory than registrations may.
    #[error("it holds more than {max} bytes of registrations, which {} raises", Limits::registry_bytes_max.key.name)]
    TooLarge {
        /// The limit.
        max: usize,
    },
}

/// What no server writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A value goes on behind the end.
    #[error("it ends within a value")]
    Cut,
    /// There is something behind the last value.
    #[error("there are bytes after the last value")]
    Surplus,
    /// A number does not fit where it stands.
    #[error("a number is out of range")]
    Number,
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    Text,
    /// Something that may or may not be there is neither.
    #[error("a flag is neither 0 nor 1")]
    Flag,
    /// Names or numbers that have an order are not in it, or are there twice.
    #[error("{0} are not in order")]
    Order(&'static str),
    /// Two members of a group have one address.
    #[error("two members of a group have one address")]
    SameAddress,
    /// A group has no members, or is in a cluster where none of them is.
    #[error("a group has no member in its cluster")]
    Cluster,
    /// A topic has neither entries nor mappings.
    #[error("a topic has neither entries nor mappings")]
    EmptyTopic,
    /// A list of filter servers or a mapping is no JSON of its kind.
    #[error("{0} cannot be read")]
    Json(&'static str),
}
