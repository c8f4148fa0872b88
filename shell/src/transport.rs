//! The layer between a socket and its connection: a PROXY header, then TLS or plain text.
//!
//! The first bytes decide, once (Java: `NettyRemotingServer.TlsModeHandler.channelRead0`). A [`Transport`] belongs to
//! one connection, which a [`Stack`](crate::stack::Stack) drives over it. Plain text passes unchanged.

mod buffers;
mod encoder;
mod fault;
mod first_bytes;
mod lent;
mod policy;
mod reservation;
mod session;

pub use fault::{Fault, TransportError};
pub use policy::{Handshakes, Policy, ProxyProtocol};

pub(crate) use buffers::Buffers;
pub(crate) use lent::Lent;

use first_bytes::FirstBytes;
use namesrv_core::ClientAddress;
use namesrv_core::connection::{Read, Stream, Written};
use namesrv_core::quota::{Counter, Quotas};
use namesrv_core::time::{Duration, Instant};
use session::Session;
use std::net::SocketAddr;

/// How long a PROXY header may take, and then a TLS handshake. Java gives handshakes the same time.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);

/// The transport of one connection.
///
/// It holds a share of the quota of incomplete input: call [`close`](Self::close) before dropping it.
#[derive(Debug, Default)]
pub struct Transport {
    state: State,
}

#[derive(Debug)]
enum State {
    Undecided(FirstBytes),
    Plain,
    Tls(Box<Session>),
}

impl Default for State {
    fn default() -> Self {
        Self::Undecided(FirstBytes::default())
    }
}

impl Transport {
    /// Returns the transport as a stream around the stream of the socket, for one step.
    pub(crate) const fn over<'a, S, C>(&'a mut self, stream: &'a mut S, lent: Lent<'a, C>) -> Layer<'a, S, C> {
        Layer { transport: self, stream, lent, named: None, disbelieved: None, is_full: false }
    }

    /// Returns when to close the connection because a header or handshake is incomplete, or `None` for never.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let since = match &self.state {
            State::Undecided(first) => first.since(),
            State::Plain => None,
            State::Tls(session) => session.handshake_since(),
        };
        since.map(|since| since + HANDSHAKE_TIME_MAX)
    }

    /// Whether a TLS handshake has begun but is not complete.
    #[must_use]
    pub fn is_handshaking(&self) -> bool {
        match &self.state {
            State::Undecided(_) | State::Plain => false,
            State::Tls(session) => session.handshake_since().is_some(),
        }
    }

    /// Whether the first bytes have decided, so that further bytes are for the connection.
    #[must_use]
    pub const fn is_decided(&self) -> bool {
        !matches!(self.state, State::Undecided(_))
    }

    /// Whether a read may return something although the socket has nothing.
    #[must_use]
    pub fn has_more(&self) -> bool {
        match &self.state {
            State::Undecided(_) | State::Plain => false,
            State::Tls(session) => session.has_more(),
        }
    }

    /// Whether bytes other than the connection's output wait for the socket.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        match &self.state {
            State::Undecided(_) | State::Plain => false,
            State::Tls(session) => session.wants_write(),
        }
    }

    /// Returns its share of the quota.
    pub fn close<C: Counter>(&mut self, quotas: &Quotas<C>) {
        match &mut self.state {
            State::Undecided(first) => first.close(quotas),
            State::Plain => {}
            State::Tls(session) => session.close(quotas),
        }
    }
}

/// A [`Transport`] around the stream of its socket.
#[derive(Debug)]
pub(crate) struct Layer<'a, S, C> {
    transport: &'a mut Transport,
    stream: &'a mut S,
    lent: Lent<'a, C>,
    /// The client that a trusted proxy named in this step.
    named: Option<ClientAddress>,
    disbelieved: Option<SocketAddr>,
    /// Whether the socket may have more, although the read did not fill the buffer of the connection.
    is_full: bool,
}

impl<S: Stream, C: Counter> Layer<'_, S, C> {
    /// Writes waiting bytes that are not the connection's output. Returns false if the socket takes no more.
    ///
    /// # Errors
    /// Those of the socket.
    pub(crate) fn flush(&mut self) -> Result<bool, S::Error> {
        match &mut self.transport.state {
            State::Undecided(_) | State::Plain => Ok(true),
            State::Tls(session) => session.flush(self.stream),
        }
    }

    /// Tells the client that nothing more follows, unless the socket takes nothing now.
    ///
    /// # Errors
    /// Those of the socket.
    pub(crate) fn end(&mut self) -> Result<(), S::Error> {
        match &mut self.transport.state {
            State::Undecided(_) | State::Plain => Ok(()),
            State::Tls(session) => session.end(self.stream, self.lent.buffers),
        }
    }

    /// Returns the client that a PROXY header in this step named, if the peer is not trusted to name one.
    #[must_use]
    pub(crate) const fn disbelieved(&self) -> Option<SocketAddr> {
        self.disbelieved
    }

    /// Reads until the first bytes have decided or nothing more has arrived.
    #[cold]
    fn read_first(&mut self, buffer: &mut [u8]) -> Result<Read<usize>, TransportError<S::Error>> {
        let State::Undecided(first) = &mut self.transport.state else { return Ok(Read::Nothing) };
        // What was kept may turn out to be no header. It has to fit into the buffer too: up to 11 bytes.
        let opening = match first.read(self.stream, buffer.len() / 2, &mut self.lent)? {
            Read::Bytes(opening) => opening,
            Read::Eof => return Ok(Read::Eof),
            Read::Nothing => return Ok(Read::Nothing),
        };
        match opening.client {
            Some(client) if self.lent.policy.trusts(self.lent.client) => {
                self.named = Some(self.lent.client.behind(client));
            }
            client => self.disbelieved = client,
        }
        let rest = self.lent.buffers.input().get(opening.rest).unwrap_or_default();
        if opening.is_tls {
            let config = self.lent.policy.tls.server_config().ok_or(Fault::TlsIsDisabled)?;
            let session = Session::begin(config, rest, self.lent.now)?;
            self.transport.state = State::Tls(Box::new(session));
            return self.read(buffer);
        }
        self.transport.state = State::Plain;
        self.is_full = opening.is_full;
        let length = rest.len();
        buffer.get_mut(..length).unwrap_or_default().copy_from_slice(rest);
        Ok(Read::Bytes(length))
    }
}

impl<S: Stream, C: Counter> Stream for Layer<'_, S, C> {
    type Error = TransportError<S::Error>;

    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> Result<Read<usize>, Self::Error> {
        match &mut self.transport.state {
            State::Plain => self.stream.read(buffer).map_err(TransportError::Stream),
            State::Tls(session) => session.read(self.stream, buffer, &mut self.lent),
            State::Undecided(_) => self.read_first(buffer),
        }
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<Written, Self::Error> {
        match &mut self.transport.state {
            State::Plain => self.stream.write(bytes).map_err(TransportError::Stream),
            State::Tls(session) => session.write(self.stream, &[bytes], self.lent.buffers),
            State::Undecided(_) => Ok(Written::Blocked),
        }
    }

    #[inline]
    fn write_vectored(&mut self, slices: &[&[u8]]) -> Result<Written, Self::Error> {
        match &mut self.transport.state {
            State::Plain => self.stream.write_vectored(slices).map_err(TransportError::Stream),
            State::Tls(session) => session.write(self.stream, slices, self.lent.buffers),
            State::Undecided(_) => Ok(Written::Blocked),
        }
    }

    fn has_more(&self) -> bool {
        self.is_full || self.transport.has_more() || self.stream.has_more()
    }

    fn take_client(&mut self) -> Option<ClientAddress> {
        self.named.take()
    }
}
