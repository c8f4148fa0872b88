//! The connections of one I/O thread: by serial number, with their deadlines and their listener's backoff.

use crate::accept_backoff::AcceptBackoff;
use crate::connection::{Connection, Scratch, Shared};
use crate::server::ToIo;
use arc_swap::{ArcSwap, Cache};
use namesrv_core::connection::{CloseReason, Next};
use namesrv_core::expiring_map::ExpiringMap;
use namesrv_core::route::RouteView;
use namesrv_core::time::{Duration, Instant, Now};
use namesrv_core::{ConnId, Peer};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

/// How often an idle I/O thread looks at the clock and lets go of an old view.
pub const TICK: Duration = Duration::from_secs(1);
/// How soon a connection is driven again whose request found the registry's queue full.
pub const RETRY: Duration = Duration::from_millis(2);

/// The views as an I/O thread reads them: a comparison, unless there is a new one.
pub type Views = Cache<Arc<ArcSwap<RouteView>>, Arc<RouteView>>;

/// A socket of a runtime together with its connection.
pub trait Socket {
    /// The connection.
    fn connection(&mut self) -> &mut Connection;

    /// The connection is closed for a reason of time: [`Connection::end`] over the socket.
    fn end(&mut self, scratch: &mut Scratch, now: Now);
}

/// What the sockets of one I/O thread share: the runtime drives them, and the shard knows when and what for.
#[derive(Debug)]
pub struct Shard<S> {
    index: u16,
    now: Now,
    shared: Arc<Shared>,
    views: Views,
    scratch: Scratch,
    sockets: ExpiringMap<Box<S>>,
    /// That of the newest connection.
    serial: u64,
    /// Whether the listener may accept.
    pub backoff: AcceptBackoff,
    /// When to give up what is not written, once the server stops.
    stop_at: Option<Instant>,
}

impl<S: Socket> Shard<S> {
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

    /// Looks at the clock. Everything happens at this time until the next call.
    pub fn update_now(&mut self) -> Instant {
        self.now = self.shared.clock.now();
        self.now.monotonic
    }

    /// The time of the last look at the clock.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now.monotonic
    }

    /// Looks at the clock for all deadlines, and lets go of an old view. To be called at least once a [`TICK`], before
    /// sockets are read.
    pub fn tick(&mut self) {
        let now = self.update_now();
        self.shared.counters.progress.note_io(self.index, now);
        self.views.load();
        self.sockets.tick(now);
        self.backoff.tick(now);
    }

    /// Returns how long to wait when no socket has anything to say, at most a [`TICK`].
    #[must_use]
    pub fn poll_timeout(&self) -> Duration {
        let deadlines = [self.sockets.poll_timeout(), self.stop_at];
        let waits = deadlines.into_iter().flatten().map(|deadline| deadline.since(self.now()));
        waits.fold(TICK, Duration::min)
    }

    /// Opens a connection with a client that was accepted, and returns its serial number. Returns `None` when there are
    /// as many connections as allowed, or when `prepare` fails because the client is gone already.
    pub fn open(&mut self, address: SocketAddr, prepare: impl FnOnce(u64, Connection) -> io::Result<S>) -> Option<u64> {
        self.serial += 1;
        let peer = Peer { conn: ConnId::new(self.index, self.serial), address: address.into() };
        let connection = Connection::open(peer, self.views.load(), &self.shared, self.now);
        self.backoff.note_accepted(connection.is_some(), self.now());
        let mut socket = Box::new(prepare(self.serial, connection?).ok()?);
        let deadline = socket.connection().poll_timeout();
        self.sockets.insert(self.serial, socket).arm(deadline);
        Some(self.serial)
    }

    /// Returns a socket, if it is still open.
    pub fn socket(&mut self, serial: u64) -> Option<&mut S> {
        self.sockets.get_mut(serial).map(|entry| &mut **entry.into_mut())
    }

    /// All sockets with their serial numbers.
    pub fn sockets(&mut self) -> impl Iterator<Item = (u64, &mut S)> {
        self.sockets.iter_mut().map(|(serial, socket)| (serial, &mut **socket))
    }

    /// Whether no connection is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sockets.is_empty()
    }

    /// Whether the server stops.
    #[must_use]
    pub const fn is_stopping(&self) -> bool {
        self.stop_at.is_some()
    }

    /// Whether the server stops, and nothing is left to be done or the time for it is over.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.stop_at.is_some_and(|stop_at| self.is_empty() || stop_at <= self.now())
    }

    /// Hands a message of the registry to its connection, or to all. Returns the socket that has to be driven, if it is
    /// only one; after [`ToIo::Stop`] all have to be.
    pub fn handle(&mut self, message: ToIo) -> Option<(u64, &mut S)> {
        let now = self.now;
        let serial = match message {
            ToIo::Reply { conn, .. } | ToIo::Close { conn, .. } => conn.serial(),
            ToIo::List(listing) => {
                listing.answer(self.sockets().map(|(_, socket)| socket.connection().facts()));
                return None;
            }
            ToIo::Stop { within } => {
                self.stop_at = Some(self.now() + within);
                self.sockets().for_each(|(_, socket)| socket.connection().handle_stop());
                return None;
            }
        };
        let socket = self.socket(serial)?;
        socket.connection().handle(message, now);
        Some((serial, socket))
    }

    /// Has `step` drive a connection, and closes it if that is what comes next. Returns `None` when the connection is
    /// closed.
    pub fn drive(
        &mut self,
        serial: u64,
        step: impl FnOnce(&mut S, &mut Scratch, &mut Views, Now) -> io::Result<Next>,
    ) -> Option<Next> {
        let mut socket = self.sockets.get_mut(serial)?;
        match step(&mut socket, &mut self.scratch, &mut self.views, self.now) {
            Ok(Next::Close(reason)) => self.close(serial, &reason),
            // A socket that failed (most often: was reset) is closed without a log line.
            Err(_) => self.close(serial, &CloseReason::EndOfStream),
            Ok(next @ (Next::Again | Next::Retry | Next::Rest)) => {
                let deadline = socket.connection().poll_timeout();
                socket.arm(deadline);
                return Some(next);
            }
        }
        None
    }

    /// Closes connections that were silent or slow for too long.
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

    /// Closes all connections.
    pub fn clear(&mut self) {
        self.sockets = ExpiringMap::default();
    }

    fn close(&mut self, serial: u64, reason: &CloseReason) {
        if let Some(mut socket) = self.sockets.remove(serial) {
            socket.connection().log_close(reason, self.now);
            self.backoff.note_closed();
        }
    }
}
