//! The wire: PROXY headers, frames, both header forms, typed request headers, register bodies, and the JSON of answers.
//!
//! ```
//! use namesrv_core::config::Limits;
//! use namesrv_core::wire::{Framing, Request, next_frame};
//!
//! let header = br#"{"code":105,"extFields":{"topic":"TopicTest"},"flag":0,"opaque":7,"version":513}"#;
//! let mut input = (4 + header.len() as u32).to_be_bytes().to_vec();
//! input.extend((header.len() as u32).to_be_bytes());
//! input.extend(header);
//!
//! let limits = Limits::default();
//! let Framing::Complete { frame, length } = next_frame(&input, &limits)? else { panic!("the frame is complete") };
//! let request = Request::decode(frame, &limits)?;
//! assert_eq!((length, request.code, request.opaque), (input.len(), 105, 7));
//! assert_eq!(request.fields.value("topic").as_deref(), Some("TopicTest"));
//! # Ok::<(), namesrv_core::wire::FrameError>(())
//! ```

#![cfg_attr(not(test), warn(clippy::cast_possible_truncation))]

pub mod body;
pub mod code;
mod cursor;
mod error;
pub mod fields;
pub mod frame;
mod header;
pub(crate) mod java;
pub mod json;
mod proxy;
mod queue_values;
pub mod register;
mod release;
mod request;
pub mod response;
mod sender;

pub use crate::serialization::Serialization;
pub use error::{BinaryHeaderError, BodyError, CompressionError, ForeignProtocol, FrameError, JsonError, ReaderError};
pub use fields::ExtFields;
pub use frame::{Framing, RawFrame, next_frame};
pub use proxy::{HEADER_BYTES_MAX as PROXY_HEADER_BYTES_MAX, ProxyError, ProxyFraming, proxy_header};
pub use queue_values::QueueValues;
pub use release::Release;
pub use request::Request;
pub use sender::Sender;
