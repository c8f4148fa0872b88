//! The wire: frames, both header forms, typed request headers, register bodies and the JSON that answers are made of.

pub mod body;
pub mod code;
mod cursor;
pub mod fields;
pub mod frame;
pub mod header;
mod input;
pub mod json;
pub mod register;
pub mod response;

pub use crate::serialization::Serialization;
pub use fields::ExtFields;
pub use frame::{ForeignProtocol, FrameError, Framing, RawFrame, next_frame};
pub use header::Request;
