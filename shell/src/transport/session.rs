//! A TLS connection: rustls without its own buffers, between the bytes of the socket and those of the connection.

use super::buffers::{Buffers, Output};
use super::encoder::{self, Traffic};
use super::fault::{Fault, TransportError};
use super::lent::Lent;
use super::reservation::Reservation;
use namesrv_core::connection::{READ_BYTES_MAX, Read, Stream, Written};
use namesrv_core::quota::{Counter, Quotas};
use namesrv_core::time::Instant;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, UnbufferedStatus};
use rustls::{Error, ServerConfig};
use std::sync::Arc;
use std::{fmt, mem};

/// The most bytes that a client may send before its handshake is complete: enough for a long certificate chain.
const HANDSHAKE_BYTES_MAX: usize = 128 * 1024;
/// What a handshake counts in the quota of incomplete input, in addition to its kept bytes.
const HANDSHAKE_MEMORY: usize = 16 * 1024;
/// The most plaintext that is encrypted for one write: as many records as the socket may take at once.
const WRITE_BYTES_MAX: usize = 64 * 1024;
/// The fewest bytes of a read, however many are kept.
const READ_BYTES_MIN: usize = 4 * 1024;
/// The most reads without plaintext in one step.
const READS_MAX: usize = 16;
/// Bytes of the longest record that rustls accepts: the header, the content, and the overhead of TLS 1.2.
const RECORD_BYTES_MAX: usize = 5 + 16 * 1024 + 2048;
// What one read brings together with an incomplete record fits into the buffer of every connection.
const _: () = assert!(RECORD_BYTES_MAX + READ_BYTES_MIN <= READ_BYTES_MAX);

/// One TLS connection. When idle, it owns only the state of rustls.
pub(super) struct Session {
    tls: UnbufferedServerConnection,
    /// Ciphertext of an incomplete record or handshake message. rustls has decrypted part of it in place.
    incomplete: Vec<u8>,
    /// Whether `incomplete` was not passed to rustls yet.
    is_fresh: bool,
    /// Ciphertext that the socket has not taken yet.
    outgoing: Vec<u8>,
    /// Bytes of the connection's output that are in `outgoing`. They count as written once the socket has taken all of
    /// it; until then the connection counts them as unread.
    unreported: usize,
    /// `None` once the handshake is complete.
    handshake: Option<Handshake>,
    /// Whether the client announced that it sends nothing more.
    is_peer_done: bool,
    has_more: bool,
    reservation: Reservation,
}

#[derive(Debug)]
struct Handshake {
    since: Instant,
    /// Bytes from the client.
    bytes: usize,
}

/// The result of passing some input to rustls.
struct Processed {
    /// Bytes of the input that were consumed.
    consumed: usize,
    /// Bytes of decrypted plaintext.
    plaintext: usize,
}

impl Session {
    /// Begins a handshake whose first bytes are `first`.
    pub(super) fn begin(config: Arc<ServerConfig>, first: &[u8], now: Instant) -> Result<Self, Fault> {
        Ok(Self {
            tls: UnbufferedServerConnection::new(config).map_err(Fault::Handshake)?,
            incomplete: first.to_vec(),
            is_fresh: true,
            outgoing: Vec::new(),
            unreported: 0,
            handshake: Some(Handshake { since: now, bytes: first.len() }),
            is_peer_done: false,
            has_more: false,
            reservation: Reservation::default(),
        })
    }

    /// Returns when the handshake began, or `None` if it is complete.
    pub(super) fn handshake_since(&self) -> Option<Instant> {
        self.handshake.as_ref().map(|handshake| handshake.since)
    }

    pub(super) const fn has_more(&self) -> bool {
        self.has_more
    }

    /// Whether bytes other than the connection's output wait for the socket.
    pub(super) const fn wants_write(&self) -> bool {
        !self.outgoing.is_empty() && self.unreported == 0
    }

    /// Returns its share of the quota.
    pub(super) fn close<C: Counter>(&mut self, quotas: &Quotas<C>) {
        self.reservation.release(quotas);
    }

    /// Reads until there is plaintext or nothing more has arrived. `buffer` must have room for one read.
    pub(super) fn read<S: Stream, C: Counter>(
        &mut self,
        stream: &mut S,
        buffer: &mut [u8],
        lent: &mut Lent<'_, C>,
    ) -> Result<Read<usize>, TransportError<S::Error>> {
        self.has_more = false;
        for _ in 0..READS_MAX {
            if self.is_peer_done {
                return Ok(Read::Eof);
            }
            let kept = self.incomplete.len();
            let space = buffer.len().saturating_sub(kept).max(READ_BYTES_MIN);
            let (input, output) = lent.buffers.with_input(&self.incomplete, space);
            let arrived = if mem::take(&mut self.is_fresh) {
                0
            } else {
                match stream.read(input.get_mut(kept..).unwrap_or_default()).map_err(TransportError::Stream)? {
                    Read::Bytes(bytes) => bytes,
                    Read::Eof if self.handshake.is_some() => return Err(Fault::HandshakeEnded.into()),
                    Read::Eof => return Ok(Read::Eof),
                    Read::Nothing => return Ok(Read::Nothing),
                }
            };
            let input = input.get_mut(..kept + arrived).unwrap_or_default();
            output.clear();
            let processed = self.process(input, buffer, output);
            let sent = self.reply(stream, output.filled(), processed.is_err());
            let Processed { consumed, plaintext } = processed?;
            sent.map_err(TransportError::Stream)?;
            if self.handshake.is_some() && !self.tls.is_handshaking() {
                self.handshake = None;
                lent.policy.tls.note(self.tls.handshake_kind().into());
            }
            self.keep(input.get(consumed..).unwrap_or_default(), arrived, lent.quotas)?;
            if plaintext > 0 {
                self.has_more = arrived == space || self.is_peer_done;
                return Ok(Read::Bytes(plaintext));
            }
        }
        self.has_more = true;
        Ok(Read::Nothing)
    }

    /// Encrypts the front of the connection's output and writes it. The bytes that it reports as written are at the
    /// front of `slices`.
    pub(super) fn write<S: Stream>(
        &mut self,
        stream: &mut S,
        slices: &[&[u8]],
        buffers: &mut Buffers,
    ) -> Result<Written, TransportError<S::Error>> {
        if !self.flush(stream).map_err(TransportError::Stream)? {
            return Ok(Written::Blocked);
        }
        if self.unreported > 0 {
            return Ok(Written::Bytes(mem::take(&mut self.unreported)));
        }
        let Buffers { output, gathered, .. } = buffers;
        let plaintext = gather(slices, gathered);
        output.clear();
        let encrypted = self.add_traffic(output, |output, traffic| encoder::encrypt(output, traffic, plaintext));
        if !encrypted.map_err(Fault::Tls)? {
            return Ok(Written::Blocked);
        }
        if self.send(stream, output.filled()).map_err(TransportError::Stream)? {
            return Ok(Written::Bytes(plaintext.len()));
        }
        self.unreported = plaintext.len();
        Ok(Written::Blocked)
    }

    /// Writes what waits for the socket. Returns false if the socket takes no more.
    pub(super) fn flush<S: Stream>(&mut self, stream: &mut S) -> Result<bool, S::Error> {
        if self.outgoing.is_empty() {
            return Ok(true);
        }
        let written = write(stream, &self.outgoing)?;
        self.outgoing.drain(..written);
        if self.outgoing.is_empty() {
            self.outgoing = Vec::new();
        }
        Ok(self.outgoing.is_empty())
    }

    /// Tells the client that nothing more follows. Does nothing if the handshake is not complete or the socket takes
    /// nothing.
    pub(super) fn end<S: Stream>(&mut self, stream: &mut S, buffers: &mut Buffers) -> Result<(), S::Error> {
        if self.handshake.is_some() || !self.flush(stream)? {
            return Ok(());
        }
        let output = &mut buffers.output;
        output.clear();
        // This fails if the keys are used up, and then no message is possible.
        let _ = self.add_traffic(output, encoder::close_notify);
        self.send(stream, output.filled())?;
        Ok(())
    }

    /// Passes `input` to rustls: appends plaintext to `buffer` and bytes to send to `output`. After an error, these
    /// bytes may be an alert.
    fn process(&mut self, input: &mut [u8], buffer: &mut [u8], output: &mut Output) -> Result<Processed, Fault> {
        let mut processed = Processed { consumed: 0, plaintext: 0 };
        loop {
            let rest = input.get_mut(processed.consumed..).unwrap_or_default();
            let UnbufferedStatus { mut discard, state } = self.tls.process_tls_records(rest);
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record.map_err(Fault::Tls)?;
                        let end = processed.plaintext + record.payload.len();
                        let space = buffer.get_mut(processed.plaintext..end);
                        debug_assert!(space.is_some(), "{end} bytes of plaintext for {} bytes", buffer.len());
                        space.ok_or(Fault::Tls(Error::DecryptError))?.copy_from_slice(record.payload);
                        processed.plaintext = end;
                        discard += record.discard;
                    }
                }
                // The server never offers early data, so no client may send it.
                Ok(ConnectionState::ReadEarlyData(mut early)) => while early.next_record().is_some() {},
                Ok(ConnectionState::EncodeTlsData(data)) => encoder::encode(output, data),
                Ok(ConnectionState::TransmitTlsData(sent)) => sent.done(),
                Ok(ConnectionState::PeerClosed) => self.is_peer_done = true,
                Ok(ConnectionState::WriteTraffic(_) | ConnectionState::BlockedHandshake | ConnectionState::Closed) => {
                    processed.consumed += discard;
                    return Ok(processed);
                }
                Ok(_) => return Err(Fault::Tls(Error::General("unknown state".to_owned()))),
                Err(error) => {
                    processed.consumed += discard;
                    self.take_alerts(input.get_mut(processed.consumed..).unwrap_or_default(), output);
                    return Err(if self.handshake.is_some() { Fault::Handshake(error) } else { Fault::Tls(error) });
                }
            }
            processed.consumed += discard;
        }
    }

    /// Takes only the bytes that rustls must still send after an error. Further calls would continue with the input
    /// that failed.
    fn take_alerts(&mut self, input: &mut [u8], output: &mut Output) {
        while self.tls.wants_write() {
            match self.tls.process_tls_records(input).state {
                Ok(ConnectionState::EncodeTlsData(data)) => encoder::encode(output, data),
                Ok(_) | Err(_) => return,
            }
        }
    }

    /// Calls `add` to append to `output`, behind the bytes that rustls itself must send. Returns false while the
    /// handshake does not allow it.
    fn add_traffic(
        &mut self,
        output: &mut Output,
        add: impl FnOnce(&mut Output, Traffic<'_>) -> Result<(), Error>,
    ) -> Result<bool, Error> {
        loop {
            let UnbufferedStatus { discard, state } = self.tls.process_tls_records(&mut self.incomplete);
            debug_assert_eq!(discard, 0, "input was left undone");
            match state? {
                ConnectionState::WriteTraffic(traffic) => return add(output, traffic).map(|()| true),
                ConnectionState::EncodeTlsData(data) => encoder::encode(output, data),
                ConnectionState::TransmitTlsData(sent) => sent.done(),
                ConnectionState::PeerClosed => self.is_peer_done = true,
                ConnectionState::BlockedHandshake
                | ConnectionState::Closed
                | ConnectionState::ReadTraffic(_)
                | ConnectionState::ReadEarlyData(_) => return Ok(false),
                _ => return Err(Error::General("unknown state".to_owned())),
            }
        }
    }

    /// Sends the bytes with which rustls responds to some input.
    ///
    /// While bytes wait for the socket, it writes nothing, unless the connection `ends`. The driver waits until the
    /// socket takes more, and would wait forever if this wrote the waiting bytes.
    fn reply<S: Stream>(&mut self, stream: &mut S, ciphertext: &[u8], ends: bool) -> Result<(), S::Error> {
        if self.outgoing.is_empty() || ends {
            return self.send(stream, ciphertext).map(drop);
        }
        self.outgoing.extend_from_slice(ciphertext);
        Ok(())
    }

    /// Writes `ciphertext` behind the waiting bytes, and keeps what the socket does not take. Returns whether it took
    /// all.
    fn send<S: Stream>(&mut self, stream: &mut S, ciphertext: &[u8]) -> Result<bool, S::Error> {
        let mut rest = ciphertext;
        if self.flush(stream)? {
            rest = rest.get(write(stream, rest)?..).unwrap_or_default();
        }
        self.outgoing.extend_from_slice(rest);
        Ok(self.outgoing.is_empty())
    }

    /// Keeps incomplete input, within the limits.
    fn keep<C: Counter>(&mut self, rest: &[u8], arrived: usize, quotas: &Quotas<C>) -> Result<(), Fault> {
        let mut memory = rest.len();
        if let Some(handshake) = &mut self.handshake {
            handshake.bytes += arrived;
            if handshake.bytes > HANDSHAKE_BYTES_MAX {
                return Err(Fault::HandshakeTooLong(HANDSHAKE_BYTES_MAX));
            }
            memory += HANDSHAKE_MEMORY;
        }
        self.reservation.change(memory, quotas)?;
        self.incomplete = rest.to_vec();
        Ok(())
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("handshake", &self.handshake).finish_non_exhaustive()
    }
}

/// Writes as much as the socket takes. Returns the number of bytes.
fn write<S: Stream>(stream: &mut S, bytes: &[u8]) -> Result<usize, S::Error> {
    let mut written = 0;
    while written < bytes.len() {
        match stream.write(bytes.get(written..).unwrap_or_default())? {
            Written::Bytes(more) => written += more,
            Written::Blocked => break,
        }
    }
    Ok(written)
}

/// Returns the front of the slices, as much as is encrypted at once. Copies only if there are several slices.
fn gather<'a>(slices: &[&'a [u8]], gathered: &'a mut Vec<u8>) -> &'a [u8] {
    if let [single] = slices {
        return single.get(..WRITE_BYTES_MAX).unwrap_or(single);
    }
    gathered.clear();
    for slice in slices {
        let space = WRITE_BYTES_MAX - gathered.len();
        gathered.extend_from_slice(slice.get(..space).unwrap_or(slice));
    }
    gathered
}
