//! A connection over its transport in memory: the same types as in a server, over a wire that a test cuts as it likes.

use crate::tls::MemoryTls;
use namesrv_core::connection::{CloseReason, Connection, Next, Read, Stream, Written};
use namesrv_core::node::Input;
use namesrv_core::quota::Quotas;
use namesrv_core::route::RouteView;
use namesrv_core::time::{Duration, Instant, Now};
use namesrv_core::{ClientAddress, ConnId, Peer};
use namesrv_shell::stack::{Common, Scratch, Stack};
use namesrv_shell::tls::TlsMode;
use namesrv_shell::transport::{Fault, Policy, ProxyProtocol, Transport, TransportError};
use rustls::ClientConnection;
use std::cell::Cell;
use std::collections::VecDeque;
use std::io::{Read as _, Write};
use std::net::SocketAddr;
use std::sync::Arc;

/// Steps after which a connection is said never to rest.
const STEPS_MAX: usize = 100_000;
/// Where the client of every link is.
pub const CLIENT: ([u8; 4], u16) = ([127, 0, 0, 1], 40_000);

/// The two directions of a socket.
#[derive(Debug)]
pub struct Wire {
    /// What the client sent and the server did not read yet.
    pub arrived: VecDeque<u8>,
    /// Whether the client ended its side.
    pub is_ended: bool,
    /// What the server wrote.
    pub written: Vec<u8>,
    /// Bytes of one read at most.
    pub read_max: usize,
    /// Bytes that the socket takes before it blocks.
    pub space: usize,
    /// Bytes that it takes from the next read on, if that changes.
    pub space_after_read: Option<usize>,
    /// Whether the driver waits until the socket takes more: from when it takes nothing until it takes something.
    pub is_awaited: bool,
}

/// How a link ended.
#[derive(Debug)]
pub enum End {
    /// The connection closed it.
    Closed(CloseReason),
    /// The transport closed it.
    Fault(Fault),
}

/// One client's connection, and all that it needs.
#[derive(Debug)]
pub struct Link {
    /// What stands for the socket.
    pub wire: Wire,
    /// What the first bytes are measured by.
    pub policy: Policy,
    /// The time.
    pub now: Now,
    /// What all connections together may hold.
    pub quotas: Arc<Quotas<Cell<usize>>>,
    /// How it ended, once it did.
    pub end: Option<End>,
    /// The client that a header named and that was not believed.
    pub disbelieved: Option<SocketAddr>,
    /// The requests for the node.
    pub forwarded: Vec<Input>,
    stack: Stack,
    scratch: Scratch,
    view: Arc<RouteView>,
}

impl Link {
    /// A connection of a server in this mode that has sent nothing yet.
    pub fn open(mode: TlsMode, view: &Arc<RouteView>) -> Self {
        let now = Now { monotonic: Instant::from_millis(2_000_000), ..Now::default() };
        let quotas = Quotas::shared(view.limits());
        let peer = Peer { conn: ConnId::new(0, 1), address: CLIENT.into() };
        Self {
            wire: Wire {
                arrived: VecDeque::new(),
                is_ended: false,
                written: Vec::new(),
                read_max: usize::MAX,
                space: usize::MAX,
                space_after_read: None,
                is_awaited: false,
            },
            policy: Policy {
                proxy_protocol: ProxyProtocol::Accept,
                trusted_proxies: None,
                tls: Arc::new(MemoryTls::new(mode)),
            },
            now,
            stack: Stack::open(peer, view, &quotas, now).expect("the first connection"),
            quotas,
            end: None,
            disbelieved: None,
            forwarded: Vec::new(),
            scratch: Scratch::default(),
            view: Arc::clone(view),
        }
    }

    /// The client sends these bytes. Returns whether the connection is open after it dealt with them.
    pub fn receive(&mut self, bytes: &[u8]) -> bool {
        self.wire.arrived.extend(bytes);
        self.settle()
    }

    /// The client ends its side.
    pub fn receive_end(&mut self) -> bool {
        self.wire.is_ended = true;
        self.settle()
    }

    /// As an event loop does that tells of each change once: steps until the connection rests. Returns whether it is
    /// open.
    ///
    /// # Panics
    /// It never rests, or rests although something is to be written that nobody waits for.
    pub fn settle(&mut self) -> bool {
        let ready = &mut self.stack.ready;
        ready.readable = true;
        ready.writable = true;
        ready.read_closed |= self.wire.is_ended;
        for _ in 0..STEPS_MAX {
            if self.end.is_some() {
                return false;
            }
            match self.step() {
                Ok(Next::Again | Next::Retry) => {}
                Ok(Next::Rest) => {
                    let wants_write = self.stack.wants_write();
                    assert!(self.wire.is_awaited || !wants_write, "what is to be written waits for ever: {self:?}");
                    return true;
                }
                Ok(Next::Close(reason)) => self.end = Some(End::Closed(reason)),
                Err(fault) => self.end = Some(End::Fault(fault)),
            }
        }
        panic!("a connection that never rests: {self:?}");
    }

    /// The socket takes more, in an event loop that waits for the next event unless a step can do without: nothing
    /// tells it to read. Returns whether the connection is open.
    pub fn resume(&mut self) -> bool {
        self.stack.ready.writable = true;
        for _ in 0..STEPS_MAX {
            match self.step() {
                Ok(Next::Close(reason)) => self.end = Some(End::Closed(reason)),
                Ok(_) if self.stack.can_resume() => continue,
                Ok(_) => {}
                Err(fault) => self.end = Some(End::Fault(fault)),
            }
            return self.end.is_none();
        }
        panic!("a connection that never rests: {self:?}");
    }

    /// Time passes, and the connection is closed when one of its deadlines is due. Returns whether it is open.
    pub fn advance(&mut self, time: Duration) -> bool {
        let end = self.now.monotonic + time;
        while let Some(due) = self.stack.poll_timeout().filter(|due| *due <= end && self.end.is_none()) {
            self.now.monotonic = self.now.monotonic.max(due);
            if let Some(reason) = self.stack.handle_timeout(self.now) {
                let common = Common { policy: &self.policy, quotas: &self.quotas };
                self.stack.end(&mut self.wire, &mut self.scratch, &common, self.now);
                self.end = Some(End::Closed(reason));
            }
        }
        if self.end.is_none() {
            self.now.monotonic = end;
        }
        self.end.is_none()
    }

    /// Answers come from another view from now on.
    pub fn publish(&mut self, view: Arc<RouteView>) {
        self.view = view;
    }

    /// Where the client is.
    pub fn client(&self) -> ClientAddress {
        self.stack.machine.peer().address
    }

    /// The transport.
    pub const fn transport(&self) -> &Transport {
        self.stack.transport()
    }

    /// The connection.
    pub const fn machine(&mut self) -> &mut Connection {
        &mut self.stack.machine
    }

    /// Takes what the server wrote.
    pub fn take_written(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.wire.written)
    }

    fn step(&mut self) -> Result<Next, Fault> {
        let Self { wire, policy, now, quotas, stack, scratch, view, .. } = self;
        let stepped = stack.drive(wire, scratch, &Common { policy, quotas }, || &*view, *now);
        self.disbelieved = self.disbelieved.or(stepped.disbelieved);
        while let Some(input) = stack.machine.poll_forward() {
            if let Input::Frame { frame, .. } = &input {
                quotas.queue().release(1, frame.len());
            }
            self.forwarded.push(input);
        }
        stepped.next.map_err(|error| match error {
            TransportError::Stream(never) => match never {},
            TransportError::Fault(fault) => fault,
        })
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.stack.close(&self.quotas);
    }
}

/// A wire cannot fail.
#[derive(Clone, Copy, Debug)]
pub enum Never {}

impl Stream for Wire {
    type Error = Never;

    fn read(&mut self, buffer: &mut [u8]) -> Result<Read<usize>, Never> {
        self.space = self.space_after_read.take().unwrap_or(self.space);
        let length = buffer.len().min(self.read_max).min(self.arrived.len());
        if length == 0 {
            return Ok(if self.is_ended { Read::Eof } else { Read::Nothing });
        }
        for (space, byte) in buffer.iter_mut().zip(self.arrived.drain(..length)) {
            *space = byte;
        }
        Ok(Read::Bytes(length))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<Written, Never> {
        let length = bytes.len().min(self.space);
        self.is_awaited = length == 0;
        if length == 0 {
            return Ok(Written::Blocked);
        }
        self.space -= length;
        self.written.extend_from_slice(&bytes[..length]);
        Ok(Written::Bytes(length))
    }

    fn write_vectored(&mut self, slices: &[&[u8]]) -> Result<Written, Never> {
        self.write(&slices.concat())
    }
}

/// Takes what a TLS client has to send.
pub fn outgoing(client: &mut ClientConnection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut bytes).expect("a vector takes all");
    }
    bytes
}

/// Takes what a TLS client sends for this plaintext.
pub fn seal(client: &mut ClientConnection, plaintext: &[u8]) -> Vec<u8> {
    client.writer().write_all(plaintext).expect("the client takes all");
    outgoing(client)
}

/// Hands a TLS client what the server wrote. Returns the plaintext.
///
/// # Errors
/// It is no TLS, or an alert.
pub fn incoming(client: &mut ClientConnection, mut bytes: &[u8]) -> Result<Vec<u8>, rustls::Error> {
    let mut plaintext = Vec::new();
    while !bytes.is_empty() {
        client.read_tls(&mut bytes).expect("a slice can be read");
        let state = client.process_new_packets()?;
        let mut more = vec![0; state.plaintext_bytes_to_read()];
        client.reader().read_exact(&mut more).expect("as many bytes as it says");
        plaintext.extend(more);
    }
    Ok(plaintext)
}

/// Does the handshake of a client.
pub fn shake_hands(client: &mut ClientConnection, link: &mut Link) {
    for _ in 0..10 {
        let sent = outgoing(client);
        assert!(link.receive(&sent), "{:?}", link.end);
        let written = link.take_written();
        assert_eq!(incoming(client, &written).expect("a handshake"), b"");
        if !client.is_handshaking() && !client.wants_write() {
            return;
        }
    }
    panic!("a handshake without an end");
}

/// Sends plaintext and returns what is answered.
pub fn ask(client: &mut ClientConnection, link: &mut Link, plaintext: &[u8]) -> Vec<u8> {
    let sent = seal(client, plaintext);
    link.receive(&sent);
    let written = link.take_written();
    incoming(client, &written).expect("records")
}
