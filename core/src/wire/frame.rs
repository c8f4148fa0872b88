//! Frames: a length word, a header length word, a header and a body.

use super::Serialization;
use crate::config::Limits;

/// One complete frame, split into its parts; nothing in it is judged yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawFrame<'a> {
    /// How the header is encoded.
    pub serialization: Serialization,
    /// The header bytes.
    pub header: &'a [u8],
    /// The body bytes, possibly none.
    pub body: &'a [u8],
}

/// What the front of an input buffer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing<'a> {
    /// A frame is not complete: it takes `bytes` in all, counted from the front of the input.
    Incomplete {
        /// Bytes of the whole frame as far as that is known already.
        bytes: usize,
    },
    /// A complete frame of `length` bytes.
    Complete {
        /// The frame.
        frame: RawFrame<'a>,
        /// Bytes that it takes, its length word included.
        length: usize,
    },
}

/// A frame that no conversation can go on after: the connection has to be closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The announced length passes the limit.
    #[error("a frame of {length} bytes is over the limit of {max}")]
    TooLong {
        /// Bytes that were announced, the length word included.
        length: u64,
        /// The limit.
        max: usize,
    },
}

/// Looks at the front of `input` for one frame.
///
/// # Errors
/// A frame that breaks a rule of the layout or passes a limit, as soon as the bytes that tell it are there.
pub fn next_frame<'a>(_input: &'a [u8], _limits: &Limits) -> Result<Framing<'a>, FrameError> {
    todo!()
}
