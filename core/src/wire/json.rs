//! JSON: reads what peers send, and writes what the server sends.

mod integer;
pub(super) mod read;
mod write;

pub(super) use integer::Integer;
pub use write::{Dialect, integer, integer_key, long, separated, string, string_of, strings};
