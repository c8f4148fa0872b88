//! Event loops: each polls its own listener and its own sockets.

use crate::socket::Socket;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use namesrv_core::connection::Next;
use namesrv_shell::io_threads::{self, IoThread};
use namesrv_shell::mailbox::Mailbox;
use namesrv_shell::server::{Server, ToIo};
use namesrv_shell::shard::{RETRY, Shard};
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Wake;
use std::time::Duration;

/// Serial numbers of connections follow it.
const LISTENER: Token = Token(0);
const WAKER: Token = Token(usize::MAX);
const EVENTS_MAX: usize = 1024;
/// The most connections accepted in one round.
const ACCEPTS_MAX: usize = 64;

/// Serves until the server is told to stop.
///
/// # Errors
/// The operating system refuses to poll.
pub(crate) fn serve(server: Server) -> io::Result<()> {
    io_threads::serve(server, run)
}

/// The whole life of one I/O thread.
fn run(io_thread: IoThread<Box<Socket>>) -> io::Result<()> {
    let IoThread { listener, mailbox, shard, start, .. } = io_thread;
    let poll = Poll::new()?;
    let waker = Waker(mio::Waker::new(poll.registry(), WAKER)?);
    mailbox.set_waker(&Arc::new(waker).into());
    let mut listener = TcpListener::from_std(listener);
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let (listener, ready, blocked) = (Some(listener), VecDeque::new(), Vec::new());
    start.wait();
    EventLoop { poll, mailbox, listener, shard, ready, blocked }.run()
}

/// Wakes an event loop from any thread.
struct Waker(mio::Waker);

impl Wake for Waker {
    fn wake(self: Arc<Self>) {
        if let Err(error) = self.0.wake() {
            tracing::error!(%error, "cannot wake an I/O thread");
        }
    }
}

/// The event loop of one thread: its listener, its sockets, and the sockets with work.
struct EventLoop {
    poll: Poll,
    mailbox: Arc<Mailbox>,
    /// `None` once the server stops.
    listener: Option<TcpListener>,
    shard: Shard<Box<Socket>>,
    /// Sockets with work, each once, in the order of their steps.
    ready: VecDeque<u64>,
    /// Sockets whose request found the registry's queue full.
    blocked: Vec<u64>,
}

impl EventLoop {
    /// Each round handles the events of sockets and registry, then takes one step for each connection with work, and
    /// only then checks the deadlines.
    fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        loop {
            match self.poll.poll(&mut events, Some(self.poll_timeout())) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                Ok(()) | Err(_) => {}
            }
            self.shard.tick();
            for event in &events {
                match event.token() {
                    LISTENER => self.shard.note_readable(),
                    WAKER => {}
                    Token(serial) => {
                        if let Some(socket) = self.shard.socket(serial as u64) {
                            socket.note(event);
                            wake(serial as u64, socket, &mut self.ready);
                        }
                    }
                }
            }
            self.read_mailbox();
            self.accept();
            self.ready.extend(self.blocked.drain(..));
            for _ in 0..self.ready.len() {
                if let Some(serial) = self.ready.pop_front() {
                    self.drive(serial);
                }
            }
            self.shard.close_expired();
            if self.shard.is_finished() {
                return Ok(());
            }
        }
    }

    /// Returns how long to wait if no socket reports anything.
    fn poll_timeout(&self) -> Duration {
        if !self.ready.is_empty() {
            return Duration::ZERO;
        }
        let retry = (!self.blocked.is_empty()).then_some(RETRY);
        let accept = self.listener.as_ref().and_then(|_| self.shard.accept_timeout());
        [retry, accept].into_iter().flatten().fold(self.shard.poll_timeout(), Duration::min)
    }

    fn read_mailbox(&mut self) {
        for message in self.mailbox.take().messages {
            if let ToIo::Stop { .. } = message {
                self.listener = None;
            }
            self.shard.handle(message, |serial, socket| wake(serial, socket, &mut self.ready));
        }
    }

    fn accept(&mut self) {
        for _ in 0..ACCEPTS_MAX {
            let Some(listener) = self.listener.as_ref().filter(|_| self.shard.may_accept()) else { return };
            match listener.accept() {
                Ok((stream, address)) => self.open(stream, address),
                Err(error) => self.shard.handle_accept_error(&error),
            }
        }
    }

    fn open(&mut self, mut stream: TcpStream, address: SocketAddr) {
        let registry = self.poll.registry();
        self.shard.open(address, |serial, connection| {
            stream.set_nodelay(true)?;
            registry.register(&mut stream, Token(serial as usize), Interest::READABLE | Interest::WRITABLE)?;
            Ok(Box::new(Socket::new(stream, connection)))
        });
    }

    fn drive(&mut self, serial: u64) {
        match self.shard.drive(serial, |socket, scratch, views, now| socket.drive(scratch, views, now)) {
            Some(Next::Again) => self.ready.push_back(serial),
            Some(Next::Retry) => self.blocked.push(serial),
            Some(Next::Rest | Next::Close(_)) | None => {}
        }
    }
}

/// Makes the loop drive a socket in this round.
fn wake(serial: u64, socket: &mut Socket, ready: &mut VecDeque<u64>) {
    if !socket.is_queued {
        socket.is_queued = true;
        ready.push_back(serial);
    }
}
