//! One socket and the connection over it.

use mio::event::Event;
use mio::net::TcpStream;
use namesrv_core::connection::Next;
use namesrv_core::time::Now;
use namesrv_shell::connection::Connection;
use namesrv_shell::shard::{self, Views};
use namesrv_shell::stack::Scratch;
use std::io;

/// One socket. It remembers what epoll reported, because epoll reports each change only once.
pub(crate) struct Socket {
    stream: TcpStream,
    connection: Connection,
    /// Whether it is in the queue of sockets with work.
    pub(crate) is_queued: bool,
}

impl Socket {
    pub(crate) const fn new(stream: TcpStream, connection: Connection) -> Self {
        Self { stream, connection, is_queued: false }
    }

    /// Notes what epoll reported.
    pub(crate) fn note(&mut self, event: &Event) {
        let ready = self.connection.ready();
        ready.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
        ready.writable |= event.is_writable() || event.is_write_closed();
        ready.read_closed |= event.is_read_closed() || event.is_error();
    }

    /// Does one bounded step of work. If there is more to do, the caller queues the socket again.
    ///
    /// # Errors
    /// Those of the socket.
    pub(crate) fn drive(&mut self, scratch: &mut Scratch, views: &mut Views, now: Now) -> io::Result<Next> {
        let next = self.connection.drive(&mut self.stream, scratch, || views.load(), now)?;
        self.is_queued = matches!(next, Next::Again | Next::Retry);
        Ok(next)
    }
}

impl shard::Socket for Box<Socket> {
    fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    fn end(&mut self, scratch: &mut Scratch, now: Now) {
        self.connection.end(&mut self.stream, scratch, now);
    }
}
