//! The I/O threads of a NameServer: the real connections over virtual sockets with small buffers.

use super::agenda::Time;
use super::cluster::{Cluster, Task};
use super::invariant::{self, Invariant, violated};
use super::name_server::{Chore, Running};
use super::network::{Part, Socket};
use super::virtual_stream::{Heard, VirtualStream, WasReset};
use bytes::Bytes;
use namesrv_core::connection::{CloseReason, Connection, Next, Ready, Scratch};
use namesrv_core::expiring_map::ExpiringMap;
use namesrv_core::node::Input;
use namesrv_core::output;
use namesrv_core::route::RouteView;
use namesrv_core::time::{Duration, Instant, Now};
use namesrv_core::{ConnId, Peer};
use namesrv_shell::transport::{Buffers, Layer, Lent, Transport, TransportError};
use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::Arc;

/// A connection that has to be driven again has its turn within so many milliseconds.
const AGAIN_MILLIS: Time = 1;

/// What the registry thread tells an I/O thread.
#[derive(Debug)]
pub(super) enum ToIo {
    Reply { conn: ConnId, frame: Bytes },
    Close { conn: ConnId, reason: output::CloseReason },
    Stop { within: Duration },
}

/// One I/O thread.
#[derive(Debug, Default)]
pub(super) struct IoThread {
    pub(super) held: ExpiringMap<Held>,
    pub(super) inbox: Vec<ToIo>,
    scratch: Scratch,
    buffers: Buffers,
    /// When it gives up what is not written, once it was told to stop.
    pub(super) stops_at: Option<Instant>,
}

/// A connection and its socket.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) socket: Socket,
    pub(super) connection: Connection,
    transport: Transport,
    ready: Ready,
    /// When the client was heard from.
    heard: Time,
}

impl Held {
    fn poll_timeout(&self) -> Option<Instant> {
        [self.connection.poll_timeout(), self.transport.poll_timeout()].into_iter().flatten().min()
    }

    fn handle_timeout(&self, now: Now) -> Option<CloseReason> {
        let is_slow = self.transport.poll_timeout().is_some_and(|deadline| deadline <= now.monotonic);
        if is_slow { Some(CloseReason::SlowHandshake) } else { self.connection.handle_timeout(now) }
    }
}

impl Held {
    /// One step over the transport, as the shell does it. Returns what comes next, and whether the client was heard.
    fn step(
        &mut self,
        wire: &mut VirtualStream<'_>,
        scratch: &mut Scratch,
        lent: Lent<'_, Cell<usize>>,
        view: &Arc<RouteView>,
        now: Now,
    ) -> (Result<Next, TransportError<WasReset>>, bool) {
        let Self { connection, transport, ready, .. } = self;
        let needs_flush = ready.writable && transport.wants_write();
        let mut heard = Heard { stream: transport.over(wire, lent), has_read: false };
        if needs_flush {
            match heard.stream.flush() {
                Ok(is_writable) => ready.writable = is_writable,
                Err(reset) => return (Err(TransportError::Stream(reset)), false),
            }
        }
        let next = connection.drive(&mut heard, ready, scratch, || view, now);
        if matches!(&next, Ok(Next::Close(reason)) if reason.is_orderly()) {
            end(&mut heard.stream);
        }
        (next, heard.has_read)
    }
}

/// Tells the peer that nothing more is written. One that is gone does not hear it.
fn end(layer: &mut Layer<'_, VirtualStream<'_>, Cell<usize>>) {
    let _ = layer.end();
}

impl Cluster {
    /// Something arrived at a socket of a server, or left it: perhaps a new connection.
    pub(super) fn socket_is_ready(&mut self, server: usize, running: &mut Running, socket: Socket) {
        let conn = match running.sockets.get(&socket.connection) {
            Some(conn) => *conn,
            None if running.is_accepting && self.network.end(socket).is_some_and(|end| !end.closed) => {
                match self.accept(server, running, socket) {
                    Some(conn) => conn,
                    None => return,
                }
            }
            None => return,
        };
        let Some(end) = self.network.end_mut(socket) else { return };
        end.is_blocked = false;
        let is_over = end.is_over();
        if let Some(mut held) = running.threads[conn.io_thread()].held.get_mut(conn.serial()) {
            held.ready.readable = true;
            held.ready.writable = true;
            held.ready.read_closed |= is_over;
        }
        self.drive(server, running, conn);
    }

    fn accept(&mut self, server: usize, running: &mut Running, socket: Socket) -> Option<ConnId> {
        running.opened += 1;
        let thread = (running.opened % running.threads.len() as u64) as u16;
        let conn = ConnId::new(thread, running.opened);
        let now = self.servers[server].now(self.now());
        let dialer = self.network.end(socket.other()).map_or(0, |end| end.process);
        let address = SocketAddr::from(([10, 0, 0, dialer as u8], (socket.connection % 50_000 + 1024) as u16));
        let peer = Peer { conn, address: address.into() };
        let Some(connection) = Connection::open(peer, &running.view, &running.quotas, now) else {
            self.coverage.count("connection refused");
            self.send(socket, Part::Reset);
            self.network.let_go(socket);
            return None;
        };
        let deadline = connection.poll_timeout();
        let transport = Transport::default();
        let held = Held { socket, connection, transport, ready: Ready::default(), heard: self.now() };
        let map = &mut running.threads[conn.io_thread()].held;
        map.tick(now.monotonic);
        map.insert(conn.serial(), held).arm(deadline);
        running.sockets.insert(socket.connection, conn);
        Some(conn)
    }

    /// One step of work of a connection.
    pub(super) fn drive(&mut self, server: usize, running: &mut Running, conn: ConnId) {
        let now = self.servers[server].now(self.now());
        let Running { threads, view, to_node, quotas, .. } = running;
        let IoThread { held: map, scratch, buffers, .. } = &mut threads[conn.io_thread()];
        let Some(mut entry) = map.get_mut(conn.serial()) else { return };
        let socket = entry.socket;
        let mut wire = VirtualStream::new(&mut self.network, &mut self.random, socket);
        let client = entry.connection.peer().address;
        let lent = Lent { policy: &self.servers[server].tls.policy, buffers, quotas, client, now: now.monotonic };
        let (result, has_heard) = entry.step(&mut wire, scratch, lent, view, now);
        let VirtualStream { sent, was_refused, .. } = wire;
        if result.is_err() {
            entry.connection.handle_closed();
        }
        to_node.extend(std::iter::from_fn(|| entry.connection.poll_forward()));
        let is_clogged = entry.connection.wants_write();
        let wants_write = is_clogged || entry.transport.wants_write();
        let deadline = entry.poll_timeout();
        entry.arm(deadline);
        if has_heard {
            entry.heard = now.monotonic.as_millis();
        }
        self.send_bytes(socket, sent);
        if is_clogged {
            self.coverage.count("output waits");
        }
        let is_awaited = self.network.end(socket).is_some_and(|end| end.is_blocked);
        if is_awaited && was_refused {
            let delay = self.random.u64(0..=AGAIN_MILLIS);
            self.plan(self.servers[server].process, delay, Task::Socket(socket));
        }
        match result {
            Ok(Next::Rest) => {
                self.coverage.count("next Rest");
                self.check(invariant::output_is_awaited(wants_write, is_awaited));
            }
            Ok(Next::Again) => {
                self.coverage.count("next Again");
                self.plan_drive(server, conn, AGAIN_MILLIS);
            }
            Ok(Next::Retry) => {
                self.coverage.count("next Retry");
                self.plan_drive(server, conn, 2 * AGAIN_MILLIS);
            }
            Ok(Next::Close(reason)) => self.end_connection(running, conn, &reason),
            Err(TransportError::Stream(WasReset)) => self.let_connection_go(running, conn, Part::Reset),
            Err(TransportError::Fault(fault)) => {
                self.coverage.count(&format!("transport {}", variant(&fault)));
                self.let_connection_go(running, conn, Part::Fin);
            }
        }
        if !running.to_node.is_empty() {
            self.plan_registry(server, running);
        }
    }

    fn plan_drive(&mut self, server: usize, conn: ConnId, most: Time) {
        let delay = self.random.u64(0..=most);
        self.plan(self.servers[server].process, delay, Task::Server(Chore::Drive(conn)));
    }

    /// An I/O thread takes what the registry thread left for it.
    pub(super) fn read_inbox(&mut self, server: usize, running: &mut Running, thread: usize) {
        let now = self.servers[server].now(self.now());
        let mut taken = 0;
        for message in std::mem::take(&mut running.threads[thread].inbox) {
            let map = &mut running.threads[thread].held;
            let conn = match message {
                ToIo::Reply { conn, frame } => {
                    taken += frame.len();
                    let Some(mut held) = map.get_mut(conn.serial()) else { continue };
                    held.connection.handle_reply(frame, now);
                    conn
                }
                ToIo::Close { conn, reason } => {
                    let Some(mut held) = map.get_mut(conn.serial()) else { continue };
                    held.connection.handle_registry_close(reason);
                    conn
                }
                ToIo::Stop { within } => {
                    self.stop_thread(server, running, thread, now.monotonic + within);
                    continue;
                }
            };
            self.drive(server, running, conn);
        }
        if taken > 0 {
            running.to_node.push_back(Input::ReplyTaken { bytes: taken });
            self.plan_registry(server, running);
        }
    }

    /// Everything that has arrived is still read and answered; what is not written at `deadline` is given up.
    fn stop_thread(&mut self, server: usize, running: &mut Running, thread: usize, deadline: Instant) {
        running.is_accepting = false;
        running.threads[thread].stops_at = Some(deadline);
        let mut all: Vec<_> =
            running.threads[thread].held.iter_mut().map(|(_, held)| held.connection.peer().conn).collect();
        all.sort_unstable();
        for conn in all {
            if let Some(mut held) = running.threads[thread].held.get_mut(conn.serial()) {
                held.connection.handle_stop();
            }
            self.drive(server, running, conn);
        }
        let delay = deadline.as_millis() - self.now();
        self.plan(self.servers[server].process, delay, Task::Server(Chore::Tick));
        self.finish_if_stopped(server, running);
    }

    /// Looks at the deadlines of one thread's connections.
    pub(super) fn close_silent(&mut self, server: usize, running: &mut Running, thread: usize) {
        let now = self.servers[server].now(self.now());
        let idle_max = 1000 * running.view.settings().server_channel_max_idle_time_seconds as Time;
        let map = &mut running.threads[thread].held;
        map.tick(now.monotonic);
        let mut expired = Vec::new();
        while let Some((_, mut entry)) = map.pop_due(now.monotonic) {
            match entry.handle_timeout(now) {
                Some(reason) => {
                    expired.push((entry.connection.peer().conn, entry.heard, reason));
                }
                None => {
                    let deadline = entry.poll_timeout();
                    entry.arm(deadline);
                }
            }
        }
        for (conn, heard, reason) in expired {
            if reason == CloseReason::Idle {
                self.check(invariant::peer_was_silent(self.now() - heard, idle_max));
            }
            self.tell_end(server, running, conn);
            self.end_connection(running, conn, &reason);
        }
        let held = running.threads[thread].held.values();
        let deadlines = held.filter_map(Held::poll_timeout);
        self.check(invariant::no_connection_is_overdue(deadlines.min(), self.now(), &running.pauses));
        if running.threads[thread].stops_at.is_some_and(|at| at <= now.monotonic) {
            let left: Vec<_> = running.threads[thread].held.values().map(|held| held.connection.peer().conn).collect();
            for conn in left {
                self.let_connection_go(running, conn, Part::Reset);
            }
        }
        self.finish_if_stopped(server, running);
        if !running.to_node.is_empty() {
            self.plan_registry(server, running);
        }
    }

    /// Tells the peer that nothing more is written, before its connection is closed for a reason of time.
    fn tell_end(&mut self, server: usize, running: &mut Running, conn: ConnId) {
        let now = self.servers[server].now(self.now());
        let Running { threads, quotas, .. } = running;
        let IoThread { held: map, buffers, .. } = &mut threads[conn.io_thread()];
        let Some(mut entry) = map.get_mut(conn.serial()) else { return };
        if entry.connection.wants_write() {
            return;
        }
        let socket = entry.socket;
        let mut wire = VirtualStream::new(&mut self.network, &mut self.random, socket);
        let client = entry.connection.peer().address;
        let lent = Lent { policy: &self.servers[server].tls.policy, buffers, quotas, client, now: now.monotonic };
        end(&mut entry.transport.over(&mut wire, lent));
        let sent = wire.sent;
        self.send_bytes(socket, sent);
    }

    fn end_connection(&mut self, running: &mut Running, conn: ConnId, reason: &CloseReason) {
        self.coverage.count(&name_of(reason));
        let last = if reason.is_orderly() { Part::Fin } else { Part::Reset };
        self.let_connection_go(running, conn, last);
    }

    /// Closes a connection: the node hears of it, and all that it held is given back.
    fn let_connection_go(&mut self, running: &mut Running, conn: ConnId, last: Part) {
        let Some(mut held) = running.threads[conn.io_thread()].held.remove(conn.serial()) else { return };
        held.connection.handle_closed();
        held.transport.close(&running.quotas);
        running.to_node.extend(std::iter::from_fn(|| held.connection.poll_forward()));
        running.sockets.remove(&held.socket.connection);
        self.send(held.socket, last);
        self.network.let_go(held.socket);
    }

    /// Once the last I/O thread has nothing left, the node finishes.
    fn finish_if_stopped(&mut self, server: usize, running: &mut Running) {
        let is_over = |thread: &IoThread| thread.stops_at.is_some() && thread.held.is_empty();
        if !running.is_finishing && running.threads.iter().all(is_over) {
            running.is_finishing = true;
            self.check(if running.quotas.is_unused() {
                Ok(())
            } else {
                violated(Invariant::QuotasReturn, format!("{:?} without any connection", running.quotas))
            });
            running.to_node.push_back(Input::Finish);
            self.plan_registry(server, running);
        }
    }
}

/// A reason in the words of [`Coverage`](super::coverage::Coverage).
fn name_of(reason: &CloseReason) -> String {
    match reason {
        CloseReason::Malformed(error) => format!("frame error {}", variant(error)),
        CloseReason::Registry(reason) => format!("closed Registry {reason:?}"),
        CloseReason::EndOfStream
        | CloseReason::Stopped
        | CloseReason::OutputFull { .. }
        | CloseReason::InputFull { .. }
        | CloseReason::Idle
        | CloseReason::SlowFrame
        | CloseReason::SlowHandshake => format!("closed {}", variant(reason)),
    }
}

fn variant(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}").split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}
