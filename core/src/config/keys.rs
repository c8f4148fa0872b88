//! The table of configuration keys: type, default, and what a change at run time does.

use super::properties::Property;
use super::{Settings, Warning};
use alloc::string::String;
use alloc::vec::Vec;

/// All keys and their values: what GET_NAMESRV_CONFIG shows, with typed access to what matters.
#[derive(Clone, Debug)]
pub struct Configuration {}

/// A value that stops the start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {key}: {reason}")]
pub struct ConfigurationError {
    /// Line of the properties text.
    pub line: usize,
    /// Key.
    pub key: String,
    /// What is wrong with the value.
    pub reason: String,
}

/// What UPDATE_NAMESRV_CONFIG would do.
#[derive(Clone, Debug)]
pub enum Update {
    /// The text is not properties text.
    Malformed,
    /// A key that may not be changed at run time is in it.
    Forbidden,
    /// Nothing would change.
    Unchanged,
    /// The configuration as it would be.
    Changed {
        /// All of it.
        configuration: alloc::boxed::Box<Configuration>,
        /// The keys that have another value now.
        keys: Vec<String>,
        /// Contents of the runtime file: every key changed at run time since the operator's file was read.
        runtime_file: String,
    },
}

impl Configuration {
    /// Defaults under the entries of the operator's file.
    ///
    /// # Errors
    /// A bad value of a key that matters.
    pub fn new(_entries: &[Property]) -> Result<(Self, Vec<Warning>), ConfigurationError> {
        todo!()
    }

    /// The settings that behaviour depends on.
    #[must_use]
    pub fn settings(&self) -> Settings {
        todo!()
    }

    /// The value of a key as GET_NAMESRV_CONFIG shows it.
    #[must_use]
    pub fn value(&self, _key: &str) -> Option<&str> {
        todo!()
    }

    /// Sets a key that only the process knows (paths, the port that the system chose).
    pub fn set(&mut self, _key: &str, _value: &str) {
        todo!()
    }

    /// The text of GET_NAMESRV_CONFIG: `key=value` lines, sorted by key.
    #[must_use]
    pub fn listing(&self) -> String {
        todo!()
    }

    /// Decides on the body of UPDATE_NAMESRV_CONFIG; nothing is changed by it.
    #[must_use]
    pub fn update(&self, _body: &[u8]) -> Update {
        todo!()
    }
}
