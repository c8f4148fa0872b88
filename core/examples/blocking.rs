//! The whole server on one thread and blocking sockets: all that a driver has to do, and nothing else.
//!
//! `cargo run -p namesrv-core --example blocking -- 127.0.0.1:9876` serves real brokers and clients. It waits for each
//! connection in turn, saves no file and sends brokers no notifications: a page to read, not a server to run.

use bytes::Bytes;
use namesrv_core::config::Configuration;
use namesrv_core::initial_state::InitialState;
use namesrv_core::node::{Input, Node, Output};
use namesrv_core::session::{Session, Step};
use namesrv_core::time::{Instant, Now, WallTime};
use namesrv_core::{ConnId, Peer, kv::KvTable, route::RouteView};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, SystemTime};
use std::{collections::BTreeMap, env, sync::Arc, time};

/// How long to wait for each connection.
const WAIT: Duration = Duration::from_millis(1);
/// How long a connection may be silent.
const IDLE_MAX: Duration = Duration::from_secs(120);

struct Server {
    node: Node,
    /// The newest view. Connections answer most requests from it.
    view: Option<Arc<RouteView>>,
    connections: BTreeMap<ConnId, Connection>,
    started: time::Instant,
}

struct Connection {
    stream: TcpStream,
    peer: Peer,
    session: Session,
    /// What arrived and is not a whole frame yet.
    input: Vec<u8>,
}

fn main() -> Result<()> {
    let listener = TcpListener::bind(env::args().nth(1).as_deref().unwrap_or("127.0.0.1:9876"))?;
    let mut server = Server::new();
    server.node.handle(Input::Attached, server.now());
    for serial in 0.. {
        // Whatever arrived was handed in: now time may pass.
        server.node.handle(Input::Tick, server.now());
        server.carry_out();
        listener.set_nonblocking(!server.connections.is_empty())?;
        if let Ok((stream, address)) = listener.accept() {
            server.open(stream, address, serial)?;
        }
        for conn in server.connections.keys().copied().collect::<Vec<_>>() {
            if server.serve(conn).is_err() {
                server.close(conn);
            }
        }
    }
    Ok(())
}

impl Server {
    fn new() -> Self {
        let configuration = Configuration::default();
        let (limits, serialization) = (configuration.limits(), configuration.serialization());
        let initial = InitialState { secret: [0; 16], limits, configuration, kv: KvTable::default(), serialization };
        let node = Node::new(initial, Now::default());
        Self { node, view: None, connections: BTreeMap::new(), started: time::Instant::now() }
    }

    fn now(&self) -> Now {
        Now {
            monotonic: Instant::START + self.started.elapsed(),
            wall: WallTime::UNIX_EPOCH + SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default(),
        }
    }

    fn open(&mut self, stream: TcpStream, address: SocketAddr, serial: u64) -> Result<()> {
        stream.set_read_timeout(Some(WAIT))?;
        let peer = Peer { conn: ConnId::new(0, serial), address };
        let Some(view) = &self.view else { return Ok(()) };
        let session = Session::new(view.limits(), IDLE_MAX, self.now());
        self.connections.insert(peer.conn, Connection { stream, peer, session, input: Vec::new() });
        Ok(())
    }

    /// Reads once, writes what the session answers, and hands the rest to the node. After an error the connection is
    /// over.
    fn serve(&mut self, conn: ConnId) -> Result<()> {
        let now = self.now();
        let (Some(connection), Some(view)) = (self.connections.get_mut(&conn), &self.view) else { return Ok(()) };
        let Connection { stream, peer, session, input } = connection;
        let mut chunk = [0; 64 * 1024];
        match stream.read(&mut chunk) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(length) => input.extend_from_slice(&chunk[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        let (mut rest, mut answers) = (input.as_slice(), Vec::new());
        let result = loop {
            match session.handle_input(&mut rest, view, &mut answers, now) {
                Ok(Step::Forward { length }) => {
                    let frame = Bytes::copy_from_slice(&rest[..length]);
                    self.node.handle(Input::Frame { peer: *peer, frame }, now);
                    rest = &rest[length..];
                }
                Ok(Step::NeedInput { .. } | Step::Paused) => break Ok(()),
                Err(error) => break Err(Error::other(error)),
            }
        };
        *input = rest.to_vec();
        stream.write_all(&answers)?;
        let is_overdue = session.poll_timeout().is_some_and(|deadline| deadline <= now.monotonic);
        if is_overdue { Err(ErrorKind::TimedOut.into()) } else { result }
    }

    /// Does what the node decides, in its order, until it has nothing more to do.
    fn carry_out(&mut self) {
        while !self.node.is_idle() {
            while let Some(output) = self.node.poll_output() {
                match output {
                    Output::Publish(view) => self.view = Some(view),
                    Output::Reply { conn, frame } => self.reply(conn, &frame),
                    Output::Close { conn, .. } => self.close(conn),
                    Output::Save { ticket, .. } => {
                        self.node.handle(Input::Saved { ticket, result: Ok(()) }, self.now());
                    }
                    // There is no queue to bound, no log, and nobody who stops this server.
                    Output::Release { .. } | Output::Notify { .. } | Output::Event(_) | Output::Announce => {}
                    Output::RepliesStuck { .. } | Output::Stopping { .. } | Output::StopIo { .. } => {}
                    Output::Finished => return,
                }
            }
        }
    }

    fn reply(&mut self, conn: ConnId, frame: &[u8]) {
        let now = self.now();
        self.node.handle(Input::ReplyTaken { bytes: frame.len() }, now);
        let Some(Connection { stream, session, .. }) = self.connections.get_mut(&conn) else { return };
        session.handle_reply(now);
        if stream.write_all(frame).is_err() {
            self.close(conn);
        }
    }

    fn close(&mut self, conn: ConnId) {
        if self.connections.remove(&conn).is_some() {
            self.node.handle(Input::Disconnected(conn), self.now());
        }
    }
}
