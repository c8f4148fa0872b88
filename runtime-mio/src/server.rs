//! I/O threads: each polls its own listener and its own connections.

use crate::connection::{Connection, Views};
use crate::inbox::{Queue, Sender};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use namesrv_core::time::{Instant, Now};
use namesrv_core::{ConnId, Peer};
use namesrv_shell::accepting::{Accepting, AfterError, Troubles};
use namesrv_shell::conversation::{Closing, Conversation, Shared};
use namesrv_shell::deadlines::Deadlines;
use namesrv_shell::server::{Clock, Inbox, Server, ToIo};
use namesrv_shell::turn::{Desk, Turn};
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::mem;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

/// Serials of connections start behind it.
const LISTENER: Token = Token(0);
const WAKER: Token = Token(usize::MAX);
const EVENTS_MAX: usize = 1024;
/// Connections accepted in one round.
const ACCEPTS_MAX: usize = 64;
/// How often an idle thread looks at the clock and lets go of an old view.
const TICK: Duration = Duration::from_secs(1);
/// How soon a frame is forwarded again that the registry had no room for.
const RETRY: Duration = Duration::from_millis(2);

/// Serves until the server is told to stop.
///
/// # Errors
/// The operating system refuses to poll.
pub(crate) fn serve(mut server: Server) -> io::Result<()> {
    let shared = Arc::new(Shared::new(&server));
    let troubles = Arc::new(Troubles::default());
    let mut inboxes: Vec<Box<dyn Inbox>> = Vec::new();
    let mut threads = Vec::new();
    for (index, listener) in (0..).zip(mem::take(&mut server.listeners)) {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let mut listener = TcpListener::from_std(listener);
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let queue = Queue::default();
        inboxes.push(Box::new(Sender::new(queue.clone(), waker)));
        threads.push(IoThread {
            index,
            poll,
            clock: server.clock,
            inbox: queue,
            shared: Arc::clone(&shared),
            views: Views::new(Arc::clone(&server.views)),
            desk: Desk::default(),
            now: server.clock.now(),
            listener: Some(listener),
            accepting: Accepting::new(Arc::clone(&troubles)),
            backlog: true,
            connections: FxHashMap::default(),
            serial: 0,
            ready: VecDeque::new(),
            blocked: Vec::new(),
            deadlines: Deadlines::default(),
            stop_at: None,
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

/// One thread: its listener, its connections, and what they wait for.
struct IoThread {
    index: u16,
    poll: Poll,
    clock: Clock,
    inbox: Queue,
    shared: Arc<Shared>,
    views: Views,
    desk: Desk,
    /// The time of this round.
    now: Now,
    /// None once the server stops.
    listener: Option<TcpListener>,
    accepting: Accepting,
    /// Whether somebody may wait to be accepted.
    backlog: bool,
    connections: FxHashMap<u64, Box<Connection>>,
    /// That of the newest connection.
    serial: u64,
    /// Connections that have something to do, each once, in the order of their turns.
    ready: VecDeque<u64>,
    /// Connections whose frame the registry had no room for.
    blocked: Vec<u64>,
    deadlines: Deadlines,
    /// When to give up what is not written.
    stop_at: Option<Instant>,
}

impl IoThread {
    /// Rounds of: what the sockets and the registry say, a turn for each connection that has something to do, and only
    /// then the deadlines.
    fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        loop {
            match self.poll.poll(&mut events, Some(self.patience())) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                Ok(()) | Err(_) => {}
            }
            self.now = self.clock.now();
            self.views.load();
            self.deadlines.tick(self.moment());
            self.accepting.tick(self.moment());
            for event in &events {
                match event.token() {
                    LISTENER => self.backlog = true,
                    WAKER => {}
                    Token(serial) => self.wake(serial as u64, |connection| connection.note(event)),
                }
            }
            self.read_inbox();
            self.accept();
            self.ready.extend(self.blocked.drain(..));
            for _ in 0..self.ready.len() {
                if let Some(serial) = self.ready.pop_front() {
                    self.turn(serial);
                }
            }
            self.close_silent();
            if self.stop_at.is_some_and(|stop_at| self.connections.is_empty() || stop_at <= self.moment()) {
                return Ok(());
            }
        }
    }

    /// How long to wait when no socket has anything to say.
    fn patience(&self) -> Duration {
        let acceptable = self.backlog && self.listener.is_some();
        if !self.ready.is_empty() || (acceptable && self.accepting.is_open(self.moment())) {
            return Duration::ZERO;
        }
        let until = |moment: Instant| moment.since(self.moment());
        let retry = (!self.blocked.is_empty()).then_some(RETRY);
        let rest = self.accepting.rests_until().filter(|_| acceptable).map(until);
        let waits = [retry, rest, self.deadlines.next().map(until), self.stop_at.map(until)];
        waits.into_iter().flatten().fold(TICK, Duration::min)
    }

    fn read_inbox(&mut self) {
        let now = self.now;
        for message in self.inbox.take() {
            match message {
                ToIo::Reply { conn, reply } => {
                    self.wake(conn.serial(), |connection| connection.conversation.handle_reply(reply, now));
                }
                ToIo::Close { conn, reason } => {
                    self.wake(conn.serial(), |connection| connection.conversation.handle_close(reason, now));
                }
                ToIo::Stop { within } => self.stop(within),
            }
        }
    }

    fn stop(&mut self, within: Duration) {
        self.listener = None;
        self.stop_at = Some(self.moment() + within);
        for (serial, connection) in &mut self.connections {
            connection.stop();
            if !connection.queued {
                connection.queued = true;
                self.ready.push_back(*serial);
            }
        }
    }

    fn accept(&mut self) {
        if !self.backlog || !self.accepting.is_open(self.moment()) {
            return;
        }
        for _ in 0..ACCEPTS_MAX {
            let Some(listener) = &self.listener else { return };
            match listener.accept() {
                Ok((stream, address)) => self.open(stream, address),
                Err(error) => match self.accepting.note_error(&error, self.moment()) {
                    AfterError::Next => {}
                    AfterError::Rest => return,
                    AfterError::Wait => {
                        self.backlog = false;
                        return;
                    }
                },
            }
        }
    }

    fn open(&mut self, mut stream: TcpStream, address: SocketAddr) {
        self.serial += 1;
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        let peer = Peer { conn: ConnId::new(self.index, self.serial), address };
        let conversation = Conversation::open(peer, self.views.load(), &self.shared, self.now);
        self.accepting.note_accepted(conversation.is_some(), self.moment());
        let Some(conversation) = conversation else { return };
        let interest = Interest::READABLE | Interest::WRITABLE;
        let prepared = stream
            .set_nodelay(true)
            .and_then(|()| self.poll.registry().register(&mut stream, Token(self.serial as usize), interest));
        // It fails when the peer is gone already, and the conversation ends with it.
        if prepared.is_ok() {
            let mut connection = Box::new(Connection::new(stream, conversation));
            let deadline = connection.conversation.poll_timeout();
            self.deadlines.arm(self.serial, &mut connection.armed, deadline);
            self.connections.insert(self.serial, connection);
        }
    }

    /// Tells a connection something and gives it a turn in this round.
    fn wake(&mut self, serial: u64, tell: impl FnOnce(&mut Connection)) {
        if let Some(connection) = self.connections.get_mut(&serial) {
            tell(connection);
            if !connection.queued {
                connection.queued = true;
                self.ready.push_back(serial);
            }
        }
    }

    fn turn(&mut self, serial: u64) {
        let Some(connection) = self.connections.get_mut(&serial) else { return };
        connection.queued = false;
        match connection.turn(&mut self.desk, &mut self.views, self.now) {
            Ok(Turn::Done) => {
                connection.finish(&mut self.desk);
                return self.close(serial, None);
            }
            Ok(Turn::Close(closing)) => return self.close(serial, Some(closing)),
            // A socket that failed (most often: was reset) is closed and not spoken of.
            Err(_) => return self.close(serial, None),
            Ok(Turn::Again) => {
                connection.queued = true;
                self.ready.push_back(serial);
            }
            Ok(Turn::Retry) => {
                connection.queued = true;
                self.blocked.push(serial);
            }
            Ok(Turn::Rest) => {}
        }
        let deadline = connection.conversation.poll_timeout();
        self.deadlines.arm(serial, &mut connection.armed, deadline);
    }

    fn close_silent(&mut self) {
        while let Some(serial) = self.deadlines.pop_due(self.moment()) {
            let Some(connection) = self.connections.get_mut(&serial) else { continue };
            connection.armed = None;
            let deadline = connection.conversation.poll_timeout();
            if deadline.is_some_and(|deadline| deadline <= self.now.monotonic) {
                self.close(serial, Some(Closing::Silent));
            } else {
                self.deadlines.arm(serial, &mut connection.armed, deadline);
            }
        }
    }

    fn close(&mut self, serial: u64, closing: Option<Closing>) {
        if let Some(mut connection) = self.connections.remove(&serial) {
            if let Some(closing) = closing {
                connection.conversation.log_closing(closing, self.now);
            }
            self.deadlines.disarm(serial, &mut connection.armed);
            self.accepting.note_closed();
        }
    }

    const fn moment(&self) -> Instant {
        self.now.monotonic
    }
}
