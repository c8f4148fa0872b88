//! The connections of one I/O thread, by serial number, with their deadlines and the backoff of the listener.

use crate::accept_backoff::AcceptBackoff;
use crate::connection::{Connection, Shared};
use crate::server::ToIo;
use crate::stack::Scratch;
use arc_swap::{ArcSwap, Cache};
use namesrv_core::connection::{CloseReason, Next};
use namesrv_core::expiring_map::{Entry, ExpiringMap};
use namesrv_core::route::RouteView;
use namesrv_core::time::{Duration, Instant, Now};
use namesrv_core::{ConnId, Peer};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

/// How often an idle I/O thread looks at the clock and releases an old view.
pub const TICK: Duration = Duration::from_secs(1);
/// How soon to drive a connection again whose request found the registry's queue full.
pub const RETRY: Duration = Duration::from_millis(2);

/// The views as an I/O thread reads them. Unless there is a new view, a read costs one comparison.
pub type Views = Cache<Arc<ArcSwap<RouteView>>, Arc<RouteView>>;

/// A socket of a runtime with its connection, for I/O threads that own both.
pub trait Socket {
    /// The connection.
    fn connection(&mut self) -> &mut Connection;

    /// Calls [`Connection::end`] over the socket, because the connection is closed for a timeout.
    fn end(&mut self, scratch: &mut Scratch, now: Now);
}

/// The common part of all sockets of one I/O thread. The runtime drives the sockets; the shard knows when and why.
///
/// `S` is a pointer to a socket: a box if only its I/O thread uses it, an `Arc` if other threads do too.
#[derive(Debug)]
pub struct Shard<S> {
    index: u16,
    now: Now,
    shared: Arc<Shared>,
    views: Views,
    scratch: Scratch,
    sockets: ExpiringMap<S>,
    /// The serial number of the newest connection.
    serial: u64,
    /// Whether the listener may accept.
    backoff: AcceptBackoff,
    /// When to give up unwritten output, once the server stops.
    stop_at: Option<Instant>,
}

impl<S> Shard<S> {
    /// The shard of the I/O thread `index`.
    #[must_use]
    pub fn new(index: u16, shared: Arc<Shared>) -> Self {
        Self {
            index,
            now: shared.clock.now(),
            views: Views::new(Arc::clone(&shared.views)),
            backoff: AcceptBackoff::new(Arc::clone(&shared.accept_log)),
            shared,
            scratch: Scratch::default(),
            sockets: ExpiringMap::default(),
            serial: 0,
            stop_at: None,
        }
    }

    /// Reads the clock. Until the next call, everything happens at this time.
    pub fn update_now(&mut self) -> Instant {
        self.now = self.shared.clock.now();
        self.now.monotonic
    }

    /// Returns the time of the last look at the clock.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now.monotonic
    }

    /// Reads the clock for all deadlines, and releases an old view. Call it at least once a [`TICK`], before reading
    /// from sockets.
    pub fn tick(&mut self) {
        let now = self.update_now();
        self.shared.counters.progress.note_io(self.index, now);
        self.views.load();
        self.sockets.tick(now);
        self.backoff.tick(now);
    }

    /// Returns how long to wait if no socket reports anything, at most a [`TICK`].
    #[must_use]
    pub fn poll_timeout(&self) -> Duration {
        let deadlines = [self.sockets.poll_timeout(), self.stop_at];
        let waits = deadlines.into_iter().flatten().map(|deadline| deadline.since(self.now()));
        waits.fold(TICK, Duration::min)
    }

    /// Notes that clients may wait at the listener.
    pub const fn note_readable(&mut self) {
        self.backoff.note_readable();
    }

    /// Whether clients may wait at the listener. False once an attempt to accept found none.
    #[must_use]
    pub const fn has_backlog(&self) -> bool {
        self.backoff.has_backlog()
    }

    /// Whether a client may wait and it is time to accept it.
    #[must_use]
    pub fn may_accept(&self) -> bool {
        self.backoff.may_accept(self.now())
    }

    /// Returns how long to wait before the next attempt to accept, or `None` while no clients wait.
    #[must_use]
    pub fn accept_timeout(&self) -> Option<Duration> {
        self.backoff.poll_timeout(self.now())
    }

    /// Notes that an attempt to accept failed.
    pub fn handle_accept_error(&mut self, error: &io::Error) {
        self.backoff.note_error(error, self.now.monotonic);
    }

    /// Opens a connection for an accepted client, and returns its serial number. Returns `None` if the limit of
    /// connections is reached, or if `prepare` fails because the client has left already.
    pub fn open(&mut self, address: SocketAddr, prepare: impl FnOnce(u64, Connection) -> io::Result<S>) -> Option<u64> {
        self.serial += 1;
        let peer = Peer { conn: ConnId::new(self.index, self.serial), address: address.into() };
        let connection = Connection::open(peer, self.views.load(), &self.shared, self.now);
        self.backoff.note_accepted(connection.is_some(), self.now());
        let connection = connection?;
        let deadline = connection.poll_timeout();
        let socket = prepare(self.serial, connection).ok()?;
        self.sockets.insert(self.serial, socket).arm(deadline);
        Some(self.serial)
    }

    /// Returns a socket, or `None` if it is closed.
    pub fn socket(&mut self, serial: u64) -> Option<&mut S> {
        self.sockets.get_mut(serial).map(Entry::into_mut)
    }

    /// Returns all sockets with their serial numbers.
    pub fn sockets(&mut self) -> impl Iterator<Item = (u64, &mut S)> {
        self.sockets.iter_mut()
    }

    /// Makes a socket come due at `deadline` or earlier.
    pub fn arm(&mut self, serial: u64, deadline: Option<Instant>) {
        if let Some(mut socket) = self.sockets.get_mut(serial) {
            socket.arm(deadline);
        }
    }

    /// Returns a socket that has come due. Call it until it returns `None`, and arm each socket again.
    pub fn pop_due(&mut self) -> Option<&mut S> {
        self.sockets.pop_due(self.now.monotonic).map(|(_, socket)| socket.into_mut())
    }

    /// Removes a closed socket.
    pub fn remove(&mut self, serial: u64) {
        if self.sockets.remove(serial).is_some() {
            self.backoff.note_closed();
        }
    }

    /// Removes all sockets.
    pub fn clear(&mut self) {
        self.sockets = ExpiringMap::default();
    }

    /// Notes that the server stops, and gives up what is not written `within` this time.
    pub fn stop(&mut self, within: Duration) {
        self.stop_at = Some(self.now() + within);
    }

    /// Whether the server stops.
    #[must_use]
    pub const fn is_stopping(&self) -> bool {
        self.stop_at.is_some()
    }

    /// Whether the server is stopping, and either nothing is left to do or the time for it is over.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.stop_at.is_some_and(|stop_at| self.sockets.is_empty() || stop_at <= self.now())
    }
}

impl<S: Socket> Shard<S> {
    /// Passes a message of the registry to its connection or to all connections. Calls `wake` for each connection that
    /// has something to do now.
    pub fn handle(&mut self, message: ToIo, mut wake: impl FnMut(u64, &mut S)) {
        let now = self.now;
        match message {
            ToIo::Reply { conn, .. } | ToIo::Close { conn, .. } => {
                if let Some(socket) = self.socket(conn.serial()) {
                    socket.connection().handle(message, now);
                    wake(conn.serial(), socket);
                }
            }
            ToIo::List(listing) => listing.answer(self.sockets().map(|(_, socket)| socket.connection().facts())),
            ToIo::Stop { within } => {
                self.stop(within);
                for (serial, socket) in self.sockets() {
                    socket.connection().handle_stop();
                    wake(serial, socket);
                }
            }
        }
    }

    /// Drives a connection with `step`, and closes it if the step says so. Returns `None` if the connection is closed.
    pub fn drive(
        &mut self,
        serial: u64,
        step: impl FnOnce(&mut S, &mut Scratch, &mut Views, Now) -> io::Result<Next>,
    ) -> Option<Next> {
        let mut socket = self.sockets.get_mut(serial)?;
        match step(&mut socket, &mut self.scratch, &mut self.views, self.now) {
            Ok(Next::Close(reason)) => self.close(serial, &reason),
            // A socket that failed (most often because the client reset it) is closed without a log line.
            Err(_) => self.close(serial, &CloseReason::EndOfStream),
            Ok(next @ (Next::Again | Next::Retry | Next::Rest)) => {
                let deadline = socket.connection().poll_timeout();
                socket.arm(deadline);
                return Some(next);
            }
        }
        None
    }

    /// Closes connections that have been silent or slow for too long.
    pub fn close_expired(&mut self) {
        while let Some((serial, mut socket)) = self.sockets.pop_due(self.now.monotonic) {
            if let Some(reason) = socket.connection().handle_timeout(self.now) {
                socket.end(&mut self.scratch, self.now);
                self.close(serial, &reason);
            } else {
                let deadline = socket.connection().poll_timeout();
                socket.arm(deadline);
            }
        }
    }

    fn close(&mut self, serial: u64, reason: &CloseReason) {
        if let Some(mut socket) = self.sockets.remove(serial) {
            socket.connection().log_close(reason, self.now);
            self.backoff.note_closed();
        }
    }
}
