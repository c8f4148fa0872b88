//! The single writer: frames that change something in, outputs out.

use crate::config::Config;
use crate::event::Event;
use crate::route::RouteView;
use crate::time::{Millis, Now};
use crate::{ConnId, Peer};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// Names one save, so that its end can be told to the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaveTicket(pub u64);

/// A file that the registry wants saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveFile {
    /// The KV table (`kvConfigPath`).
    KvConfig,
    /// Changes of the configuration at run time.
    RuntimeConfig,
}

/// Why the registry closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// All brokers that registered over it expired.
    BrokerExpired,
    /// A forwarded frame could not be read.
    MalformedFrame,
}

/// What the driver has to carry out, strictly in order.
#[derive(Clone, Debug)]
pub enum Output {
    /// A new view; it comes before every reply of its batch, so whoever holds a reply can see its effect.
    Publish(Arc<RouteView>),
    /// A forwarded request is done. The frame is for the connection; it is empty when nothing is to be written (one-way).
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
    /// Replace the contents of a file, then call [`Registry::handle_saved`].
    Save {
        /// To be handed back.
        ticket: SaveTicket,
        /// Which file.
        file: SaveFile,
        /// All of its contents.
        contents: Vec<u8>,
    },
    /// Something to be told to the operator.
    Event(Event),
}

/// The state machine that owns every table.
#[derive(Debug)]
pub struct Registry {}

impl Registry {
    /// An empty registry; its first view is published by the first [`Registry::poll_output`].
    #[must_use]
    pub fn new(_config: Config, _now: Now) -> Self {
        todo!()
    }

    /// A frame that a session forwarded.
    pub fn handle_frame(&mut self, _peer: Peer, _frame: &Bytes, _now: Now) {
        todo!()
    }

    /// A connection is gone.
    pub fn handle_disconnect(&mut self, _conn: ConnId, _now: Now) {
        todo!()
    }

    /// Time passed. Early or repeated calls do nothing.
    pub fn handle_timeout(&mut self, _now: Now) {
        todo!()
    }

    /// A save ended.
    pub fn handle_saved(&mut self, _ticket: SaveTicket, _result: Result<(), String>, _now: Now) {
        todo!()
    }

    /// The server is about to stop: from now on newer clients are told to go away.
    pub fn handle_shutdown(&mut self, _now: Now) {
        todo!()
    }

    /// The next thing to carry out; drain to `None` after each batch of inputs.
    pub fn poll_output(&mut self) -> Option<Output> {
        todo!()
    }

    /// When to call [`Registry::handle_timeout`] next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Millis> {
        todo!()
    }
}
