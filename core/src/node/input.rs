//! What goes into a node.

use crate::access::{AccessRules, Verdict};
use crate::config::Configuration;
use crate::save::{SaveError, SaveTicket};
use crate::{ConnId, Peer};
use alloc::boxed::Box;
use alloc::sync::Arc;
use bytes::Bytes;

/// Everything that can happen to a node. A run is a list of inputs with their times: it can be printed, compared and
/// replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A connection forwarded a request. The driver reserved a place for it ([`QueueQuota`](crate::quota::QueueQuota)).
    Frame {
        /// The connection, and the address at its other end.
        peer: Peer,
        /// The whole frame.
        frame: Bytes,
        /// What access control says about it.
        verdict: Verdict,
    },
    /// A connection is gone, and has forwarded all that it ever will.
    Disconnected(ConnId),
    /// A save ended.
    Saved {
        /// The ticket of [`Output::Save`](crate::output::Output::Save).
        ticket: SaveTicket,
        /// Whether the file has its new contents, or why not.
        result: Result<(), SaveError>,
    },
    /// I/O threads took replies out of their inboxes (or dropped them).
    ReplyTaken {
        /// Bytes of their frames. Several replies may share one input.
        bytes: usize,
    },
    /// Time passed. Hand it in as often as you like, but not before all inputs that have arrived.
    Tick,
    /// The operator wants other rules of access control. They hold for all requests that are read from now on.
    ReplaceAccess(Arc<AccessRules>),
    /// The configuration was read again. What can change at run time changes, but for what a request has changed.
    Reload(Box<Configuration>),
    /// The I/O threads can be reached and begin to accept.
    Attached,
    /// The operator wants the server to stop.
    Stop,
    /// All I/O threads have ended. Only saves are waited for: frames and disconnects that come later are ignored.
    Finish,
}
