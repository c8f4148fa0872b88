//! What a runtime is handed to serve with: listeners, the way to the registry, the view, the clock and the limits.

pub use crate::clock::Clock;

use crate::credit::Credit;
use crate::queue::{QueueSender, take};
use arc_swap::ArcSwap;
use bytes::Bytes;
use namesrv_core::config::Limits;
use namesrv_core::node::Input;
use namesrv_core::registry::CloseReason;
use namesrv_core::route::RouteView;
use namesrv_core::{ConnId, Peer};
use std::fmt;
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
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

/// What the registry and the signal handler tell an I/O thread.
#[derive(Debug)]
pub enum ToIo {
    /// A forwarded request of a connection is done: call `Conversation::handle_reply`.
    Reply {
        /// The connection. It may be gone.
        conn: ConnId,
        /// The answer.
        reply: Reply,
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

/// The answer to a forwarded request on its way to its connection. The registry thread gets the credit for it back once
/// it arrives or is dropped.
#[derive(Debug)]
pub struct Reply {
    frame: Bytes,
    credit: Arc<Credit>,
}

impl Reply {
    pub(crate) const fn new(frame: Bytes, credit: Arc<Credit>) -> Self {
        Self { frame, credit }
    }

    /// The whole frame; it is empty when nothing is to be written.
    #[must_use]
    pub fn arrive(self) -> Bytes {
        self.frame.clone()
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.credit.give_back(self.frame.len());
    }
}

/// The way into one I/O thread, made by the runtime. Must not block.
pub trait Inbox: Send + Sync {
    /// Queues a message and wakes the I/O thread.
    fn deliver(&self, message: ToIo);
}

/// The way to the registry thread.
#[derive(Clone, Debug)]
pub struct RegistryHandle {
    queue: QueueSender,
    inboxes: Arc<Inboxes>,
}

impl RegistryHandle {
    pub(crate) const fn new(queue: QueueSender, inboxes: Arc<Inboxes>) -> Self {
        Self { queue, inboxes }
    }

    /// Tells the registry thread and the signal handler how to reach the I/O threads; index = [`ConnId::io_thread`].
    /// To be called once, before the first connection is accepted: the server counts as started by it.
    pub fn attach(&self, inboxes: Vec<Box<dyn Inbox>>) {
        if self.inboxes.0.set(inboxes).is_ok() {
            self.queue.push(Input::Attached);
        }
    }

    #[cfg(test)]
    pub(crate) fn inboxes(&self) -> Arc<Inboxes> {
        Arc::clone(&self.inboxes)
    }

    /// Hands a frame over.
    ///
    /// # Errors
    /// The queue is full, in requests or bytes: the frame comes back; stop reading from that connection and try again soon.
    pub fn forward(&self, peer: Peer, frame: Bytes) -> Result<(), Bytes> {
        self.queue.offer(peer, frame)
    }

    /// Tells that a connection is gone. Never dropped, never blocks.
    pub fn disconnected(&self, conn: ConnId) {
        self.queue.push(Input::Disconnected(conn));
    }
}

/// The ways into all I/O threads, once they are known.
#[derive(Default)]
pub(crate) struct Inboxes(OnceLock<Vec<Box<dyn Inbox>>>);

impl Inboxes {
    /// Sends a message to the I/O thread of a connection.
    pub(crate) fn deliver(&self, conn: ConnId, message: ToIo) {
        // Connections come from attached I/O threads, so the inbox is there.
        if let Some(inbox) = self.0.get().and_then(|inboxes| inboxes.get(conn.io_thread())) {
            inbox.deliver(message);
        }
    }

    /// Tells every I/O thread to stop.
    pub(crate) fn stop(&self, within: Duration) {
        self.0.get().into_iter().flatten().for_each(|inbox| inbox.deliver(ToIo::Stop { within }));
    }
}

impl fmt::Debug for Inboxes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Inboxes").field(&self.0.get().map(Vec::len)).finish()
    }
}

/// Unread output for which no connection is closed.
const OUTPUT_BYTES_BORNE: usize = 4096;

/// Counters that all I/O threads share.
#[derive(Debug)]
pub struct Budget {
    connections: AtomicUsize,
    connections_max: usize,
    input_bytes: AtomicUsize,
    input_bytes_max: usize,
    output_bytes: AtomicUsize,
    output_bytes_max: usize,
}

impl Budget {
    /// Nothing taken yet of what the limits allow.
    #[must_use]
    pub const fn new(limits: &Limits) -> Self {
        Self {
            connections: AtomicUsize::new(0),
            connections_max: limits.connections_max,
            input_bytes: AtomicUsize::new(0),
            input_bytes_max: limits.incomplete_input_bytes_max,
            output_bytes: AtomicUsize::new(0),
            output_bytes_max: limits.unread_output_bytes_max,
        }
    }

    /// Takes a place for one more connection; false when the limit is reached.
    #[must_use]
    pub fn connect(&self) -> bool {
        take(&self.connections, 1, self.connections_max)
    }

    /// Returns the number of connections.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Gives the place back.
    pub fn disconnect(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// Takes `bytes` more for the incomplete input of a connection that has `held`; false when it would have more than is
    /// left for all others. So whoever hoards is refused first, a newcomer always finds some room, and no thread has to
    /// know what the connections of the others have.
    #[must_use]
    pub fn take_input(&self, bytes: usize, held: usize) -> bool {
        take(&self.input_bytes, bytes, self.input_bytes_max.saturating_sub(held + bytes))
    }

    /// Gives `bytes` back.
    pub fn return_input(&self, bytes: usize) {
        self.input_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// A connection has `after` bytes of output that its peer did not read, where it had `before`.
    pub(crate) fn note_output(&self, before: usize, after: usize) {
        // It wraps, as the sum does not.
        self.output_bytes.fetch_add(after.wrapping_sub(before), Ordering::Relaxed);
    }

    /// Whether a connection may have `held` bytes of output that its peer did not read: not more than is left for all
    /// others, but a little in any case.
    pub(crate) fn bears_output(&self, held: usize) -> bool {
        let others = self.output_bytes.load(Ordering::Relaxed).saturating_sub(held);
        held <= OUTPUT_BYTES_BORNE || others == 0 || others + held + held <= self.output_bytes_max
    }
}
