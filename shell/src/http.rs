//! HTTP/1.1 for the second port: takes bytes from a client, and returns the bytes of answers.
//!
//! It has no socket and no clock, and knows no paths. It only accepts GET and HEAD, and no request may have a body, so
//! nothing can be smuggled behind one. Everything that a client makes it keep is bounded: [`HEAD_BYTES_MAX`] limits a
//! head, and the page that creates an answer limits the answer. It reads the next request once the answer before it is
//! written, and reads none after an answer that continues until the client leaves.

mod connection;
mod request;
mod response;
mod status;

pub use connection::{Answer, Connection, HEAD_WITHIN, IDLE_MAX};
pub use request::{HEAD_BYTES_MAX, HEADERS_MAX, Method, Parsed, Refusal, Request, parse};
pub use response::Response;
pub use status::Status;
