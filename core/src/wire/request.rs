//! A request: its header and its body.

use super::fields::ExtFields;

/// A request: its header fields and its body, borrowed from the frame.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Request code.
    pub code: i32,
    /// Correlation number. The answer repeats it.
    pub opaque: i32,
    /// Flag bits: 1 response, 2 one-way.
    pub flag: i32,
    /// Release of the sender as an ordinal number.
    pub version: i32,
    /// Extension fields.
    pub fields: ExtFields<'a>,
    /// Body, possibly empty.
    pub body: &'a [u8],
}

impl Request<'_> {
    /// Whether this is a response to a request of this server, to be dropped.
    #[must_use]
    pub const fn is_response(&self) -> bool {
        self.flag & 1 != 0
    }

    /// Whether the sender wants no answer.
    #[must_use]
    pub const fn is_oneway(&self) -> bool {
        self.flag & 2 != 0
    }

    /// An empty request, for the readers to fill.
    pub(super) const fn empty() -> Self {
        Self { code: 0, opaque: 0, flag: 0, version: 0, fields: ExtFields::None, body: &[] }
    }
}
