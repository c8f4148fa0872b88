//! The header of a request, read from either form.

mod binary;
mod exact;
mod full;

use super::error::FrameError;
use super::frame::RawFrame;
use super::request::Request;
use crate::limits::Limits;
use crate::serialization::Serialization;

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
}

#[cfg(test)]
mod tests;
