//! The sockets of one listener, as its own task, theirs and the registry thread reach them.

use namesrv_shell::connection::{Connection, Shared};
use namesrv_shell::mailbox::Mailbox;
use namesrv_shell::server::{Inbox, ToIo};
use namesrv_shell::shard;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a listener's task and the tasks of its connections share.
pub(crate) struct Shard {
    pub(crate) shared: Arc<Shared>,
    /// That of the listener's task.
    pub(crate) mailbox: Mailbox,
    /// Locked for a moment, when one comes, goes, is replied to or moves its deadline forward.
    sockets: Mutex<shard::Shard<Arc<Link>>>,
}

/// What others reach of a socket.
pub(crate) struct Link {
    pub(crate) mailbox: Mailbox,
    /// `None` once it is closed. Locked for a step, never while the task waits.
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

    /// A connection is closed.
    pub(crate) fn remove(&self, serial: u64) {
        self.sockets().remove(serial);
        self.mailbox.wake();
    }

    /// All connections, so that they can be spoken to without the lock.
    pub(crate) fn links(&self) -> Vec<Arc<Link>> {
        self.sockets().sockets().map(|(_, link)| Arc::clone(link)).collect()
    }

    /// Wakes the tasks of connections whose deadline has come. Each of them arms the next one.
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

    /// The connection, for as long as nothing waits.
    pub(crate) fn connection(&self) -> MutexGuard<'_, Option<Connection>> {
        lock(&self.connection)
    }
}

/// Locks for a moment: nothing that is locked here is held while a task waits.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
