//! Registrations: the header fields and the body of REGISTER_BROKER, in all its forms.

mod compressed;
mod integer_keys;
mod json;
mod registration;
mod unstable_range;

use super::error::{BodyError, CompressionError};
use super::json::read;
use crate::limits::Limits;
use crate::time::WallTime;
use alloc::borrow::Cow;
use alloc::vec::Vec;
use miniz_oxide::inflate::{self, TINFLStatus};

pub use integer_keys::quote_integer_keys;
pub(crate) use json::{read_filter_servers, read_mapping_of};
pub use registration::{DataVersion, RegisterBody, RegisterHeader, TopicConfig, TopicQueueMapping};
pub use unstable_range::unstable_range;

/// Release 3.0.11. Older senders send only the topic table.
const VERSION_WITH_FILTER_SERVERS: i32 = 37;
/// Bytes before the blocks of a zlib stream.
const ZLIB_HEADER_BYTES: usize = 2;

/// A register body as JSON or inflated bytes, ready to be decoded in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlainBody<'a> {
    /// JSON text, or nothing. Copied only if it has integer keys without quotes or unpaired surrogates.
    Json(Cow<'a, str>),
    /// The contents of the zlib stream.
    Inflated(Vec<u8>),
}

impl<'a> PlainBody<'a> {
    /// Inflates a body that is announced as compressed, or that begins like a zlib stream: 5.x brokers that compress
    /// announce the opposite (Java: `BrokerOuterAPI.registerBrokerAll`).
    ///
    /// # Errors
    /// A broken stream, a stream that inflates beyond the limit, or text that is not UTF-8.
    pub fn new(body: &'a [u8], announced: bool, limits: &Limits) -> Result<Self, BodyError> {
        if body.is_empty() {
            return Ok(Self::Json(Cow::Borrowed("")));
        }
        if announced || begins_as_zlib(body) {
            return inflate(body, limits.inflated_bytes_max).map(Self::Inflated);
        }
        let text = read::text(body)?;
        Ok(Self::Json(integer_keys::quote(text)))
    }
}

/// Whether the first bytes are a zlib header with the usual window size. JSON never begins with an `x`.
fn begins_as_zlib(body: &[u8]) -> bool {
    matches!(body, [first @ 0x78, second, ..] if u16::from_be_bytes([*first, *second]) % 31 == 0)
}

#[allow(clippy::wildcard_enum_match_arm, reason = "the library may add variants")]
fn inflate(body: &[u8], max: usize) -> Result<Vec<u8>, BodyError> {
    let inflated = inflate::decompress_to_vec_zlib_with_limit(body, max).or_else(|error| match error.status {
        // As in Java, the checksum behind the last block may be partly or entirely missing.
        TINFLStatus::FailedCannotMakeProgress | TINFLStatus::NeedsMoreInput => {
            inflate::decompress_to_vec_with_limit(body.get(ZLIB_HEADER_BYTES..).unwrap_or_default(), max)
        }
        _ => Err(error),
    });
    inflated.map_err(|error| match error.status {
        TINFLStatus::HasMoreOutput => BodyError::InflatesTooLong { max },
        TINFLStatus::FailedCannotMakeProgress | TINFLStatus::NeedsMoreInput => {
            BodyError::Compression(CompressionError::Truncated)
        }
        TINFLStatus::Adler32Mismatch => BodyError::Compression(CompressionError::Checksum),
        _ => BodyError::Compression(CompressionError::Invalid),
    })
}

impl<'a> RegisterBody<'a> {
    /// Reads a body from a sender of `version`; `wall` replaces a missing timestamp.
    ///
    /// # Errors
    /// A body that does not have the form, or has more topics than the limit; and a negative version, for which no form
    /// exists (Java: `MQVersion.value2Version`).
    pub fn decode(body: &'a PlainBody<'a>, version: i32, wall: WallTime, limits: &Limits) -> Result<Self, BodyError> {
        let max = limits.topics_per_registration_max;
        if version < 0 {
            return Err(BodyError::NegativeVersion);
        }
        let only_topics = version < VERSION_WITH_FILTER_SERVERS;
        match body {
            PlainBody::Json(text) if text.is_empty() => Ok(Self::empty(only_topics)),
            PlainBody::Json(text) if only_topics => json::read_wrapper(text, wall, max),
            PlainBody::Json(text) => json::read(text, wall, max),
            PlainBody::Inflated(_) if only_topics => Err(BodyError::CompressedBeforeItWasPossible),
            PlainBody::Inflated(bytes) => compressed::read_body(bytes, version, wall, max),
        }
    }

    /// The meaning of an empty body.
    fn empty(only_topics: bool) -> Self {
        Self {
            filter_servers: (!only_topics).then(Vec::new),
            data_version: Some(DataVersion::initial(WallTime::UNIX_EPOCH)),
            topics: Some(Vec::new()),
            mappings: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
