//! The KV table and its file.

use alloc::collections::BTreeMap;
use alloc::string::String;

/// Namespace to key to value. A key without a value exists only in memory: it makes its namespace known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KvTable {
    namespaces: BTreeMap<String, BTreeMap<String, Option<String>>>,
}

/// A KV file that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {reason}")]
pub struct KvFileError {
    /// Line, counted from 1.
    pub line: usize,
    /// Column, counted from 1.
    pub column: usize,
    /// What is wrong there.
    pub reason: String,
}

impl KvTable {
    /// Reads the contents of a KV file in Java's format. No bytes at all or `null` is an empty table.
    ///
    /// # Errors
    /// Anything that is not such a file.
    pub fn decode(_contents: &[u8]) -> Result<Self, KvFileError> {
        let _ = Self::default().namespaces;
        todo!()
    }

    /// The contents of the KV file in Java's format; entries without a value are left out.
    #[must_use]
    pub fn encode(&self) -> alloc::vec::Vec<u8> {
        todo!()
    }
}
