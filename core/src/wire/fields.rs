//! Extension fields: the string to string map of a request header, read where it stands.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

/// The extension fields of one request, in whichever form the header has them.
#[derive(Clone, Debug, Default)]
pub enum ExtFields<'a> {
    /// None.
    #[default]
    None,
    /// Inside of a JSON object whose members are all strings without escapes and without white space between tokens.
    Exact(&'a str),
    /// The binary form, its lengths checked already.
    Binary(&'a [u8]),
    /// Read by the full JSON reader.
    Owned(Vec<(String, String)>),
}

impl<'a> ExtFields<'a> {
    /// The value of a field; of a repeated one the last. Names match exactly. Invalid UTF-8 of a binary header becomes U+FFFD.
    #[must_use]
    pub fn value(&self, _name: &str) -> Option<Cow<'_, str>> {
        todo!()
    }

    /// Whether the field is `true`, ignoring case, as Java's `Boolean.parseBoolean` has it.
    #[must_use]
    pub fn is_true(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The value as Java's `Long.parseLong` reads it; absent when it does not.
    #[must_use]
    pub fn integer(&self, _name: &str) -> Option<i64> {
        todo!()
    }
}
