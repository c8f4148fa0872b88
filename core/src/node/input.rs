//! The inputs of a node.

use crate::access::{AccessRules, Verdict};
use crate::config::Configuration;
use crate::save::{SaveError, SaveTicket};
use crate::{ConnId, Peer};
use alloc::boxed::Box;
use alloc::sync::Arc;
use bytes::Bytes;

/// Everything that can happen to a node. A run is a list of inputs with their times, which can be printed, compared and
/// replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A connection forwarded a request. The driver reserved a place for it ([`QueueQuota`](crate::quota::QueueQuota)).
    Frame {
        /// The connection, and the address of its client.
        peer: Peer,
        /// The whole frame.
        frame: Bytes,
        /// The verdict of access control.
        verdict: Verdict,
    },
    /// A connection is gone, and will forward nothing more.
    Disconnected(ConnId),
    /// A save ended.
    Saved {
        /// The ticket of [`Output::Save`](crate::output::Output::Save).
        ticket: SaveTicket,
        /// Whether the file has its new contents, or why it does not.
        result: Result<(), SaveError>,
    },
    /// I/O threads took replies out of their inboxes, or dropped them.
    ReplyTaken {
        /// Bytes of their frames. Several replies may share one input.
        bytes: usize,
    },
    /// Time passed. Hand it in as often as you like, but only after all inputs that have arrived.
    Tick,
    /// The operator changed the rules of access control. The new ones apply to all requests that connections read from
    /// now on.
    ReplaceAccess(Arc<AccessRules>),
    /// The configuration file was read again. Takes over what can change at run time, except for keys that a request
    /// has changed.
    Reload(Box<Configuration>),
    /// The I/O threads are reachable and begin to accept.
    Attached,
    /// The operator wants the server to stop.
    Stop,
    /// All I/O threads have ended. The node only waits for saves now, and ignores later frames and disconnects.
    Finish,
}
