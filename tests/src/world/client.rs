//! One client of the world.

use crate::conversation::transmit;
use namesrv_core::connection::{Answers, Connection, Read, Reading};
use namesrv_core::route::RouteView;
use namesrv_core::time::{Instant, Now};

/// A client's connection and its socket, which takes everything at once.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) name: String,
    pub(super) connection: Connection,
    /// What arrived and was not read.
    pub(super) arrived: Vec<u8>,
    /// What was written and the client did not take.
    pub(super) output: Vec<u8>,
    /// Its deadlines do not count before: they are postponed by a pause of the server.
    pub(super) not_before: Instant,
    pub(super) closing: Option<String>,
}

impl Client {
    pub(super) fn new(name: &str, connection: Connection) -> Self {
        Self {
            name: name.to_owned(),
            connection,
            arrived: Vec::new(),
            output: Vec::new(),
            not_before: Instant::START,
            closing: None,
        }
    }

    /// When it has to be closed for silence or for a frame that takes too long.
    pub(super) fn due(&self) -> Option<Instant> {
        self.connection.poll_timeout().map(|due| due.max(self.not_before))
    }

    /// Does one step of reading, if there is something to do.
    pub(super) fn read(&mut self, view: &RouteView, now: Now) -> Option<Reading> {
        let mut answers = Answers::default();
        let arrived;
        let read = if self.connection.can_resume() {
            Read::Nothing
        } else if self.connection.wants_read() && !self.arrived.is_empty() {
            arrived = std::mem::take(&mut self.arrived);
            Read::Bytes(arrived.as_slice())
        } else {
            return None;
        };
        let reading = self.connection.handle_read(read, view, &mut answers, now);
        self.connection.handle_answers(&mut answers.bytes, 0, now);
        self.write(now);
        Some(reading)
    }

    /// Has the socket take all output.
    pub(super) fn write(&mut self, now: Now) {
        self.output.extend(transmit(&mut self.connection, now));
    }

    /// Why it is to be closed now.
    pub(super) fn closes(&self) -> Option<String> {
        self.closing.clone().or_else(|| self.connection.poll_close().map(|reason| reason.to_string()))
    }
}
