//! The I/O threads of a NameServer: the real connections over virtual sockets with small buffers.

use super::agenda::Time;
use super::happening::{Chore, Task};
use super::invariant::{self, Invariant, violated};
use super::network::{Part, Socket};
use super::threads::Context;
use super::virtual_stream::{VirtualStream, WasReset};
use crate::event_kind::variant;
use bytes::Bytes;
use namesrv_core::connection::{CloseReason, Next};
use namesrv_core::expiring_map::ExpiringMap;
use namesrv_core::node::Input;
use namesrv_core::output;
use namesrv_core::time::{Duration, Instant};
use namesrv_core::{ConnId, Peer};
use namesrv_shell::stack::{Common, Scratch, Stack};
use namesrv_shell::transport::TransportError;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// I/O threads of every server.
const IO_THREADS: usize = 2;
/// An I/O thread takes what is in its inbox within so many milliseconds.
const WAKE_MILLIS: Time = 2;
/// A connection that has to be driven again has its turn within so many milliseconds.
const AGAIN_MILLIS: Time = 1;

/// What the registry thread tells an I/O thread.
#[derive(Debug)]
pub(super) enum ToIo {
    Reply { conn: ConnId, frame: Bytes },
    Close { conn: ConnId, reason: output::CloseReason },
    Stop { within: Duration },
}

/// All I/O threads of a server.
#[derive(Debug, Default)]
pub(super) struct IoThreads {
    threads: [IoThread; IO_THREADS],
    /// Every socket that they hold.
    sockets: BTreeMap<u64, ConnId>,
    opened: u64,
    /// They were told to stop, so they accept nothing.
    is_stopping: bool,
    is_over: bool,
}

/// One I/O thread.
#[derive(Debug, Default)]
struct IoThread {
    held: ExpiringMap<Held>,
    inbox: Vec<ToIo>,
    scratch: Scratch,
    /// When it gives up what is not written, once it was told to stop.
    stops_at: Option<Instant>,
}

/// A connection and its socket.
#[derive(Debug)]
struct Held {
    socket: Socket,
    stack: Stack,
    /// When the client was heard from.
    heard: Time,
}

impl IoThreads {
    /// Something arrived at a socket of the server, or left it: perhaps a new connection.
    pub(super) fn socket_is_ready(&mut self, socket: Socket, context: &mut Context<'_>) {
        let network = &context.simulator.network;
        let conn = match self.sockets.get(&socket.connection) {
            Some(conn) => *conn,
            None if !self.is_stopping && network.end(socket).is_some_and(|end| !end.closed) => {
                match self.accept(socket, context) {
                    Some(conn) => conn,
                    None => return,
                }
            }
            None => return,
        };
        let Some(end) = context.simulator.network.end_mut(socket) else { return };
        end.is_blocked = false;
        let is_over = end.is_over();
        if let Some(mut held) = self.threads[conn.io_thread()].held.get_mut(conn.serial()) {
            let ready = &mut held.stack.ready;
            ready.readable = true;
            ready.writable = true;
            ready.read_closed |= is_over;
        }
        self.drive(conn, context);
    }

    fn accept(&mut self, socket: Socket, context: &mut Context<'_>) -> Option<ConnId> {
        self.opened += 1;
        let thread = (self.opened % self.threads.len() as u64) as u16;
        let conn = ConnId::new(thread, self.opened);
        let now = context.now();
        let simulator = &mut *context.simulator;
        let dialer = simulator.network.end(socket.other()).map_or(0, |end| end.process);
        let address = SocketAddr::from(([10, 0, 0, dialer as u8], (socket.connection % 50_000 + 1024) as u16));
        let peer = Peer { conn, address: address.into() };
        let Some(stack) = Stack::open(peer, &context.shared.view, &context.shared.quotas, now) else {
            simulator.coverage.count("connection refused");
            simulator.send(socket, Part::Reset);
            simulator.network.let_go(socket);
            return None;
        };
        let deadline = stack.poll_timeout();
        let held = Held { socket, stack, heard: simulator.now() };
        let map = &mut self.threads[conn.io_thread()].held;
        map.tick(now.monotonic);
        map.insert(conn.serial(), held).arm(deadline);
        self.sockets.insert(socket.connection, conn);
        Some(conn)
    }

    /// One step of work of a connection.
    pub(super) fn drive(&mut self, conn: ConnId, context: &mut Context<'_>) {
        let now = context.now();
        let Context { host, shared, simulator } = context;
        let IoThread { held: map, scratch, .. } = &mut self.threads[conn.io_thread()];
        let Some(mut entry) = map.get_mut(conn.serial()) else { return };
        let socket = entry.socket;
        let mut wire = VirtualStream::new(&mut simulator.network, &mut simulator.random, socket);
        let common = Common { policy: &host.tls.policy, quotas: &shared.quotas };
        let result = entry.stack.drive(&mut wire, scratch, &common, || &shared.view, now).next;
        let VirtualStream { sent, was_refused, .. } = wire;
        if std::mem::take(&mut scratch.tally().read_bytes) > 0 {
            entry.heard = now.monotonic.as_millis();
        }
        let machine = &mut entry.stack.machine;
        if result.is_err() {
            machine.handle_closed();
        }
        shared.to_node.extend(std::iter::from_fn(|| machine.poll_forward()));
        let (is_clogged, wants_write) = (machine.wants_write(), entry.stack.wants_write());
        let deadline = entry.stack.poll_timeout();
        entry.arm(deadline);
        simulator.send_bytes(socket, sent);
        if is_clogged {
            simulator.coverage.count("output waits");
        }
        let is_awaited = simulator.network.end(socket).is_some_and(|end| end.is_blocked);
        if is_awaited && was_refused {
            let delay = simulator.random.u64(0..=AGAIN_MILLIS);
            simulator.plan(host.process, delay, Task::Socket(socket));
        }
        match result {
            Ok(Next::Rest) => {
                simulator.coverage.count("next Rest");
                simulator.check(invariant::output_is_awaited(wants_write, is_awaited));
            }
            Ok(Next::Again) => {
                simulator.coverage.count("next Again");
                context.plan_within(AGAIN_MILLIS, Chore::Drive(conn));
            }
            Ok(Next::Retry) => {
                simulator.coverage.count("next Retry");
                context.plan_within(2 * AGAIN_MILLIS, Chore::Drive(conn));
            }
            Ok(Next::Close(reason)) => self.end_connection(conn, &reason, context),
            Err(TransportError::Stream(WasReset)) => self.let_connection_go(conn, Part::Reset, context),
            Err(TransportError::Fault(fault)) => {
                simulator.coverage.count(&format!("transport {}", variant(&fault)));
                self.let_connection_go(conn, Part::Fin, context);
            }
        }
        if !context.shared.to_node.is_empty() {
            context.wake_registry();
        }
    }

    /// Puts a message into the inbox of a connection's thread.
    pub(super) fn post(&mut self, conn: ConnId, message: ToIo, context: &mut Context<'_>) {
        self.post_to(conn.io_thread(), message, context);
    }

    /// Tells all threads to stop.
    pub(super) fn stop(&mut self, within: Duration, context: &mut Context<'_>) {
        (0..IO_THREADS).for_each(|thread| self.post_to(thread, ToIo::Stop { within }, context));
    }

    fn post_to(&mut self, thread: usize, message: ToIo, context: &mut Context<'_>) {
        let inbox = &mut self.threads[thread].inbox;
        inbox.push(message);
        if inbox.len() == 1 {
            context.plan_within(WAKE_MILLIS, Chore::Inbox(thread));
        }
    }

    /// Whether the threads have taken everything that the registry thread left for them.
    pub(super) fn has_read_all(&self) -> bool {
        self.threads.iter().all(|thread| thread.inbox.is_empty())
    }

    /// Whether a connection is open.
    pub(super) fn has(&self, conn: ConnId) -> bool {
        self.threads[conn.io_thread()].held.get(conn.serial()).is_some()
    }

    /// An I/O thread takes what the registry thread left for it.
    pub(super) fn read_inbox(&mut self, thread: usize, context: &mut Context<'_>) {
        let now = context.now();
        let mut taken = 0;
        for message in std::mem::take(&mut self.threads[thread].inbox) {
            let map = &mut self.threads[thread].held;
            let conn = match message {
                ToIo::Reply { conn, frame } => {
                    taken += frame.len();
                    let Some(mut held) = map.get_mut(conn.serial()) else { continue };
                    held.stack.machine.handle_reply(frame, now);
                    conn
                }
                ToIo::Close { conn, reason } => {
                    let Some(mut held) = map.get_mut(conn.serial()) else { continue };
                    held.stack.machine.handle_registry_close(reason);
                    conn
                }
                ToIo::Stop { within } => {
                    self.stop_thread(thread, now.monotonic + within, context);
                    continue;
                }
            };
            self.drive(conn, context);
        }
        if taken > 0 {
            context.shared.to_node.push_back(Input::ReplyTaken { bytes: taken });
            context.wake_registry();
        }
    }

    /// Everything that has arrived is still read and answered; what is not written at `deadline` is given up.
    fn stop_thread(&mut self, thread: usize, deadline: Instant, context: &mut Context<'_>) {
        self.is_stopping = true;
        self.threads[thread].stops_at = Some(deadline);
        let mut all: Vec<_> =
            self.threads[thread].held.iter_mut().map(|(_, held)| held.stack.machine.peer().conn).collect();
        all.sort_unstable();
        for conn in all {
            if let Some(mut held) = self.threads[thread].held.get_mut(conn.serial()) {
                held.stack.machine.handle_stop();
            }
            self.drive(conn, context);
        }
        let delay = deadline.as_millis() - context.simulator.now();
        context.plan(delay, Chore::Tick);
        self.finish_if_stopped(context);
    }

    /// All threads look at the deadlines of their connections.
    pub(super) fn close_silent(&mut self, context: &mut Context<'_>) {
        (0..IO_THREADS).for_each(|thread| self.close_silent_of(thread, context));
    }

    fn close_silent_of(&mut self, thread: usize, context: &mut Context<'_>) {
        let now = context.now();
        let idle_max = 1000 * context.shared.view.settings().server_channel_max_idle_time_seconds as Time;
        let map = &mut self.threads[thread].held;
        map.tick(now.monotonic);
        let mut expired = Vec::new();
        while let Some((_, mut entry)) = map.pop_due(now.monotonic) {
            match entry.stack.handle_timeout(now) {
                Some(reason) => {
                    expired.push((entry.stack.machine.peer().conn, entry.heard, reason));
                }
                None => {
                    let deadline = entry.stack.poll_timeout();
                    entry.arm(deadline);
                }
            }
        }
        for (conn, heard, reason) in expired {
            if reason == CloseReason::Idle {
                let silence = context.simulator.now() - heard;
                context.simulator.check(invariant::peer_was_silent(silence, idle_max));
            }
            self.tell_end(conn, context);
            self.end_connection(conn, &reason, context);
        }
        let deadlines = self.threads[thread].held.values().filter_map(|held| held.stack.poll_timeout());
        let (now_millis, pauses) = (context.simulator.now(), &context.shared.pauses);
        context.simulator.check(invariant::no_connection_is_overdue(deadlines.min(), now_millis, pauses));
        if self.threads[thread].stops_at.is_some_and(|at| at <= now.monotonic) {
            let left: Vec<_> = self.threads[thread].held.values().map(|held| held.stack.machine.peer().conn).collect();
            for conn in left {
                self.let_connection_go(conn, Part::Reset, context);
            }
        }
        self.finish_if_stopped(context);
        if !context.shared.to_node.is_empty() {
            context.wake_registry();
        }
    }

    /// Tells the peer that nothing more is written, before its connection is closed for a reason of time.
    fn tell_end(&mut self, conn: ConnId, context: &mut Context<'_>) {
        let now = context.now();
        let Context { host, shared, simulator } = context;
        let IoThread { held: map, scratch, .. } = &mut self.threads[conn.io_thread()];
        let Some(mut entry) = map.get_mut(conn.serial()) else { return };
        let socket = entry.socket;
        let mut wire = VirtualStream::new(&mut simulator.network, &mut simulator.random, socket);
        let common = Common { policy: &host.tls.policy, quotas: &shared.quotas };
        entry.stack.end(&mut wire, scratch, &common, now);
        let sent = wire.sent;
        simulator.send_bytes(socket, sent);
    }

    fn end_connection(&mut self, conn: ConnId, reason: &CloseReason, context: &mut Context<'_>) {
        context.simulator.coverage.count(&name_of(reason));
        let last = if reason.is_orderly() { Part::Fin } else { Part::Reset };
        self.let_connection_go(conn, last, context);
    }

    /// Closes a connection: the node hears of it, and all that it held is given back.
    fn let_connection_go(&mut self, conn: ConnId, last: Part, context: &mut Context<'_>) {
        let Context { shared, simulator, .. } = context;
        let Some(mut held) = self.threads[conn.io_thread()].held.remove(conn.serial()) else { return };
        held.stack.close(&shared.quotas);
        shared.to_node.extend(std::iter::from_fn(|| held.stack.machine.poll_forward()));
        self.sockets.remove(&held.socket.connection);
        simulator.send(held.socket, last);
        simulator.network.let_go(held.socket);
    }

    /// Once the last I/O thread has nothing left, the node finishes.
    fn finish_if_stopped(&mut self, context: &mut Context<'_>) {
        let is_over = |thread: &IoThread| thread.stops_at.is_some() && thread.held.is_empty();
        if !self.is_over && self.threads.iter().all(is_over) {
            self.is_over = true;
            let quotas = &context.shared.quotas;
            context.simulator.check(if quotas.is_unused() {
                Ok(())
            } else {
                violated(Invariant::QuotasReturn, format!("{quotas:?} without any connection"))
            });
            context.shared.to_node.push_back(Input::Finish);
            context.wake_registry();
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
