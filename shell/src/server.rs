//! What a runtime is handed to serve with: listeners, the way to the registry, the view, the clock and the limits.

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
    /// What all connections together may hold.
    pub quotas: Arc<SharedQuotas>,
    /// What first bytes are measured by.
    pub policy: Policy,
    /// Where I/O threads count and remember, and note that they go round.
    pub counters: Arc<Counters>,
}

/// What the registry and the signal handler tell an I/O thread.
#[derive(Debug)]
pub enum ToIo {
    /// A forwarded request of a connection is done.
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
    /// Stop: accept and read no more, write what is owed (forwarded requests that are not answered yet included),
    /// close.
    Stop {
        /// What is not written after this time is given up.
        within: Duration,
    },
    /// Tell which connections are open.
    List(Listing),
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

    /// The whole frame; it is empty if there is nothing to write.
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
    pub fn attach(&self, inboxes: Vec<Arc<dyn Inbox>>) {
        if self.inboxes.0.set(inboxes).is_ok() {
            self.queue.push(Input::Attached);
        }
    }

    #[cfg(test)]
    pub(crate) fn inboxes(&self) -> Arc<Inboxes> {
        Arc::clone(&self.inboxes)
    }

    /// Hands in what a connection has for the node. Never blocks: the connection reserved the place of a request.
    pub fn hand_in(&self, input: Input) {
        self.queue.push(input);
    }
}

/// The ways into all I/O threads, once they are known.
#[derive(Default)]
pub(crate) struct Inboxes(OnceLock<Vec<Arc<dyn Inbox>>>);

impl Inboxes {
    /// Sends a message to the I/O thread of a connection.
    pub(crate) fn deliver(&self, conn: ConnId, message: ToIo) {
        // Connections come from attached I/O threads, so the inbox is there.
        if let Some(inbox) = self.0.get().and_then(|inboxes| inboxes.get(conn.io_thread())) {
            inbox.deliver(message);
        }
    }

    /// Asks every I/O thread which connections are open, and returns how many of them there are.
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
