//! The first bytes of a connection, until they turn out to be a PROXY header, TLS or plain text.

use super::fault::{Fault, TransportError};
use super::lent::Lent;
use super::policy::{Policy, ProxyProtocol};
use super::reservation::Reservation;
use crate::tls::TlsMode;
use namesrv_core::connection::{Read, Stream};
use namesrv_core::quota::{Counter, Quotas};
use namesrv_core::time::Instant;
use namesrv_core::wire::{ProxyFraming, proxy_header};
use std::net::SocketAddr;
use std::ops::Range;

/// The first byte of a TLS record with a handshake. A frame with this first byte would have more than 350 MB.
const TLS_HANDSHAKE: u8 = 0x16;

/// First bytes that have not decided yet. It owns no memory while there are none.
#[derive(Debug, Default)]
pub(super) struct FirstBytes(Option<Box<Header>>);

/// A PROXY header.
#[derive(Debug, Default)]
struct Header {
    /// The bytes received so far; empty once the header is complete.
    incomplete: Vec<u8>,
    reservation: Reservation,
    /// When its first byte arrived; `None` once it is complete.
    since: Option<Instant>,
    /// The client that it names.
    client: Option<SocketAddr>,
}

/// The outcome of the first bytes.
pub(super) struct Opening {
    /// Whether the client begins a TLS handshake.
    pub(super) is_tls: bool,
    /// Where the input has the bytes after the PROXY header. There is at least one.
    pub(super) rest: Range<usize>,
    /// The client that the PROXY header names.
    pub(super) client: Option<SocketAddr>,
    /// Whether the read was as long as allowed, so that the socket may have more.
    pub(super) is_full: bool,
}

impl FirstBytes {
    /// Returns when the first byte of an incomplete header arrived.
    pub(super) fn since(&self) -> Option<Instant> {
        self.0.as_ref().and_then(|header| header.since)
    }

    /// Reads, up to `read_bytes` at once, until there are bytes after the header or nothing more has arrived.
    pub(super) fn read<S: Stream, C: Counter>(
        &mut self,
        stream: &mut S,
        read_bytes: usize,
        lent: &mut Lent<'_, C>,
    ) -> Result<Read<Opening>, TransportError<S::Error>> {
        loop {
            let kept = self.0.as_ref().map_or(&[][..], |header| &header.incomplete);
            let start = kept.len();
            let (input, _) = lent.buffers.with_input(kept, read_bytes);
            let arrived =
                match stream.read(input.get_mut(start..).unwrap_or_default()).map_err(TransportError::Stream)? {
                    Read::Bytes(bytes) => bytes,
                    Read::Eof => return Ok(Read::Eof),
                    Read::Nothing => return Ok(Read::Nothing),
                };
            let input = input.get(..start + arrived).unwrap_or_default();
            let Some(behind) = self.take_header(input, lent.policy, lent.quotas, lent.now)? else { continue };
            if let Some(first) = input.get(behind) {
                let is_tls = is_tls(*first, lent.policy.tls.mode())?;
                let client = self.0.take().and_then(|header| header.client);
                let is_full = arrived == read_bytes;
                return Ok(Read::Bytes(Opening { is_tls, rest: behind..input.len(), client, is_full }));
            }
        }
    }

    /// Returns its share of the quota.
    pub(super) fn close<C: Counter>(&mut self, quotas: &Quotas<C>) {
        if let Some(mut header) = self.0.take() {
            header.reservation.release(quotas);
        }
    }

    /// Takes a header, if there is one, from the front of `input`. Returns where it ends, or `None` if it is incomplete
    /// and was kept.
    fn take_header<C: Counter>(
        &mut self,
        input: &[u8],
        policy: &Policy,
        quotas: &Quotas<C>,
        now: Instant,
    ) -> Result<Option<usize>, Fault> {
        let is_over = self.0.as_ref().is_some_and(|header| header.since.is_none());
        if is_over || policy.proxy_protocol == ProxyProtocol::Off {
            return Ok(Some(0));
        }
        match proxy_header(input)? {
            ProxyFraming::Other if policy.proxy_protocol == ProxyProtocol::Require => Err(Fault::NoProxyHeader),
            ProxyFraming::Other => {
                self.close(quotas);
                Ok(Some(0))
            }
            ProxyFraming::Incomplete => {
                let header = self.0.get_or_insert_default();
                header.reservation.change(input.len(), quotas)?;
                header.incomplete = input.to_vec();
                header.since.get_or_insert(now);
                Ok(None)
            }
            ProxyFraming::Complete { length, client } => {
                let header = self.0.get_or_insert_default();
                header.reservation.release(quotas);
                **header = Header { client, ..Header::default() };
                Ok(Some(length))
            }
        }
    }
}

/// Whether a connection uses TLS: its first byte says so, and the mode must allow it.
fn is_tls(first: u8, mode: TlsMode) -> Result<bool, Fault> {
    match (mode, first == TLS_HANDSHAKE) {
        (TlsMode::Disabled, true) => Err(Fault::TlsIsDisabled),
        (TlsMode::Enforcing, false) => Err(Fault::PlainText),
        (TlsMode::Disabled | TlsMode::Permissive | TlsMode::Enforcing, is_tls) => Ok(is_tls),
    }
}
