//! The result of reading the files of one side.

use super::identity::Identity;

/// A configuration of rustls, and the log lines about it.
#[derive(Debug)]
pub(super) struct Loaded<C> {
    pub(super) config: C,
    /// The identity that the other side sees; `None` if there is none or the server created it itself.
    pub(super) identity: Option<Identity>,
    /// Lines for the operator.
    pub(super) warnings: Vec<String>,
}
