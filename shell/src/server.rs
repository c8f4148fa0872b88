//! What a runtime is handed to serve with: listeners, the way to the registry, the view, the clock and the limits.

use arc_swap::ArcSwap;
use bytes::Bytes;
use namesrv_core::config::Limits;
use namesrv_core::registry::CloseReason;
use namesrv_core::route::RouteView;
use namesrv_core::time::Now;
use namesrv_core::{ConnId, Peer};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

/// Everything that a runtime serves with. Handed to it once, after configuration was read and ports were bound.
#[derive(Debug)]
pub struct Server {
    /// One non-blocking listener for each I/O thread that the runtime should run.
    pub listeners: Vec<TcpListener>,
    /// Where views are read.
    pub views: Arc<ArcSwap<RouteView>>,
    /// Where forwarded frames and disconnects go.
    pub registry: RegistryHandle,
    /// The time.
    pub clock: Clock,
    /// Bounds.
    pub limits: Limits,
    /// Counts connections and incomplete input of all I/O threads against their limits.
    pub budget: Arc<Budget>,
}

/// Reads both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Clock;

impl Clock {
    /// The time now.
    #[must_use]
    pub fn now(&self) -> Now {
        todo!()
    }
}

/// What the registry and the signal handler tell an I/O thread.
#[derive(Debug)]
pub enum ToIo {
    /// A forwarded request of a connection is done: call `Session::handle_reply`, then write the frame (empty: nothing).
    Reply {
        /// The connection. It may be gone.
        conn: ConnId,
        /// The answer.
        frame: Bytes,
    },
    /// Close a connection.
    Close {
        /// The connection. It may be gone.
        conn: ConnId,
        /// Why.
        reason: CloseReason,
    },
    /// Stop: accept and read no more, write what is owed (forwarded requests that are not answered yet included), close.
    Stop {
        /// What is not written after so long is given up.
        within: Duration,
    },
}

/// The way into one I/O thread, made by the runtime. Must not block.
pub trait Inbox: Send + Sync {
    /// Queues a message and wakes the I/O thread.
    fn deliver(&self, message: ToIo);
}

/// The way to the registry thread.
#[derive(Clone, Debug)]
pub struct RegistryHandle {}

impl RegistryHandle {
    /// Tells the registry thread and the signal handler how to reach the I/O threads; index = [`ConnId::io_thread`].
    /// To be called once, before the first connection is accepted.
    pub fn attach(&self, _inboxes: Vec<Box<dyn Inbox>>) {
        todo!()
    }

    /// Hands a frame over.
    ///
    /// # Errors
    /// The queue is full, in requests or bytes: the frame comes back; stop reading from that connection and try again soon.
    pub fn forward(&self, _peer: Peer, _frame: Bytes) -> Result<(), Bytes> {
        todo!()
    }

    /// Tells that a connection is gone. Never dropped, never blocks.
    pub fn disconnected(&self, _conn: ConnId) {
        todo!()
    }
}

/// Counters that all I/O threads share.
#[derive(Debug)]
pub struct Budget {}

impl Budget {
    /// Takes a place for one more connection; false when the limit is reached.
    #[must_use]
    pub fn connect(&self) -> bool {
        todo!()
    }

    /// Gives the place back.
    pub fn disconnect(&self) {
        todo!()
    }

    /// Takes `bytes` for incomplete input; false when the limit of all connections together is reached.
    #[must_use]
    pub fn take_input(&self, _bytes: usize) -> bool {
        todo!()
    }

    /// Gives `bytes` back.
    pub fn return_input(&self, _bytes: usize) {
        todo!()
    }
}
