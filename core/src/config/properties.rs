//! Java properties text (`java.util.Properties`), read and written.

use alloc::string::String;
use alloc::vec::Vec;

/// One entry of a properties text and the line it begins on, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// Key.
    pub key: String,
    /// Value; trailing white space is part of it, as in Java.
    pub value: String,
    /// Line.
    pub line: usize,
}

/// A `\u` escape without four hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: malformed \\u escape")]
pub struct PropertiesError {
    /// Line, counted from 1.
    pub line: usize,
}

/// Reads a properties text, ISO-8859-1 as Java has it. Repeated keys are all returned, in order: the last one counts.
///
/// # Errors
/// A malformed `\u` escape, the only thing that Java refuses.
pub fn parse(_text: &[u8]) -> Result<Vec<Property>, PropertiesError> {
    todo!()
}

/// Writes entries so that [`parse`] and Java read the same back.
#[must_use]
pub fn write(_entries: &[(&str, &str)]) -> String {
    todo!()
}
