//! Connections as I/O threads use them: the core's connection over a transport over a socket, with access to the
//! registry and the log.

use crate::accept_backoff::AcceptLog;
pub use crate::journal::Facts;

use crate::counters::{Counters, close_label};
use crate::journal::kind_of;
use crate::line_limit::LineLimit;
use crate::quota::{SharedCounter, SharedQuotas};
use crate::server::{Clock, RegistryHandle, Server, ToIo};
use crate::stack::{Common, Scratch, Stack};
use crate::stream::{IoStream, NonBlocking};
use crate::tls::HandshakeResult;
use crate::transport::{Fault, Policy, TransportError};
use arc_swap::ArcSwap;
use namesrv_core::access::{Grant, Verdict};
use namesrv_core::connection::{self, CloseReason, Next, Ready};
use namesrv_core::node::Input;
use namesrv_core::output;
use namesrv_core::route::RouteView;
use namesrv_core::tally::Tally;
use namesrv_core::time::{Instant, Now};
use namesrv_core::wire::FrameError;
use namesrv_core::{ClientAddress, Peer};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time;

/// The most log lines in a burst about closed connections.
const CLOSE_LINES: u64 = 10;

/// What all I/O threads and their connections share.
#[derive(Debug)]
pub struct Shared {
    /// The time.
    pub clock: Clock,
    /// The newest view.
    pub views: Arc<ArcSwap<RouteView>>,
    /// The log of what keeps listeners from accepting.
    pub accept_log: Arc<AcceptLog>,
    registry: RegistryHandle,
    /// The counters and the progress of the I/O threads.
    pub counters: Arc<Counters>,
    quotas: Arc<SharedQuotas>,
    policy: Policy,
    lines: LineLimit,
    transport_lines: LineLimit,
}

impl Shared {
    /// Takes what I/O threads need from the server.
    #[must_use]
    pub fn new(server: &Server) -> Self {
        let (registry, quotas) = (server.registry.clone(), Arc::clone(&server.quotas));
        Self {
            clock: server.clock,
            views: Arc::clone(&server.views),
            accept_log: Arc::default(),
            counters: Arc::clone(&server.counters),
            registry,
            quotas,
            policy: server.policy.clone(),
            lines: LineLimit::new("closed connections", CLOSE_LINES),
            transport_lines: LineLimit::new("PROXY headers and TLS handshakes", CLOSE_LINES),
        }
    }

    fn common(&self) -> Common<'_, SharedCounter> {
        Common { policy: &self.policy, quotas: &self.quotas }
    }

    /// Hands in what a connection has for the node.
    fn forward(&self, machine: &mut connection::Connection<SharedCounter>, traffic: &mut Traffic) {
        while let Some(input) = machine.poll_forward() {
            if let Input::Frame { verdict, .. } = &input {
                traffic.note_forwarded(verdict);
            }
            self.registry.hand_in(input);
        }
    }

    /// Logs why a connection was closed, except for normal ends.
    fn log_close(&self, peer: Peer, reason: &CloseReason, now: Now) {
        let peer = peer.address;
        match reason {
            // A broker whose table exceeds the limit stays away until the operator raises the limit.
            CloseReason::Malformed(FrameError::TooLong { .. }) => {
                self.lines.admit(now.monotonic, || tracing::warn!(%peer, "connection closed: {reason}"));
            }
            CloseReason::Malformed(_) | CloseReason::Registry(output::CloseReason::MalformedFrame) => {
                self.lines.admit(now.monotonic, || tracing::info!(%peer, "connection closed: {reason}"));
            }
            CloseReason::SlowHandshake => {
                self.transport_lines.admit(now.monotonic, || tracing::info!(%peer, "connection closed: {reason}"));
            }
            CloseReason::OutputFull { .. } | CloseReason::InputFull { .. } | CloseReason::SlowFrame => {
                self.lines.admit(now.monotonic, || tracing::warn!(%peer, "connection closed: {reason}"));
            }
            // The registry has an event for an expired broker.
            CloseReason::Idle | CloseReason::Registry(output::CloseReason::BrokerExpired) => {
                tracing::debug!(%peer, "connection closed: {reason}");
            }
            CloseReason::EndOfStream | CloseReason::Stopped => {}
        }
    }

    /// Logs why a connection is closed before its bytes reach the core.
    fn log_fault(&self, peer: ClientAddress, fault: &Fault, now: Now) {
        self.transport_lines.admit(now.monotonic, || tracing::info!(%peer, "connection closed: {fault}"));
    }

    /// Logs that a PROXY header had no effect.
    fn log_disbelief(&self, peer: ClientAddress, claimed: SocketAddr, now: Now) {
        self.transport_lines.admit(now.monotonic, || {
            tracing::info!(%peer, %claimed, "PROXY header not believed: trustedProxies does not have its sender");
        });
    }
}

/// One connection and the state of its socket.
///
/// It reports its end to the registry exactly once: at the end of its stream, or when it is dropped.
#[derive(Debug)]
pub struct Connection {
    stack: Stack<SharedCounter>,
    shared: Arc<Shared>,
    /// Whether the counters include its end.
    is_closed: bool,
    traffic: Traffic,
}

/// Counts of what a connection transferred.
#[derive(Debug)]
struct Traffic {
    opened: Instant,
    /// When the socket was last read.
    heard: Instant,
    user: Option<Arc<str>>,
    requests: u64,
    received_bytes: u64,
    sent_bytes: u64,
}

impl Traffic {
    fn facts(&self, machine: &connection::Connection<SharedCounter>, peer: Peer) -> Facts {
        let Self { opened, heard, user, requests, received_bytes, sent_bytes } = self;
        Facts {
            peer,
            sender: machine.sender(),
            user: user.clone(),
            opened: *opened,
            heard: *heard,
            requests: *requests,
            received_bytes: *received_bytes,
            sent_bytes: *sent_bytes,
            unread_bytes: machine.output_bytes(),
        }
    }

    const fn new(now: Instant) -> Self {
        Self { opened: now, heard: now, user: None, requests: 0, received_bytes: 0, sent_bytes: 0 }
    }

    /// Notes a request for the registry. The registry counts it elsewhere.
    fn note_forwarded(&mut self, verdict: &Verdict) {
        self.requests += 1;
        if let Verdict::Granted(Grant { user: Some(user), .. }) = verdict {
            self.user = Some(Arc::clone(user));
        }
    }

    fn note(&mut self, tally: &Tally, now: Instant) {
        if tally.read_bytes > 0 {
            self.heard = now;
        }
        self.requests += tally.requests();
        self.received_bytes += tally.read_bytes;
        self.sent_bytes += tally.written_bytes;
    }
}

impl Connection {
    /// Opens a connection that was just accepted. Returns `None` when the limit of connections is reached.
    #[must_use]
    pub fn open(peer: Peer, view: &RouteView, shared: &Arc<Shared>, now: Now) -> Option<Self> {
        let Some(stack) = Stack::open(peer, view, &shared.quotas, now) else {
            shared.counters.note_full(peer);
            return None;
        };
        shared.counters.note_opened(peer.conn.io_thread());
        let traffic = Traffic::new(now.monotonic);
        Some(Self { stack, shared: Arc::clone(shared), is_closed: false, traffic })
    }

    /// What the event loop reported about the socket.
    pub const fn ready(&mut self) -> &mut Ready {
        &mut self.stack.ready
    }

    /// Handles a message from the registry thread.
    pub fn handle(&mut self, message: ToIo, now: Now) {
        match message {
            ToIo::Reply { reply, .. } => self.stack.machine.handle_reply(reply.arrive(), now),
            ToIo::Close { reason, .. } => self.stack.machine.handle_registry_close(reason),
            ToIo::Stop { .. } => self.stack.machine.handle_stop(),
            ToIo::List(_) => {}
        }
        self.shared.forward(&mut self.stack.machine, &mut self.traffic);
    }

    /// Handles the stop of the server.
    pub fn handle_stop(&mut self) {
        self.stack.machine.handle_stop();
    }

    /// Does one bounded step of work. Calls `view` after reading the socket. If the connection is to be closed in
    /// order, its stream has been ended.
    ///
    /// # Errors
    /// The socket failed, most often because the client reset it. Close it without a log line.
    pub fn drive<V: Deref<Target = Arc<RouteView>>>(
        &mut self,
        socket: &mut impl IoStream,
        scratch: &mut Scratch,
        view: impl FnOnce() -> V,
        now: Now,
    ) -> io::Result<Next> {
        let Self { stack, shared, is_closed, traffic } = self;
        let peer = stack.machine.peer();
        let mut socket = NonBlocking(socket);
        let began = time::Instant::now();
        let stepped = stack.drive(&mut socket, scratch, &shared.common(), view, now);
        let machine = &mut stack.machine;
        let tally = scratch.tally();
        traffic.note(tally, now.monotonic);
        if !tally.missed.is_empty() {
            shared.counters.journals.note_misses(&tally.missed, machine.peer(), now.wall);
            tally.missed.clear();
        }
        shared.counters.take_step(peer.conn.io_thread(), tally, || began.elapsed());
        shared.forward(machine, traffic);
        if let Some(claimed) = stepped.disbelieved {
            shared.log_disbelief(peer.address, claimed, now);
        }
        if let Err(TransportError::Fault(fault)) = &stepped.next {
            let peer = Peer { address: stepped.client, ..peer };
            shared.log_fault(peer.address, fault, now);
            *is_closed = true;
            shared.counters.note_fault(peer.conn.io_thread());
            let words = fault.to_string();
            shared.counters.journals.note_refused("handshake", peer, &words, None, now.wall);
            shared.counters.journals.note_closed(traffic.facts(machine, peer), "handshake", &words, now);
        }
        if stepped.is_ended && socket.0.shut_down().is_ok() {
            scratch.discard(&mut socket);
        }
        stepped.next.map_err(|error| match error {
            TransportError::Stream(error) => error,
            TransportError::Fault(_) => ErrorKind::InvalidData.into(),
        })
    }

    /// Tells the client that nothing more follows, before its socket is closed for a timeout. Without this, a TLS
    /// client could not tell the end from an attack.
    pub fn end(&mut self, socket: &mut impl IoStream, scratch: &mut Scratch, now: Now) {
        self.stack.end(&mut NonBlocking(socket), scratch, &self.shared.common(), now);
    }

    /// Counts the end of this connection. Logs why it is closed, except for normal ends.
    pub fn log_close(&mut self, reason: &CloseReason, now: Now) {
        self.count_close(reason, now);
        self.shared.log_close(self.stack.machine.peer(), reason, now);
    }

    /// Returns when to call [`handle_timeout`](Self::handle_timeout), or `None` for never.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.stack.poll_timeout()
    }

    /// Returns why to close the connection now, if its client has been silent or slow for too long.
    #[must_use]
    pub fn handle_timeout(&self, now: Now) -> Option<CloseReason> {
        self.stack.handle_timeout(now)
    }

    /// Whether to read more from the socket.
    #[must_use]
    pub fn wants_read(&self) -> bool {
        self.stack.machine.wants_read()
    }

    /// Whether output waits for the socket.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        self.stack.wants_write()
    }

    /// Whether a step can make progress although the socket reports nothing.
    #[must_use]
    pub fn can_resume(&self) -> bool {
        self.stack.can_resume()
    }

    /// Returns the facts about the connection, for operators.
    #[must_use]
    pub fn facts(&self) -> Facts {
        self.traffic.facts(&self.stack.machine, self.stack.machine.peer())
    }

    fn count_close(&mut self, reason: &CloseReason, now: Now) {
        if self.is_closed {
            return;
        }
        self.is_closed = true;
        let counters = &self.shared.counters;
        let peer = self.stack.machine.peer();
        counters.note_closed(peer.conn.io_thread(), reason);
        let words = reason.to_string();
        if let CloseReason::Malformed(error) = reason {
            counters.journals.note_refused(kind_of(error), peer, &words, self.stack.machine.refused_bytes(), now.wall);
        }
        counters.journals.note_closed(self.facts(), close_label(reason), &words, now);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.count_close(&CloseReason::EndOfStream, self.shared.clock.now());
        if self.stack.transport().is_handshaking() {
            self.shared.policy.tls.note(HandshakeResult::Failed);
        }
        self.stack.close(&self.shared.quotas);
        self.shared.forward(&mut self.stack.machine, &mut self.traffic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::{QueueReceiver, queue};
    use crate::tls::Tls;
    use crate::transport::ProxyProtocol;
    use namesrv_core::ConnId;
    use namesrv_core::config::{Configuration, Limits};
    use namesrv_core::initial_state::InitialState;
    use namesrv_core::node::{Node, Output};
    use std::io::{Read, Write};
    use std::time::Duration;

    /// A request for the registry.
    const REQUEST: &[u8] = b"\0\0\0\x13\0\0\0\x0f{\"code\":904   }";

    /// A client that has sent some bytes, and takes all output.
    struct Client(&'static [u8]);

    impl Read for Client {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() { Err(ErrorKind::WouldBlock.into()) } else { self.0.read(buffer) }
        }
    }

    impl Write for Client {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl IoStream for Client {
        fn shut_down(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A connection after its first step, with the receiver of the queue.
    fn connection(sent: &'static [u8]) -> (Connection, QueueReceiver, Next) {
        let (limits, now) = (Limits::default(), Now::default());
        let initial = InitialState::new([0; 16], Configuration::default());
        let Some(Output::Publish(view)) = Node::new(initial, now).poll_output() else { panic!("no view") };
        let quotas = SharedQuotas::shared(&limits);
        let (sender, receiver) = queue(&quotas);
        let shared = Arc::new(Shared::new(&Server {
            listeners: Vec::new(),
            views: Arc::new(ArcSwap::new(Arc::clone(&view))),
            registry: RegistryHandle::new(sender, Arc::default()),
            clock: Clock::start(),
            quotas,
            policy: Policy { proxy_protocol: ProxyProtocol::Accept, trusted_proxies: None, tls: Tls::disabled() },
            counters: Arc::new(Counters::new(1, now.monotonic)),
        }));
        let peer = Peer { conn: ConnId::new(0, 1), address: ([127, 0, 0, 1], 1).into() };
        let mut connection = Connection::open(peer, &view, &shared, now).unwrap();
        connection.ready().readable = true;
        let next = connection.drive(&mut Client(sent), &mut Scratch::default(), || &view, now).unwrap();
        (connection, receiver, next)
    }

    fn received(receiver: &QueueReceiver) -> Vec<Input> {
        std::iter::from_fn(|| receiver.receive(Some(Duration::ZERO))).take(2).collect()
    }

    #[test]
    fn requests_reach_the_registry_and_so_does_the_end_of_a_dropped_connection() {
        let (connection, receiver, next) = connection(REQUEST);
        assert_eq!(next, Next::Rest);
        let quotas = Arc::clone(&connection.shared.quotas);
        assert!(matches!(&received(&receiver)[..], [Input::Frame { .. }]));
        assert!(!quotas.is_unused());
        let shared = Arc::clone(&connection.shared);
        drop(connection);
        assert!(matches!(&received(&receiver)[..], [Input::Disconnected(_)]));
        assert!(quotas.is_unused());
        drop(shared);
    }

    #[test]
    fn an_end_that_was_reported_is_not_reported_again() {
        let (connection, receiver, next) = connection(b"GET / HTTP/1.1\r\n");
        let Next::Close(reason) = next else { panic!("{next:?}") };
        let shared = Arc::clone(&connection.shared);
        assert!(matches!(reason, CloseReason::Malformed(_)), "{reason}");
        drop(connection);
        assert!(matches!(&received(&receiver)[..], [Input::Disconnected(_)]));
        drop(shared);
    }
}
