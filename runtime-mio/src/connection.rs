//! One socket and the conversation over it.

use arc_swap::{ArcSwap, Cache};
use mio::event::Event;
use mio::net::TcpStream;
use namesrv_core::route::RouteView;
use namesrv_core::time::{Instant, Now};
use namesrv_shell::conversation::Conversation;
use namesrv_shell::turn::{Desk, Readiness, Turn};
use std::io;
use std::net::Shutdown;
use std::sync::Arc;

/// The views as an I/O thread reads them.
pub(crate) type Views = Cache<Arc<ArcSwap<RouteView>>, Arc<RouteView>>;

/// One connection. Its readiness is remembered, since epoll tells of each change once.
pub(crate) struct Connection {
    stream: TcpStream,
    pub(crate) conversation: Conversation,
    readiness: Readiness,
    /// Whether it is in the queue of those that have something to do.
    pub(crate) queued: bool,
    /// Its entry in the index of deadlines.
    pub(crate) armed: Option<Instant>,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream, conversation: Conversation) -> Self {
        Self { stream, conversation, readiness: Readiness::default(), queued: false, armed: None }
    }

    /// Notes what epoll said.
    pub(crate) fn note(&mut self, event: &Event) {
        let Readiness { readable, writable, read_closed, .. } = &mut self.readiness;
        *readable |= event.is_readable() || event.is_read_closed() || event.is_error();
        *writable |= event.is_writable() || event.is_write_closed();
        *read_closed |= event.is_read_closed() || event.is_error();
    }

    /// The server stops.
    pub(crate) const fn stop(&mut self) {
        self.conversation.handle_stop();
        self.readiness.stopping = true;
    }

    /// Does a bounded amount of work.
    ///
    /// # Errors
    /// Those of the socket.
    pub(crate) fn turn(&mut self, desk: &mut Desk, views: &mut Views, now: Now) -> io::Result<Turn> {
        desk.turn(&mut self.conversation, &mut self.stream, &mut self.readiness, || views.load(), now)
    }

    /// Ends the stream.
    pub(crate) fn finish(&mut self, desk: &mut Desk) {
        if self.stream.shutdown(Shutdown::Write).is_ok() {
            desk.discard(&mut self.stream);
        }
    }
}
