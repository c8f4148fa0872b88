//! The sockets of one listener, as reached by its own task, the sockets' tasks and the registry thread.

use namesrv_shell::connection::{Connection, Shared};
use namesrv_shell::mailbox::Mailbox;
use namesrv_shell::server::{Inbox, ToIo};
use namesrv_shell::shard;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a listener's task and the tasks of its connections share.
pub(crate) struct Shard {
    pub(crate) shared: Arc<Shared>,
    /// The mailbox of the listener's task.
    pub(crate) mailbox: Mailbox,
    /// Locked briefly when a socket is added or removed, gets a reply, or moves its deadline forward.
    sockets: Mutex<shard::Shard<Arc<Link>>>,
}

/// The part of a socket that other tasks reach.
pub(crate) struct Link {
    pub(crate) mailbox: Mailbox,
    /// `None` once it is closed. Locked for one step, and never while the task waits.
    connection: Mutex<Option<Connection>>,
}

impl Shard {
    pub(crate) fn new(index: u16, shared: &Arc<Shared>) -> Self {
        let sockets = Mutex::new(shard::Shard::new(index, Arc::clone(shared)));
        Self { shared: Arc::clone(shared), mailbox: Mailbox::default(), sockets }
    }

    /// The sockets, with their deadlines and the backoff of the listener.
    pub(crate) fn sockets(&self) -> MutexGuard<'_, shard::Shard<Arc<Link>>> {
        lock(&self.sockets)
    }

    /// Removes a closed connection.
    pub(crate) fn remove(&self, serial: u64) {
        self.sockets().remove(serial);
        self.mailbox.wake();
    }

    /// Returns all connections, so that callers need not hold the lock while they reach them.
    pub(crate) fn links(&self) -> Vec<Arc<Link>> {
        self.sockets().sockets().map(|(_, link)| Arc::clone(link)).collect()
    }

    /// Wakes the tasks of connections whose deadline has come. Each of them arms its next deadline.
    pub(crate) fn wake_due(&self) {
        let mut sockets = self.sockets();
        while let Some(link) = sockets.pop_due() {
            link.mailbox.wake();
        }
    }
}

impl Inbox for Shard {
    fn deliver(&self, message: ToIo) {
        match &message {
            ToIo::Reply { conn, .. } | ToIo::Close { conn, .. } => {
                let link = self.sockets().socket(conn.serial()).map(|link| Arc::clone(link));
                if let Some(link) = link {
                    link.mailbox.deliver(message);
                }
            }
            ToIo::Stop { .. } | ToIo::List(_) => self.mailbox.deliver(message),
        }
    }
}

impl Link {
    pub(crate) fn new(connection: Connection) -> Self {
        Self { mailbox: Mailbox::default(), connection: Mutex::new(Some(connection)) }
    }

    /// Locks the connection. Do not hold the lock while a task waits.
    pub(crate) fn connection(&self) -> MutexGuard<'_, Option<Connection>> {
        lock(&self.connection)
    }
}

/// Locks briefly. No task waits while it holds such a lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
