//! The protocol stack of one socket: the core's connection over its transport, without the socket.
//!
//! It has no clock, no log and no thread. The I/O threads, the simulation and the tests drive this same type.

use crate::transport::{Buffers, Lent, Policy, Transport, TransportError};
use namesrv_core::connection::{self, CloseReason, Connection, Next, Ready, Stream};
use namesrv_core::quota::{Counter, Quotas};
use namesrv_core::route::RouteView;
use namesrv_core::tally::Tally;
use namesrv_core::time::{Instant, Now};
use namesrv_core::{ClientAddress, Peer};
use std::cell::Cell;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

/// Buffers that a thread lends to the stack that it drives. An idle connection owns none.
#[derive(Debug, Default)]
pub struct Scratch {
    machine: connection::Scratch,
    transport: Buffers,
}

impl Scratch {
    /// Returns the counts of answers and bytes since the last time that they were taken.
    pub const fn tally(&mut self) -> &mut Tally {
        self.machine.tally()
    }

    /// Discards unread input. Closing a socket with unread input would reset the connection and destroy answers on
    /// their way.
    pub fn discard<S: Stream>(&mut self, stream: &mut S) {
        self.machine.discard(stream);
    }
}

/// What all stacks of a server share.
#[derive(Debug)]
pub struct Common<'a, C> {
    /// The rules for first bytes.
    pub policy: &'a Policy,
    /// What all connections together may hold.
    pub quotas: &'a Quotas<C>,
}

/// A connection and its transport.
///
/// The transport holds a share of the quotas: call [`close`](Self::close) before dropping the stack.
#[derive(Debug)]
pub struct Stack<C: Counter = Cell<usize>> {
    /// The connection.
    pub machine: Connection<C>,
    /// What the event loop reported about the socket.
    pub ready: Ready,
    transport: Transport,
}

/// What came of one step.
#[derive(Debug)]
pub struct Stepped<E> {
    /// What to do next.
    ///
    /// # Errors
    /// The socket failed, or the transport found a fault in what arrived: close the connection.
    pub next: Result<Next, TransportError<E>>,
    /// Where the client is, as far as known after this step.
    pub client: ClientAddress,
    /// The client that a PROXY header in this step named, if the peer is not trusted to name one.
    pub disbelieved: Option<SocketAddr>,
    /// Whether the connection ends in order: the client was told, and nothing more is written.
    pub is_ended: bool,
}

impl<C: Counter> Stack<C> {
    /// Opens a connection that was just accepted. Returns `None` when the limit of connections is reached.
    #[must_use]
    pub fn open(peer: Peer, view: &RouteView, quotas: &Arc<Quotas<C>>, now: Now) -> Option<Self> {
        let machine = Connection::open(peer, view, quotas, now)?;
        Some(Self { machine, ready: Ready::default(), transport: Transport::default() })
    }

    /// Does one bounded step of work. Calls `view` after reading.
    ///
    /// Take what the connection [forwards](Connection::poll_forward) afterwards, even after an error.
    pub fn drive<S: Stream, V: Deref<Target = Arc<RouteView>>>(
        &mut self,
        stream: &mut S,
        scratch: &mut Scratch,
        common: &Common<'_, C>,
        view: impl FnOnce() -> V,
        now: Now,
    ) -> Stepped<S::Error> {
        let Self { machine, ready, transport } = self;
        let client = machine.peer().address;
        let needs_flush = ready.writable && transport.wants_write();
        let Common { policy, quotas } = *common;
        let lent = Lent { policy, buffers: &mut scratch.transport, quotas, client, now: now.monotonic };
        let mut layer = transport.over(stream, lent);
        if needs_flush {
            match layer.flush() {
                Ok(takes_more) => ready.writable = takes_more,
                Err(error) => {
                    let next = Err(TransportError::Stream(error));
                    return Stepped { next, client, disbelieved: None, is_ended: false };
                }
            }
        }
        let next = machine.drive(&mut layer, ready, &mut scratch.machine, view, now);
        let is_ended = match &next {
            Ok(Next::Close(reason)) => reason.is_orderly() && layer.end().is_ok(),
            Ok(Next::Again | Next::Rest | Next::Retry) | Err(TransportError::Stream(_)) => false,
            Err(TransportError::Fault(_)) => true,
        };
        let client = layer.take_client().unwrap_or(machine.peer().address);
        Stepped { next, client, disbelieved: layer.disbelieved(), is_ended }
    }

    /// Tells the client that nothing more follows, before its socket is closed for a timeout. Without this, a TLS
    /// client could not tell the end from an attack.
    pub fn end<S: Stream>(&mut self, stream: &mut S, scratch: &mut Scratch, common: &Common<'_, C>, now: Now) {
        if self.machine.wants_write() {
            return;
        }
        let Common { policy, quotas } = *common;
        let client = self.machine.peer().address;
        let lent = Lent { policy, buffers: &mut scratch.transport, quotas, client, now: now.monotonic };
        // This fails if the client has left already.
        let _ = self.transport.over(stream, lent).end();
    }

    /// Closes the connection from outside, and returns the transport's share of the quotas. Take what the connection
    /// forwards afterwards.
    pub fn close(&mut self, quotas: &Quotas<C>) {
        self.machine.handle_closed();
        self.transport.close(quotas);
    }

    /// Returns when to call [`handle_timeout`](Self::handle_timeout), or `None` for never.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.machine.poll_timeout(), self.transport.poll_timeout()].into_iter().flatten().min()
    }

    /// Returns why to close the connection now, if its client has been silent or slow for too long.
    #[must_use]
    pub fn handle_timeout(&self, now: Now) -> Option<CloseReason> {
        let is_slow = self.transport.poll_timeout().is_some_and(|deadline| deadline <= now.monotonic);
        if is_slow { Some(CloseReason::SlowHandshake) } else { self.machine.handle_timeout(now) }
    }

    /// Whether output waits for the socket.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        self.machine.wants_write() || self.transport.wants_write()
    }

    /// Whether a step can make progress although the socket reports nothing.
    #[must_use]
    pub fn can_resume(&self) -> bool {
        let needs_no_event = self.transport.has_more() || self.machine.is_stopping();
        self.machine.can_resume() || (needs_no_event && self.machine.wants_read())
    }

    /// The transport, to look at.
    #[must_use]
    pub const fn transport(&self) -> &Transport {
        &self.transport
    }
}
