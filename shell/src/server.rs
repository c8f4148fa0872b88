//! What a runtime receives: listeners, access to the registry, the view, the clock and the limits.

pub use crate::clock::Clock;

use crate::counters::Counters;
use crate::credit::Credit;
use crate::inspection::{Listing, Replies};
use crate::listing::ListRequest;
use crate::queue::QueueSender;
use crate::quota::SharedQuotas;
use crate::transport::Policy;
use arc_swap::ArcSwap;
use bytes::Bytes;
use namesrv_core::ConnId;
use namesrv_core::node::Input;
use namesrv_core::output::CloseReason;
use namesrv_core::route::RouteView;
use std::fmt;
use std::net::TcpListener;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Everything that a runtime serves with. It receives this once, after the configuration was read and the ports were
/// bound.
#[derive(Debug)]
pub struct Server {
    /// One non-blocking listener for each I/O thread that the runtime is to run.
    pub listeners: Vec<TcpListener>,
    /// The newest view.
    pub views: Arc<ArcSwap<RouteView>>,
    /// The handle that takes forwarded frames and disconnects.
    pub registry: RegistryHandle,
    /// The time.
    pub clock: Clock,
    /// What all connections together may hold.
    pub quotas: Arc<SharedQuotas>,
    /// The policy for the first bytes of connections.
    pub policy: Policy,
    /// The counters, journals and progress of the I/O threads.
    pub counters: Arc<Counters>,
}

/// Messages from the registry thread and the signal handler to an I/O thread.
#[derive(Debug)]
pub enum ToIo {
    /// The node has handled a forwarded request.
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
    /// Stop: accept and read no more, write all pending answers (including those to forwarded requests that are still
    /// unanswered), and close.
    Stop {
        /// Give up what is not written after this time.
        within: Duration,
    },
    /// List the open connections.
    List(Listing),
}

/// The answer to a forwarded request, on the way to its connection. When it arrives or is dropped, the registry thread
/// gets its credit back.
#[derive(Debug)]
pub struct Reply {
    frame: Bytes,
    credit: Arc<Credit>,
}

impl Reply {
    pub(crate) const fn new(frame: Bytes, credit: Arc<Credit>) -> Self {
        Self { frame, credit }
    }

    /// Returns the whole frame; it is empty if there is nothing to write.
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

/// The inbox of one I/O thread, provided by the runtime. It must not block.
pub trait Inbox: Send + Sync {
    /// Queues a message and wakes the I/O thread.
    fn deliver(&self, message: ToIo);
}

/// The handle of the registry thread.
#[derive(Clone, Debug)]
pub struct RegistryHandle {
    queue: QueueSender,
    inboxes: Arc<Inboxes>,
}

impl RegistryHandle {
    pub(crate) const fn new(queue: QueueSender, inboxes: Arc<Inboxes>) -> Self {
        Self { queue, inboxes }
    }

    /// Tells the registry thread and the signal handler how to reach the I/O threads, indexed by [`ConnId::io_thread`].
    /// Call it once, before accepting the first connection: from then on the server counts as started.
    pub fn attach(&self, inboxes: Vec<Arc<dyn Inbox>>) {
        if self.inboxes.0.set(inboxes).is_ok() {
            self.queue.push(Input::Attached);
        }
    }

    #[cfg(test)]
    pub(crate) fn inboxes(&self) -> Arc<Inboxes> {
        Arc::clone(&self.inboxes)
    }

    /// Hands in what a connection has for the node. Never blocks: the connection has reserved a place for a request.
    pub fn hand_in(&self, input: Input) {
        self.queue.push(input);
    }
}

/// The inboxes of all I/O threads, once they are known.
#[derive(Default)]
pub(crate) struct Inboxes(OnceLock<Vec<Arc<dyn Inbox>>>);

impl Inboxes {
    /// Sends a message to the I/O thread of a connection.
    pub(crate) fn deliver(&self, conn: ConnId, message: ToIo) {
        // Connections come from attached I/O threads, so the inbox exists.
        if let Some(inbox) = self.0.get().and_then(|inboxes| inboxes.get(conn.io_thread())) {
            inbox.deliver(message);
        }
    }

    /// Asks every I/O thread to list its connections. Returns the number of I/O threads.
    pub(crate) fn list(&self, request: ListRequest, ticket: u64, replies: &Replies) -> usize {
        let inboxes = self.0.get().map(Vec::as_slice).unwrap_or_default();
        for inbox in inboxes {
            inbox.deliver(ToIo::List(Listing::new(request, ticket, replies.clone())));
        }
        inboxes.len()
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
