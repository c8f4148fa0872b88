//! What comes out of the registry.

use crate::ConnId;
use crate::event::Event;
use crate::route::RouteView;
use crate::save::SaveTicket;
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
    /// A new view. It comes before every reply of its batch, so a client that holds a reply can see its effect.
    Publish(Arc<RouteView>),
    /// A forwarded request is done. The frame is for the connection; it is empty after a one-way request.
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
    /// Replace the contents of [`SaveTicket::file`], then call
    /// [`Registry::handle_saved`](super::Registry::handle_saved).
    Save {
        /// To be handed back.
        ticket: SaveTicket,
        /// The new contents of the file.
        contents: Vec<u8>,
    },
    /// Tell the operator what happened.
    Event(Event),
}
