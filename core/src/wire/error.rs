//! Faults in the bytes of a peer: one variant for each.

use crate::cut::{Bound, cut};
use crate::limits::Limits;
use alloc::string::{String, ToString};
use core::fmt;
use core::str::Utf8Error;

/// A frame that cannot be read. Nobody knows where the next frame begins, so the connection must be closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The announced length is over the limit.
    #[error("a frame of {length} bytes is over the limit of {max}, which {} raises", Limits::frame_bytes_max.key.name)]
    TooLong {
        /// The announced length in bytes, including the length word.
        length: u64,
        /// The limit.
        max: usize,
    },
    /// The announced length is over the limit because the peer speaks another protocol.
    #[error("the peer speaks {0}, which is not served here")]
    Foreign(ForeignProtocol),
    /// The announced length leaves no room for the header length word.
    #[error("a frame announces {0} bytes, which is less than its header length takes")]
    TooShort(u32),
    /// The header does not fit into its frame.
    #[error("a header of {header} bytes does not fit into a frame with room for {room}")]
    HeaderPastFrame {
        /// The announced length of the header in bytes.
        header: usize,
        /// Bytes of the frame behind both length words.
        room: usize,
    },
    /// The header is over the limit.
    #[error("a header of {header} bytes is over the limit of {max} ({})", Limits::header_bytes_max.key.name)]
    HeaderTooLong {
        /// The announced length of the header in bytes.
        header: usize,
        /// The limit.
        max: usize,
    },
    /// A serialization type other than JSON and binary.
    #[error("unknown serialization type {0}")]
    UnknownSerialization(u8),
    /// A JSON header that cannot be read.
    #[error("malformed JSON header: {0}")]
    JsonHeader(JsonError),
    /// A binary header whose lengths contradict each other.
    #[error("malformed binary header: {0}")]
    BinaryHeader(BinaryHeaderError),
    /// More extension fields than the limit.
    #[error("more than {max} extension fields ({})", Limits::ext_fields_max.key.name)]
    TooManyFields {
        /// The limit.
        max: usize,
    },
}

/// What is wrong with a binary header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BinaryHeaderError {
    /// It ends before its last length word does.
    #[error("it ends within its fixed part")]
    TooShort,
    /// The remark is longer than the header, or its length is negative.
    #[error("its remark does not fit")]
    RemarkPastHeader,
    /// The extension fields are longer than the header.
    #[error("its extension fields do not fit")]
    FieldsPastHeader,
    /// One extension field is longer than all of them.
    #[error("an extension field runs past the end of its map")]
    FieldPastMap,
}

/// A body that cannot be read. The answer has code 1 and the text of the error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Not JSON, or JSON of the wrong shape.
    #[error("malformed body: {0}")]
    Json(JsonError),
    /// A sender with a negative version, for which no body form exists.
    #[error("malformed body: a sender of a negative version")]
    NegativeVersion,
    /// A compressed body from a release before 3.0.11, which could not compress.
    #[error("malformed body: a sender that is too old compresses its body")]
    CompressedBeforeItWasPossible,
    /// The inflated bytes end within a section.
    #[error("malformed body: a compressed body ends too early")]
    EndsTooEarly,
    /// More elements than the limit.
    #[error("malformed body: more than {max} {what}")]
    TooMany {
        /// What the body has too many of.
        what: &'static str,
        /// The limit.
        max: usize,
    },
    /// A line of a compressed topic table that does not describe a topic.
    #[error("malformed body: a topic cannot be read from {line:?}")]
    TopicLine {
        /// The first bytes of the line.
        line: String,
    },
    /// A static-topic mapping without its topic's name.
    #[error("malformed body: a topic queue mapping without a topic")]
    MappingWithoutTopic,
    /// The body is announced as a zlib stream, or begins like one, but is broken.
    #[error("malformed compressed body: {0}")]
    Compression(CompressionError),
    /// A zlib stream that inflates beyond the limit.
    #[error("a compressed body inflates to more than the limit of {max} bytes")]
    InflatesTooLong {
        /// The limit.
        max: usize,
    },
}

/// Why a zlib stream is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompressionError {
    /// It ends too early.
    #[error("Truncated input stream")]
    Truncated,
    /// Its checksum is wrong.
    #[error("Adler32 checksum mismatch")]
    Checksum,
    /// It is damaged, or not a zlib stream.
    #[error("Invalid input data")]
    Invalid,
}

/// JSON that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not UTF-8.
    #[error("{0}")]
    NotUtf8(#[from] Utf8Error),
    /// `null` where an object belongs.
    #[error("null")]
    Null,
    /// Not standard JSON, or a value of the wrong type or size, in the words of the JSON reader.
    #[error("{0}")]
    Reader(ReaderError),
}

/// The message of the JSON reader, with the position. It is limited in length, because it may quote what the peer sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderError(String);

/// How much of a reader's message is kept.
const READER_BOUND: Bound = Bound::Characters(200);

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        Self::Reader(ReaderError(cut(&error.to_string(), READER_BOUND, "…").into_owned()))
    }
}

impl fmt::Display for ReaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<serde_json::Error> for BodyError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error.into())
    }
}

impl From<Utf8Error> for BodyError {
    fn from(error: Utf8Error) -> Self {
        Self::Json(error.into())
    }
}

/// Another protocol, recognised by its first four bytes, so that the log has one clear line about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForeignProtocol {
    /// A TLS handshake.
    Tls,
    /// A PROXY protocol preamble of either version.
    Proxy,
    /// HTTP, in either major version.
    Http,
}

impl ForeignProtocol {
    pub(super) fn recognise(first: [u8; 4]) -> Option<Self> {
        match &first {
            [0x16, 0x03, ..] => Some(Self::Tls),
            b"PROX" | b"\r\n\r\n" => Some(Self::Proxy),
            b"GET " | b"HEAD" | b"POST" | b"PUT " | b"OPTI" | b"DELE" | b"CONN" | b"PRI " => Some(Self::Http),
            _ => None,
        }
    }
}

impl fmt::Display for ForeignProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls => "TLS",
            Self::Proxy => "the PROXY protocol",
            Self::Http => "HTTP",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_json_reader_have_a_bounded_length() {
        let json = alloc::format!("\"{}\"", "é".repeat(100_000));
        let error = JsonError::from(serde_json::from_str::<u8>(&json).unwrap_err()).to_string();
        assert!(error.starts_with("invalid type: string \"éé") && error.chars().count() == 201, "{error}");
    }

    #[test]
    fn an_error_at_a_limit_names_the_key_that_raises_it() {
        let error = FrameError::TooLong { length: 2, max: 1 };
        let expected = "a frame of 2 bytes is over the limit of 1, which com.rocketmq.remoting.frameMaxLength raises";
        assert_eq!(error.to_string(), expected);
        let error = FrameError::HeaderTooLong { header: 2, max: 1 };
        assert_eq!(error.to_string(), "a header of 2 bytes is over the limit of 1 (headerBytesMax)");
        assert_eq!(FrameError::TooManyFields { max: 1 }.to_string(), "more than 1 extension fields (extFieldsMax)");
    }
}
