//! What a driver has to carry out: the outputs of the registry, and those that its node adds.

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
    /// A forwarded frame could not be read.
    ///
    /// A connection checks frames before it forwards them, against the same limits, so its driver never sees this. The
    /// registry still decides what happens to such a frame, because an input that was recorded or made up may hold one.
    MalformedFrame,
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
    /// A forwarded request is done. The frame is for the connection; it is empty if there is nothing to write
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
        /// Which IP addresses it may be sent to. If the host is a name, ask about the address that it stands for.
        reach: Reach,
        /// The whole request.
        frame: Bytes,
    },
    /// Replace the contents of [`SaveTicket::file`], then hand in [`Input::Saved`](crate::node::Input::Saved).
    Save {
        /// To be handed back.
        ticket: SaveTicket,
        /// The new contents of the file.
        contents: Vec<u8>,
    },
    /// Replace the contents of the file of snapshots by what [`SnapshotSource::encode`] returns, then hand in
    /// [`Input::Saved`](crate::node::Input::Saved). Encode it on a thread that no client waits for.
    SaveSnapshot {
        /// To be handed back.
        ticket: SaveTicket,
        /// What the snapshot is made of.
        source: SnapshotSource,
    },
    /// Tell the operator what happened in the registry.
    Event(Event),
    /// Tell the operator that the server accepts connections.
    Announce,
    /// Tell the operator that I/O threads have not taken these replies for
    /// [`REPLY_WAIT_MAX`](crate::node::REPLY_WAIT_MAX). The node goes on without waiting for them.
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
