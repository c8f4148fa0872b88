//! One connection of a NameServer, as an I/O thread treats it: the real session between a socket and the registry.

use super::agenda::Time;
use super::cluster::Cluster;
use super::invariant;
use super::name_server::{IO_THREADS, Input, Running};
use super::network::{Ending, Part, Socket};
use bytes::Bytes;
use namesrv_core::session::{Session, Step};
use namesrv_core::time::Duration;
use namesrv_core::{ConnId, Peer};
use std::net::SocketAddr;
use std::sync::Arc;

/// What the registry thread tells an I/O thread.
#[derive(Debug)]
pub(super) enum ToIo {
    Reply { conn: ConnId, frame: Bytes },
    Close { conn: ConnId },
}

impl ToIo {
    pub(super) const fn conn(&self) -> ConnId {
        match self {
            Self::Reply { conn, .. } | Self::Close { conn } => *conn,
        }
    }
}

#[derive(Debug)]
pub(super) struct Conversation {
    socket: Socket,
    peer: Peer,
    session: Session,
    input: Vec<u8>,
    paused: bool,
    /// No more input is taken.
    ended: bool,
    /// No replies are waited for.
    abandoned: bool,
    /// The registry knows of the end.
    told: bool,
    /// When the peer was heard from.
    heard: Time,
}

impl Conversation {
    fn is_done(&self) -> bool {
        self.ended && self.input.is_empty() && (self.abandoned || self.session.forwarded() == 0)
    }

    fn stop_reading(&mut self) {
        self.input.clear();
        self.paused = false;
        self.ended = true;
    }
}

impl Cluster {
    /// Something arrived at a socket of a server: perhaps a new connection.
    pub(super) fn conversation_reads(&mut self, server: usize, running: &mut Running, socket: Socket) {
        let conn = match running.sockets.get(&socket.connection) {
            Some(conn) => *conn,
            None if self.network.end(socket).is_some_and(|end| !end.closed) => self.accept(server, running, socket),
            None => return,
        };
        let (bytes, ending) = self.receive(socket);
        let now = self.now();
        let Some(conversation) = running.conversations.get_mut(&conn) else { return };
        if !bytes.is_empty() {
            conversation.heard = now;
        }
        if !conversation.ended {
            conversation.input.extend(bytes);
            conversation.ended |= ending.is_some();
            conversation.abandoned |= ending == Some(Ending::Reset);
        }
        self.go_on(server, running, conn);
    }

    fn accept(&mut self, server: usize, running: &mut Running, socket: Socket) -> ConnId {
        running.opened += 1;
        let conn = ConnId::new((running.opened % IO_THREADS as u64) as u16, running.opened);
        let idle_seconds = running.view.settings().server_channel_max_idle_time_seconds;
        let idle_max = Duration::from_secs(u64::try_from(idle_seconds).unwrap_or(0));
        let now = self.servers[server].now(self.now());
        let dialer = self.network.end(socket.other()).map_or(0, |end| end.process);
        let address = SocketAddr::from(([10, 0, 0, dialer as u8], (socket.connection % 50_000 + 1024) as u16));
        let conversation = Conversation {
            socket,
            peer: Peer { conn, address },
            session: Session::new(running.view.limits(), idle_max, now),
            input: Vec::new(),
            paused: false,
            ended: false,
            abandoned: false,
            told: false,
            heard: self.now(),
        };
        running.conversations.insert(conn, conversation);
        running.sockets.insert(socket.connection, conn);
        conn
    }

    /// Deals with what is in the input, as far as that is possible now. The view is loaded after what arrived.
    fn go_on(&mut self, server: usize, running: &mut Running, conn: ConnId) {
        let now = self.servers[server].now(self.now());
        let view = Arc::clone(&running.view);
        let Some(conversation) = running.conversations.get_mut(&conn) else { return };
        let mut answers = Vec::new();
        conversation.paused = false;
        while !conversation.input.is_empty() {
            let mut rest = conversation.input.as_slice();
            let step = conversation.session.handle_input(&mut rest, &view, &mut answers, now);
            let used = conversation.input.len() - rest.len();
            conversation.input.drain(..used);
            match step {
                Ok(Step::Forward { length }) => {
                    self.coverage.count("step Forward");
                    let frame: Bytes = conversation.input.drain(..length).collect::<Vec<_>>().into();
                    running.queue.push_back(Input::Frame(conversation.peer, frame));
                }
                Ok(Step::NeedInput { .. }) => {
                    self.coverage.count("step NeedInput");
                    if conversation.ended {
                        conversation.input.clear();
                    }
                    break;
                }
                Ok(Step::Paused) => {
                    self.coverage.count("step Paused");
                    if answers.is_empty() {
                        conversation.paused = true;
                        break;
                    }
                    let written = std::mem::take(&mut answers);
                    conversation.session.handle_written(now);
                    self.send_bytes(conversation.socket, written);
                }
                Err(error) => {
                    let name = format!("{error:?}");
                    let kind = name.split([' ', '(', '{']).next().unwrap_or_default();
                    self.coverage.count(&format!("frame error {kind}"));
                    conversation.stop_reading();
                }
            }
        }
        if !answers.is_empty() {
            conversation.session.handle_written(now);
            self.send_bytes(conversation.socket, answers);
        }
        if conversation.ended && !conversation.paused && !std::mem::replace(&mut conversation.told, true) {
            running.queue.push_back(Input::Disconnected(conn));
        }
        if conversation.is_done() {
            self.finish(running, conn);
        }
        if !running.queue.is_empty() {
            self.plan_registry(server, running);
        }
    }

    /// The registry answered, or wants a connection closed.
    pub(super) fn conversation_hears(&mut self, server: usize, running: &mut Running, message: ToIo) {
        let now = self.servers[server].now(self.now());
        let conn = message.conn();
        let Some(conversation) = running.conversations.get_mut(&conn) else { return };
        match message {
            ToIo::Reply { frame, .. } => {
                conversation.session.handle_reply(now);
                if !frame.is_empty() {
                    conversation.session.handle_written(now);
                    self.send_bytes(conversation.socket, frame.into());
                }
            }
            ToIo::Close { .. } => {
                conversation.stop_reading();
                conversation.abandoned = true;
            }
        }
        self.go_on(server, running, conn);
    }

    /// Closes connections that were silent for too long.
    pub(super) fn close_silent(&mut self, server: usize, running: &mut Running) {
        let now: Time = self.now();
        if now < running.not_before {
            return;
        }
        let is_due =
            |conversation: &Conversation| conversation.session.poll_timeout().is_some_and(|due| due.as_millis() <= now);
        let idle_max = 1000 * running.view.settings().server_channel_max_idle_time_seconds as Time;
        let due = running.conversations.iter().filter(|(_, conversation)| is_due(conversation));
        for conn in due.map(|(conn, _)| *conn).collect::<Vec<_>>() {
            self.coverage.count("closed idle");
            if let Some(conversation) = running.conversations.get_mut(&conn) {
                let verdict = invariant::peer_was_silent(now - conversation.heard, idle_max, &conversation.input);
                conversation.stop_reading();
                conversation.abandoned = true;
                self.check(verdict);
            }
            self.go_on(server, running, conn);
        }
    }

    fn finish(&mut self, running: &mut Running, conn: ConnId) {
        if let Some(conversation) = running.conversations.remove(&conn) {
            running.sockets.remove(&conversation.socket.connection);
            if !conversation.abandoned {
                self.send(conversation.socket, Part::Fin);
            } else {
                self.send(conversation.socket, Part::Reset);
            }
            self.network.let_go(conversation.socket);
        }
    }
}
