//! The whole server on one thread and blocking sockets: all that a driver has to do, and nothing else.
//!
//! `cargo run -p namesrv-core --example blocking -- 127.0.0.1:9876` serves real brokers and clients. It waits for each
//! connection in turn, saves no file and sends brokers no notifications: a page to read, not a server to run.

use bytes::Bytes;
use namesrv_core::config::Configuration;
use namesrv_core::initial_state::InitialState;
use namesrv_core::registry::{Output, Registry};
use namesrv_core::session::{Session, Step};
use namesrv_core::time::{Instant, Now, WallTime};
use namesrv_core::{ConnId, Peer, kv::KvTable, route::RouteView};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, SystemTime};
use std::{collections::BTreeMap, env, sync::Arc};

struct Server {
    registry: Registry,
    view: Option<Arc<RouteView>>,
    connections: BTreeMap<ConnId, (TcpStream, Peer, Session, Vec<u8>)>,
}

fn main() -> Result<()> {
    let listener = TcpListener::bind(env::args().nth(1).as_deref().unwrap_or("127.0.0.1:9876"))?;
    let started = std::time::Instant::now();
    let now = || Now {
        monotonic: Instant::START + started.elapsed(),
        wall: WallTime::UNIX_EPOCH + SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default(),
    };
    let configuration = Configuration::default();
    let (limits, serialization) = (configuration.limits(), configuration.serialization());
    let initial = InitialState { secret: [0; 16], limits, configuration, kv: KvTable::default(), serialization };
    let mut server = Server { registry: Registry::new(initial, now()), view: None, connections: BTreeMap::new() };
    for serial in 0.. {
        server.registry.handle_timeout(now());
        server.carry_out(now());
        listener.set_nonblocking(!server.connections.is_empty())?;
        if let Ok((stream, address)) = listener.accept() {
            stream.set_read_timeout(Some(Duration::from_millis(1)))?;
            let peer = Peer { conn: ConnId::new(0, serial), address };
            let session = Session::new(&limits, Duration::from_secs(120), now());
            server.connections.insert(peer.conn, (stream, peer, session, Vec::new()));
        }
        for conn in server.connections.keys().copied().collect::<Vec<_>>() {
            if server.serve(conn, now()).is_err() {
                server.lose(conn, now());
            }
            server.carry_out(now());
        }
    }
    Ok(())
}

impl Server {
    /// Reads once and lets the session work on what is there. An error means: the connection is over.
    fn serve(&mut self, conn: ConnId, now: Now) -> Result<()> {
        let (Some((stream, peer, session, input)), Some(view)) = (self.connections.get_mut(&conn), &self.view) else {
            return Ok(());
        };
        let mut chunk = [0; 64 * 1024];
        match stream.read(&mut chunk) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(length) => input.extend_from_slice(&chunk[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        let (mut rest, mut output) = (input.as_slice(), Vec::new());
        let result = loop {
            match session.handle_input(&mut rest, view, &mut output, now) {
                Ok(Step::Forward { length }) => {
                    self.registry.handle_frame(*peer, &Bytes::copy_from_slice(&rest[..length]), now);
                    rest = &rest[length..];
                }
                Ok(Step::NeedInput { .. } | Step::Paused) => break Ok(()),
                Err(error) => break Err(Error::other(error)),
            }
        };
        *input = rest.to_vec();
        stream.write_all(&output)?;
        let overdue = session.poll_timeout().is_some_and(|deadline| deadline <= now.monotonic);
        if overdue { Err(ErrorKind::TimedOut.into()) } else { result }
    }

    /// Does what the registry decided, in its order.
    fn carry_out(&mut self, now: Now) {
        while let Some(output) = self.registry.poll_output() {
            match output {
                Output::Publish(view) => self.view = Some(view),
                Output::Reply { conn, frame } => {
                    let Some((stream, _, session, _)) = self.connections.get_mut(&conn) else { continue };
                    session.handle_reply(now);
                    if stream.write_all(&frame).is_err() {
                        self.lose(conn, now);
                    }
                }
                Output::Close { conn, .. } => self.lose(conn, now),
                Output::Save { ticket, .. } => self.registry.handle_saved(ticket, Ok(()), now),
                Output::Event(_) | Output::Notify { .. } => {}
            }
        }
    }

    fn lose(&mut self, conn: ConnId, now: Now) {
        if self.connections.remove(&conn).is_some() {
            self.registry.handle_disconnect(conn, now);
        }
    }
}
