//! The two encodings of a command header.

use crate::key::Word;

/// How a command header is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Serialization {
    /// A JSON object.
    #[default]
    Json,
    /// The binary layout that Java calls `ROCKETMQ`.
    Binary,
}

/// Java: `SerializeType`.
impl Word for Serialization {
    const NAMES: &'static [&'static str] = &["JSON", "ROCKETMQ"];

    fn from_name(name: &str) -> Self {
        if name == "ROCKETMQ" { Self::Binary } else { Self::Json }
    }
}
