//! The wire: frames, both header forms, typed request headers, register bodies and the JSON that answers are made of.

pub mod body;
pub mod code;
mod cursor;
mod error;
pub mod fields;
pub mod frame;
mod header;
pub mod json;
pub mod register;
mod request;
pub mod response;

pub use crate::serialization::Serialization;
pub use error::{BinaryHeaderError, BodyError, CompressionError, ForeignProtocol, FrameError, JsonError, ReaderError};
pub use fields::ExtFields;
pub use frame::{Framing, RawFrame, next_frame};
pub use request::Request;
