//! HTTP/1.1 as the second port speaks it: bytes of a client in, bytes of answers out.
//!
//! It has no socket and no clock, and knows no path. Only GET and HEAD exist, and no request has a body, so nothing can
//! be smuggled behind one. Everything that a client makes it keep is bounded: a head by [`HEAD_BYTES_MAX`], and the
//! answer that is being written by whoever makes it. The next request is read once the answer before it is written, and
//! none after an answer that goes on until the client leaves.

mod connection;
mod request;
mod response;
mod status;

pub use connection::{Answer, Connection, HEAD_WITHIN, IDLE_MAX};
pub use request::{HEAD_BYTES_MAX, HEADERS_MAX, Method, Parsed, Refusal, Request, parse};
pub use response::Response;
pub use status::Status;
