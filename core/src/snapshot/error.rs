//! Why the server does not use a snapshot.

use super::FORMAT;
use crate::limits::Limits;

/// What is wrong with a snapshot file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// The file does not begin as snapshots do.
    #[error("it is not a snapshot of routes")]
    NoSnapshot,
    /// Another release wrote the file.
    #[error("its format is {found}, and this release reads {FORMAT}")]
    Format {
        /// The number of the file's format.
        found: u32,
    },
    /// The file was cut, or something was appended to it.
    #[error("it has {found} bytes instead of {expected}")]
    Length {
        /// The length that the file announces.
        expected: u64,
        /// The length that the file has.
        found: u64,
    },
    /// The checksum is wrong: these are not the bytes that were written.
    #[error("its checksum is wrong")]
    Checksum,
    /// The checksum is right, but no server writes such a file.
    #[error("it is malformed: {0}")]
    Malformed(#[from] Malformed),
    /// The snapshot would take more memory than registrations may.
    #[error("it holds more than {max} bytes of registrations, which {} raises", Limits::registry_bytes_max.key.name)]
    TooLarge {
        /// The limit.
        max: usize,
    },
}

/// Contents that no server writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A value extends past the end.
    #[error("it ends within a value")]
    Cut,
    /// Something follows the last value.
    #[error("there are bytes after the last value")]
    Surplus,
    /// A number is out of range.
    #[error("a number is out of range")]
    Number,
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    Text,
    /// A flag is neither 0 nor 1.
    #[error("a flag is neither 0 nor 1")]
    Flag,
    /// Names or numbers that must be in order are not, or are repeated.
    #[error("{0} are not in order")]
    Order(&'static str),
    /// Two members of a group have the same address.
    #[error("two members of a group have one address")]
    SameAddress,
    /// A group has no members, or no member in its cluster.
    #[error("a group has no member in its cluster")]
    Cluster,
    /// A topic has neither entries nor mappings.
    #[error("a topic has neither entries nor mappings")]
    EmptyTopic,
    /// A list of filter servers or a mapping is not the right kind of JSON.
    #[error("{0} cannot be read")]
    Json(&'static str),
}
