//! What came of reading the files of one side.

use super::identity::Identity;

/// A configuration of rustls, and the log lines about it.
#[derive(Debug)]
pub(super) struct Loaded<C> {
    pub(super) config: C,
    /// What is shown to the other side; `None` if it is nothing or made by the server itself.
    pub(super) identity: Option<Identity>,
    /// Lines for the operator.
    pub(super) warnings: Vec<String>,
}
