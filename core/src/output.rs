//! The outputs that a driver carries out: those of the registry, and those that the node adds.

use crate::ConnId;
use crate::access::Reach;
use crate::event::Event;
use crate::route::RouteView;
use crate::save::SaveTicket;
use crate::snapshot::SnapshotSource;
use crate::time::Duration;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// Why the registry closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// All brokers that registered over it expired.
    BrokerExpired,
    /// The registry could not read a forwarded frame.
    ///
    /// A connection checks frames against the same limits before it forwards them, so its driver never sees this. The
    /// registry still handles such a frame, because a recorded or invented input may contain one.
    MalformedFrame,
}

/// What a driver must carry out, strictly in order.
#[derive(Clone, Debug)]
pub enum Output {
    /// Inputs of the batch have left the queue: return their places to the quota.
    Release {
        /// Number of requests.
        requests: usize,
        /// Bytes of their frames.
        bytes: usize,
    },
    /// A new view. It precedes all replies of its batch, so a client that has a reply can see its effect.
    Publish(Arc<RouteView>),
    /// The node has handled a forwarded request. Hand the frame to the connection; it is empty if the client gets no
    /// answer (one-way).
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
    /// Send a one-way request to a broker's own address, over one of the driver's own connections.
    Notify {
        /// `host:port`.
        address: String,
        /// The IP addresses to which it may be sent. If the host is a name, check the address that it resolves to.
        reach: Reach,
        /// The whole request.
        frame: Bytes,
    },
    /// Replace the contents of [`SaveTicket::file`], then hand in [`Input::Saved`](crate::node::Input::Saved).
    Save {
        /// The ticket to hand back.
        ticket: SaveTicket,
        /// The new contents of the file.
        contents: Vec<u8>,
    },
    /// Replace the contents of the snapshot file with what [`SnapshotSource::encode`] returns, then hand in
    /// [`Input::Saved`](crate::node::Input::Saved). Encode it on a thread for which no client waits.
    SaveSnapshot {
        /// The ticket to hand back.
        ticket: SaveTicket,
        /// The data to encode.
        source: SnapshotSource,
    },
    /// Tell the operator what happened in the registry.
    Event(Event),
    /// Tell the operator that the server accepts connections.
    Announce,
    /// Tell the operator that I/O threads have not taken these replies within
    /// [`REPLY_WAIT_MAX`](crate::node::REPLY_WAIT_MAX). The node no longer waits for them.
    RepliesStuck {
        /// Bytes of these replies.
        bytes: usize,
    },
    /// Tell the operator that the server stops.
    Stopping {
        /// How long newer clients are told to use another server before the I/O threads stop.
        wait: Duration,
    },
    /// Tell all I/O threads to stop.
    StopIo {
        /// Give up what they have not written after this time.
        within: Duration,
    },
    /// The node has handled and saved everything. No output follows.
    Finished,
}
