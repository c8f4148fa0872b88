//! One connection of the load generator: its requests and the answers that are still missing.

use crate::question::{Ask, Belongs, Expected, OPAQUE_MIN, OPAQUES, Question, SAMPLE};
use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use namesrv_tests::stream::{FRAME_BYTES_MAX, begin_to_connect};
use namesrv_tests::transport;
use rustls::{ClientConnection, HandshakeKind};
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A connection of a client.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    /// `None` for plain text.
    tls: Option<Box<ClientConnection>>,
    /// Requests that are not encrypted yet.
    plaintext: Vec<u8>,
    /// Output; the bytes from `written` on are not written yet.
    outgoing: Vec<u8>,
    written: usize,
    /// The beginning of a frame whose end is missing.
    partial: Vec<u8>,
    in_flight: VecDeque<InFlight>,
    sequence: u32,
}

#[derive(Clone, Copy, Debug)]
struct InFlight {
    opaque: u32,
    class: usize,
    /// When the request was due, measured from the start of the run.
    intended: Duration,
}

/// Checks answers and records their latencies.
pub(crate) struct Judge<'a> {
    pub(crate) expected: &'a Expected,
    /// In nanoseconds.
    pub(crate) latencies: Histogram<u64>,
    pub(crate) answers: u64,
}

impl Connection {
    /// Begins to connect without waiting. Requests made before are sent once the connection is open.
    pub(crate) fn open(address: SocketAddr, tls: Option<ClientConnection>) -> Result<Self> {
        Ok(Self {
            stream: begin_to_connect(address).context("cannot connect")?,
            tls: tls.map(Box::new),
            plaintext: Vec::new(),
            outgoing: Vec::new(),
            written: 0,
            partial: Vec::new(),
            in_flight: VecDeque::new(),
            sequence: 0,
        })
    }

    /// Queues a request; [`Connection::flush`] sends it.
    pub(crate) fn ask(&mut self, question: &Question, (ask, topic): (Ask, usize), intended: Duration) {
        let opaque = OPAQUE_MIN + self.sequence;
        self.sequence = (self.sequence + 1) % OPAQUES;
        let frames = if self.tls.is_some() { &mut self.plaintext } else { &mut self.outgoing };
        question.write(ask, topic, opaque, frames);
        self.in_flight.push_back(InFlight { opaque, class: ask.class(topic), intended });
    }

    /// Returns the number of requests that are not answered yet.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Returns how the session began, once that is known.
    pub(crate) fn handshake_kind(&self) -> Option<HandshakeKind> {
        self.tls.as_ref()?.handshake_kind()
    }

    /// Encrypts the queued requests now rather than in [`Connection::flush`].
    pub(crate) fn encrypt(&mut self) -> Result<()> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        tls.writer().write_all(&self.plaintext)?;
        self.plaintext.clear();
        self.outgoing.extend(transport::outgoing(tls));
        Ok(())
    }

    /// Whether there is something to write.
    pub(crate) fn wants_write(&self) -> bool {
        self.written < self.outgoing.len() || !self.plaintext.is_empty()
    }

    /// Ends the session, if the socket accepts the bytes for it.
    pub(crate) fn close(mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            // The server may have closed the connection first.
            let _ = self.flush();
        }
    }

    /// Writes what the socket accepts. Returns whether that was everything.
    pub(crate) fn flush(&mut self) -> Result<bool> {
        self.encrypt()?;
        while let Some(rest) = self.outgoing.get(self.written..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(written) => self.written += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("cannot write to the server"),
            }
        }
        self.outgoing.clear();
        self.written = 0;
        Ok(true)
    }

    /// Reads once and checks all complete answers. Over TLS, there may be something to write afterwards.
    pub(crate) fn receive(&mut self, scratch: &mut [u8], now: Duration, judge: &mut Judge<'_>) -> Result<()> {
        let read = match self.stream.read(scratch) {
            Ok(0) => bail!("the server closed a connection"),
            Ok(read) => read,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => return Ok(()),
            Err(error) => return Err(error).context("cannot read from the server"),
        };
        let arrived = scratch.get(..read).unwrap_or_default();
        let Some(tls) = &mut self.tls else { return self.judge_arrived(arrived, now, judge) };
        let plaintext = transport::incoming(tls, arrived).context("the server breaks the TLS protocol")?;
        self.outgoing.extend(transport::outgoing(tls));
        self.judge_arrived(&plaintext, now, judge)
    }

    fn judge_arrived(&mut self, arrived: &[u8], now: Duration, judge: &mut Judge<'_>) -> Result<()> {
        if self.partial.is_empty() {
            let used = self.judge_all(arrived, now, judge)?;
            self.partial.extend_from_slice(arrived.get(used..).unwrap_or_default());
        } else {
            let mut all = std::mem::take(&mut self.partial);
            all.extend_from_slice(arrived);
            let used = self.judge_all(&all, now, judge)?;
            all.drain(..used);
            self.partial = all;
        }
        Ok(())
    }

    /// Checks the complete frames. Returns how many bytes they have.
    fn judge_all(&mut self, bytes: &[u8], now: Duration, judge: &mut Judge<'_>) -> Result<usize> {
        let mut used = 0;
        while let Some(length) = bytes.get(used..).and_then(|rest| rest.first_chunk::<4>()) {
            let length = 4 + u32::from_be_bytes(*length) as usize;
            anyhow::ensure!(length <= 4 + FRAME_BYTES_MAX, "a frame of {length} bytes");
            let Some(frame) = bytes.get(used..used + length) else { break };
            self.judge(frame, now, judge)?;
            used += length;
        }
        Ok(used)
    }

    fn judge(&mut self, frame: &[u8], now: Duration, judge: &mut Judge<'_>) -> Result<()> {
        let position = match judge.expected.belongs(frame)? {
            Belongs::ToOldest => 0,
            Belongs::To(opaque) => {
                self.in_flight.iter().position(|request| request.opaque == opaque).with_context(|| {
                    format!("an answer to request {opaque}, which was not sent or is answered already")
                })?
            }
        };
        let request = self.in_flight.remove(position).context("an answer without a request")?;
        judge.expected.check(frame, request.class)?;
        judge.answers += 1;
        if judge.answers % SAMPLE == 1 {
            judge.expected.compare(frame, request.class)?;
        }
        let latency = now.saturating_sub(request.intended).as_nanos();
        judge.latencies.saturating_record(u64::try_from(latency).unwrap_or(u64::MAX));
        Ok(())
    }
}
