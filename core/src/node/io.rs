//! What goes into a node, and what comes out of it.

use crate::event::Event;
use crate::registry::{self, CloseReason, SaveError, SaveTicket};
use crate::route::RouteView;
use crate::time::Duration;
use crate::{ConnId, Peer};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
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
    },
    /// A connection is gone, and has forwarded all that it ever will.
    Disconnected(ConnId),
    /// A save ended.
    Saved {
        /// The ticket of [`Output::Save`].
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
    /// The I/O threads can be reached and begin to accept.
    Attached,
    /// The operator wants the server to stop.
    Stop,
    /// All I/O threads have ended. Only saves are waited for: frames and disconnects that come later are ignored.
    Finish,
}

/// What the driver has to carry out, strictly in order.
#[derive(Clone, Debug)]
pub enum Output {
    /// Inputs of the batch left the queue: return their places to the quota.
    Release {
        /// Number of requests.
        requests: usize,
        /// Bytes of their frames.
        bytes: usize,
    },
    /// A new view. It comes before every reply of its batch, so a client that holds a reply can see its effect.
    Publish(Arc<RouteView>),
    /// A forwarded request is done. The frame is for the connection; it is empty when nothing is to be written
    /// (one-way).
    Reply {
        /// The connection that asked.
        conn: ConnId,
        /// The whole answer.
        frame: Bytes,
    },
    /// Close a connection.
    Close {
        /// The connection.
        conn: ConnId,
        /// Why.
        reason: CloseReason,
    },
    /// Send a one-way request to a broker's own address, over a connection of the driver's.
    Notify {
        /// `host:port`.
        address: String,
        /// The whole request.
        frame: Bytes,
    },
    /// Replace the contents of [`SaveTicket::file`], then hand in [`Input::Saved`].
    Save {
        /// To be handed back.
        ticket: SaveTicket,
        /// The new contents of the file.
        contents: Vec<u8>,
    },
    /// Tell the operator what happened in the registry.
    Event(Event),
    /// Tell the operator that the server accepts connections.
    Announce,
    /// Tell the operator that I/O threads have not taken these replies for [`REPLY_WAIT_MAX`](super::REPLY_WAIT_MAX).
    /// The node goes on without waiting for them.
    RepliesStuck {
        /// Bytes of the replies that are not taken.
        bytes: usize,
    },
    /// Tell the operator that the server stops.
    Stopping {
        /// How long newer clients are sent elsewhere before the I/O threads stop.
        wait: Duration,
    },
    /// Tell all I/O threads to stop.
    StopIo {
        /// What they have not written after this time is given up.
        within: Duration,
    },
    /// The node has ended: everything was taken and saved. Nothing comes after this.
    Finished,
}

impl From<registry::Output> for Output {
    fn from(output: registry::Output) -> Self {
        match output {
            registry::Output::Publish(view) => Self::Publish(view),
            registry::Output::Reply { conn, frame } => Self::Reply { conn, frame },
            registry::Output::Close { conn, reason } => Self::Close { conn, reason },
            registry::Output::Notify { address, frame } => Self::Notify { address, frame },
            registry::Output::Save { ticket, contents } => Self::Save { ticket, contents },
            registry::Output::Event(event) => Self::Event(event),
        }
    }
}
