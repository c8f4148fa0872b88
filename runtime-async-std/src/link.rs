//! What others reach of a socket.

use crate::inbox::{Mailbox, lock};
use namesrv_shell::connection::{Connection, Facts};
use std::sync::Mutex;

/// What others reach of a socket.
pub(crate) struct Link {
    pub(crate) mailbox: Mailbox,
    /// `None` once it is closed. Locked for a step, never while the task waits.
    pub(crate) connection: Mutex<Option<Connection>>,
}

impl Link {
    pub(crate) fn new(connection: Connection) -> Self {
        Self { mailbox: Mailbox::default(), connection: Mutex::new(Some(connection)) }
    }

    /// What is known of the connection, unless it is closed.
    pub(crate) fn facts(&self) -> Option<Facts> {
        lock(&self.connection).as_ref().map(Connection::facts)
    }
}
