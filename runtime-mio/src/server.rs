//! I/O threads: each polls its own listener and its own sockets.

use crate::inbox::{Queue, Sender};
use crate::socket::Socket;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use namesrv_core::connection::Next;
use namesrv_shell::connection::Shared;
use namesrv_shell::server::{Inbox, Server, ToIo};
use namesrv_shell::shard::{RETRY, Shard};
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::mem;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

/// The serial numbers of connections start behind it.
const LISTENER: Token = Token(0);
const WAKER: Token = Token(usize::MAX);
const EVENTS_MAX: usize = 1024;
/// Connections accepted in one round.
const ACCEPTS_MAX: usize = 64;

/// Serves until the server is told to stop.
///
/// # Errors
/// The operating system refuses to poll.
pub(crate) fn serve(mut server: Server) -> io::Result<()> {
    let shared = Arc::new(Shared::new(&server));
    let mut inboxes: Vec<Box<dyn Inbox>> = Vec::new();
    let mut threads = Vec::new();
    for (index, listener) in (0..).zip(mem::take(&mut server.listeners)) {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let mut listener = TcpListener::from_std(listener);
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let inbox = Queue::default();
        inboxes.push(Box::new(Sender::new(inbox.clone(), waker)));
        threads.push(IoThread {
            index,
            poll,
            inbox,
            listener: Some(listener),
            shard: Shard::new(index, Arc::clone(&shared)),
            ready: VecDeque::new(),
            blocked: Vec::new(),
        });
    }
    server.registry.attach(inboxes);
    drop(server);
    join(threads)
}

/// Runs the threads until all are done or one fails.
fn join(threads: Vec<IoThread>) -> io::Result<()> {
    let (ended, ends) = mpsc::channel();
    for mut io_thread in threads {
        let ended = ended.clone();
        thread::Builder::new().name(format!("io-{}", io_thread.index)).spawn(move || {
            // Nobody listens only when another thread failed before.
            let _ = ended.send(io_thread.run());
        })?;
    }
    drop(ended);
    ends.into_iter().collect()
}

/// One thread: its listener, its sockets, and which of them have something to do.
struct IoThread {
    index: u16,
    poll: Poll,
    inbox: Queue,
    /// `None` once the server stops.
    listener: Option<TcpListener>,
    shard: Shard<Socket>,
    /// Sockets that have something to do, each once, in the order of their steps.
    ready: VecDeque<u64>,
    /// Sockets whose request found the registry's queue full.
    blocked: Vec<u64>,
}

impl IoThread {
    /// Rounds of: what the sockets and the registry say, a step for each connection that has something to do, and only
    /// then the deadlines.
    fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        loop {
            match self.poll.poll(&mut events, Some(self.poll_timeout())) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                Ok(()) | Err(_) => {}
            }
            self.shard.tick();
            for event in &events {
                match event.token() {
                    LISTENER => self.shard.backoff.note_readable(),
                    WAKER => {}
                    Token(serial) => {
                        if let Some(socket) = self.shard.socket(serial as u64) {
                            socket.note(event);
                            wake(serial as u64, socket, &mut self.ready);
                        }
                    }
                }
            }
            self.read_inbox();
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

    /// How long to wait when no socket has anything to say.
    fn poll_timeout(&self) -> Duration {
        if !self.ready.is_empty() {
            return Duration::ZERO;
        }
        let retry = (!self.blocked.is_empty()).then_some(RETRY);
        let accept = self.listener.as_ref().and_then(|_| self.shard.backoff.poll_timeout(self.shard.now()));
        [retry, accept].into_iter().flatten().fold(self.shard.poll_timeout(), Duration::min)
    }

    fn read_inbox(&mut self) {
        for message in self.inbox.take() {
            if let ToIo::Stop { .. } = message {
                self.listener = None;
                self.shard.handle(message);
                self.shard.sockets().for_each(|(serial, socket)| wake(serial, socket, &mut self.ready));
            } else if let Some((serial, socket)) = self.shard.handle(message) {
                wake(serial, socket, &mut self.ready);
            }
        }
    }

    fn accept(&mut self) {
        let now = self.shard.now();
        for _ in 0..ACCEPTS_MAX {
            let Some(listener) = self.listener.as_ref().filter(|_| self.shard.backoff.may_accept(now)) else { return };
            match listener.accept() {
                Ok((stream, address)) => self.open(stream, address),
                Err(error) => self.shard.backoff.note_error(&error, now),
            }
        }
    }

    fn open(&mut self, mut stream: TcpStream, address: SocketAddr) {
        let registry = self.poll.registry();
        self.shard.open(address, |serial, connection| {
            stream.set_nodelay(true)?;
            registry.register(&mut stream, Token(serial as usize), Interest::READABLE | Interest::WRITABLE)?;
            Ok(Socket::new(stream, connection))
        });
    }

    fn drive(&mut self, serial: u64) {
        match self.shard.drive(serial, Socket::drive) {
            Some(Next::Again) => self.ready.push_back(serial),
            Some(Next::Retry) => self.blocked.push(serial),
            Some(Next::Rest | Next::Close(_)) | None => {}
        }
    }
}

/// Has a socket driven in this round.
fn wake(serial: u64, socket: &mut Socket, ready: &mut VecDeque<u64>) {
    if !socket.is_queued {
        socket.is_queued = true;
        ready.push_back(serial);
    }
}
