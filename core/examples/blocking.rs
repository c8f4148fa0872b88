//! A complete server on one thread with blocking sockets: everything that a driver must do, and nothing else.
//!
//! `cargo run -p namesrv-core --example blocking -- 127.0.0.1:9876` serves real brokers and clients. It waits for each
//! connection in turn, saves no files and sends brokers no notifications: an example to read, not a server to run.

use bytes::Bytes;
use namesrv_core::config::Configuration;
use namesrv_core::connection::{self, Answers, Connection};
use namesrv_core::initial_state::InitialState;
use namesrv_core::node::{Input, Node, Output};
use namesrv_core::quota::Quotas;
use namesrv_core::time::{Instant, Now, WallTime};
use namesrv_core::{ConnId, Peer, route::RouteView};
use std::cell::Cell;
use std::io::{ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, SystemTime};
use std::{collections::BTreeMap, env, sync::Arc, time};

/// How long to wait for each connection.
const WAIT: Duration = Duration::from_millis(1);

struct Server {
    node: Node,
    /// The newest view. Connections answer most requests from it.
    view: Option<Arc<RouteView>>,
    /// What all connections together may hold.
    quotas: Arc<Quotas<Cell<usize>>>,
    connections: BTreeMap<ConnId, (TcpStream, Connection)>,
    started: time::Instant,
}

fn main() -> Result<()> {
    let listener = TcpListener::bind(env::args().nth(1).as_deref().unwrap_or("127.0.0.1:9876"))?;
    let mut server = Server::new();
    server.node.handle(Input::Attached, server.now());
    for serial in 0.. {
        // All input that arrived is handed in, so time may pass.
        server.node.handle(Input::Tick, server.now());
        server.carry_out();
        listener.set_nonblocking(!server.connections.is_empty())?;
        if let Ok((stream, address)) = listener.accept() {
            server.open(stream, address, serial)?;
        }
        for conn in server.connections.keys().copied().collect::<Vec<_>>() {
            if !server.serve(conn).is_ok_and(|goes_on| goes_on) {
                server.close(conn);
            }
        }
    }
    Ok(())
}

impl Server {
    fn new() -> Self {
        let configuration = Configuration::default();
        let quotas = Quotas::shared(&configuration.limits());
        let node = Node::new(InitialState::new([0; 16], configuration), Now::default());
        Self { node, view: None, quotas, connections: BTreeMap::new(), started: time::Instant::now() }
    }

    fn now(&self) -> Now {
        Now {
            monotonic: Instant::START + self.started.elapsed(),
            wall: WallTime::UNIX_EPOCH + SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default(),
        }
    }

    fn open(&mut self, stream: TcpStream, address: SocketAddr, serial: u64) -> Result<()> {
        stream.set_read_timeout(Some(WAIT))?;
        let peer = Peer { conn: ConnId::new(0, serial), address: address.into() };
        let Some(view) = &self.view else { return Ok(()) };
        if let Some(connection) = Connection::open(peer, view, &self.quotas, self.now()) {
            self.connections.insert(peer.conn, (stream, connection));
        }
        Ok(())
    }

    /// Reads once, writes the connection's answers, and hands its requests to the node. Returns whether the connection
    /// stays open; after an error it does not.
    fn serve(&mut self, conn: ConnId) -> Result<bool> {
        let now = self.now();
        let (Some((stream, connection)), Some(view)) = (self.connections.get_mut(&conn), &self.view) else {
            return Ok(false);
        };
        let mut buffer = [0; 64 * 1024];
        let read = if connection.wants_read() { stream.read(&mut buffer) } else { Err(ErrorKind::WouldBlock.into()) };
        let read = match read {
            Ok(0) => connection::Read::Eof,
            Ok(bytes) => connection::Read::Bytes(&buffer[..bytes]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => connection::Read::Nothing,
            Err(error) => return Err(error),
        };
        let mut answers = Answers::default();
        connection.handle_read(read, view, &mut answers, now);
        stream.write_all(&answers.bytes)?;
        let written = answers.bytes.len();
        connection.handle_answers(&mut answers.bytes, written, now);
        while let Some(input) = connection.poll_forward() {
            self.node.handle(input, now);
        }
        Ok(connection.poll_close().is_none() && connection.handle_timeout(now).is_none())
    }

    /// Carries out the node's outputs, in order, until there are no more.
    fn carry_out(&mut self) {
        while !self.node.is_idle() {
            while let Some(output) = self.node.poll_output() {
                match output {
                    Output::Publish(view) => self.view = Some(view),
                    Output::Release { requests, bytes } => self.quotas.queue().release(requests, bytes),
                    Output::Reply { conn, frame } => self.reply(conn, frame),
                    Output::Close { conn, .. } => self.close(conn),
                    Output::Save { ticket, .. } | Output::SaveSnapshot { ticket, .. } => {
                        self.node.handle(Input::Saved { ticket, result: Ok(()) }, self.now());
                    }
                    // This server has no log, and nothing stops it.
                    Output::Notify { .. } | Output::Event(_) | Output::Announce => {}
                    Output::RepliesStuck { .. } | Output::Stopping { .. } | Output::StopIo { .. } => {}
                    Output::Finished => return,
                }
            }
        }
    }

    /// Writes everything that waits for the client. The stream blocks, so nothing is left.
    fn reply(&mut self, conn: ConnId, frame: Bytes) {
        let now = self.now();
        self.node.handle(Input::ReplyTaken { bytes: frame.len() }, now);
        let Some((stream, connection)) = self.connections.get_mut(&conn) else { return };
        connection.handle_reply(frame, now);
        while connection.wants_write() {
            let mut slices = [&[][..]];
            connection.poll_transmit(&mut slices);
            let written = slices[0].len();
            if stream.write_all(slices[0]).is_err() {
                return self.close(conn);
            }
            connection.handle_written(written, now);
        }
    }

    /// Tells the node of the end, unless the connection has done so already.
    fn close(&mut self, conn: ConnId) {
        let now = self.now();
        if let Some((_, mut connection)) = self.connections.remove(&conn) {
            connection.handle_closed();
            while let Some(input) = connection.poll_forward() {
                self.node.handle(input, now);
            }
        }
    }
}
