//! The header of a request, in either form.

mod binary;
mod exact;
mod full;

use super::error::FrameError;
use super::frame::RawFrame;
use super::request::Request;
use crate::limits::Limits;
use crate::serialization::Serialization;

impl<'a> Request<'a> {
    /// Reads the header of a frame. Missing members are 0.
    ///
    /// A JSON header in the form that real peers send takes the fast path; any other takes the full reader.
    ///
    /// # Errors
    /// A header that cannot be read: the connection must be closed.
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
