//! The two encodings of a command header.

/// How a command header is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Serialization {
    /// A JSON object.
    #[default]
    Json,
    /// The binary layout that Java calls `ROCKETMQ`.
    Binary,
}
