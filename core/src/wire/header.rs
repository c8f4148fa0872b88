//! The request header, read from either form.

mod binary;
mod exact;
mod full;

use super::{ExtFields, FrameError, RawFrame, Serialization};
use crate::limits::Limits;

/// A request: its header fields and its body, borrowed from the frame.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Request code.
    pub code: i32,
    /// Correlation number, echoed in the answer.
    pub opaque: i32,
    /// Flag bits: 1 response, 2 one-way.
    pub flag: i32,
    /// Release of the sender as an ordinal number.
    pub version: i32,
    /// Extension fields.
    pub fields: ExtFields<'a>,
    /// Body, possibly empty.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// Reads the header of a frame. Members that it leaves out are 0.
    ///
    /// A JSON header is read by a short exact path if it looks as real peers write it, and by the full reader else.
    ///
    /// # Errors
    /// A header that cannot be read: the connection has to be closed.
    pub fn decode(frame: RawFrame<'a>, limits: &Limits) -> Result<Self, FrameError> {
        let header = match frame.serialization {
            Serialization::Json => match exact::read(frame.header, limits.ext_fields_max) {
                Some(header) => header,
                None => full::read(frame.header, limits.ext_fields_max)?,
            },
            Serialization::Binary => binary::read(frame.header, limits.ext_fields_max)?,
        };
        Ok(Self { body: frame.body, ..header })
    }

    /// Whether this is a response to a request of ours, to be dropped.
    #[must_use]
    pub const fn is_response(&self) -> bool {
        self.flag & 1 != 0
    }

    /// Whether nothing may be answered.
    #[must_use]
    pub const fn is_oneway(&self) -> bool {
        self.flag & 2 != 0
    }

    /// A request without anything, which the readers fill.
    const fn empty() -> Self {
        Self { code: 0, opaque: 0, flag: 0, version: 0, fields: ExtFields::None, body: &[] }
    }
}

#[cfg(test)]
mod tests;
