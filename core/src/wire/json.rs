//! JSON: what peers send, and what is written for them.

mod integer;
pub(super) mod read;
mod write;

pub(super) use integer::Integer;
pub use write::{Dialect, integer, integer_key, long, separated, string, string_of, strings};
