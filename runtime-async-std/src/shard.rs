//! The sockets of one listener, as its own task, theirs and the registry thread reach them.

use crate::inbox::{Mailbox, lock};
use crate::link::Link;
use namesrv_core::expiring_map::ExpiringMap;
use namesrv_core::time::Instant;
use namesrv_shell::connection::Shared;
use namesrv_shell::server::{Inbox, ToIo};
use std::sync::{Arc, Mutex};

/// What a listener's task and the tasks of its connections share.
pub(crate) struct Shard {
    pub(crate) shared: Arc<Shared>,
    /// That of the listener's task.
    pub(crate) mailbox: Mailbox,
    /// Locked for a moment, when one comes, goes, is replied to or moves its deadline forward.
    pub(crate) sockets: Mutex<ExpiringMap<Arc<Link>>>,
}

impl Shard {
    /// A connection, if it is there.
    pub(crate) fn link(&self, serial: u64) -> Option<Arc<Link>> {
        lock(&self.sockets).get(serial).map(Arc::clone)
    }

    /// Has a connection woken at its deadline.
    pub(crate) fn arm(&self, serial: u64, deadline: Option<Instant>) {
        if let Some(mut link) = lock(&self.sockets).get_mut(serial) {
            link.arm(deadline);
        }
    }

    /// A connection is closed.
    pub(crate) fn remove(&self, serial: u64) {
        lock(&self.sockets).remove(serial);
        self.mailbox.wake();
    }

    /// All connections, so that they can be spoken to without the lock.
    pub(crate) fn links(&self) -> Vec<Arc<Link>> {
        lock(&self.sockets).values().map(Arc::clone).collect()
    }

    /// Wakes the tasks of connections whose deadline has come. Each of them arms the next one.
    pub(crate) fn wake_due(&self, now: Instant) {
        let mut sockets = lock(&self.sockets);
        while let Some((_, link)) = sockets.pop_due(now) {
            link.mailbox.wake();
        }
    }
}

/// The end that the registry thread and the signal handler deliver to: a shard and its connections.
pub(crate) struct Sender(pub(crate) Arc<Shard>);

impl Inbox for Sender {
    fn deliver(&self, message: ToIo) {
        match &message {
            ToIo::Reply { conn, .. } | ToIo::Close { conn, .. } => {
                if let Some(link) = self.0.link(conn.serial()) {
                    link.mailbox.deliver(message);
                }
            }
            ToIo::Stop { .. } | ToIo::List(_) => self.0.mailbox.deliver(message),
        }
    }
}
