//! A socket of a NameServer as its connection sees it: it takes few bytes, brings few, and refuses writes now and then.

use super::network::{End, Ending, Network, Socket};
use fastrand::Rng;
use namesrv_core::connection::{Read, Stream, Written};

/// Bytes that a socket takes before its peer has read them.
const SOCKET_BYTES: usize = 4 * 1024;
/// Bytes that one read of a socket brings at most.
const READ_BYTES: usize = 512;
/// So many of 256 writes are refused by a socket that takes bytes again a moment later.
const REFUSED_OF_256: u8 = 16;

/// A socket as a connection sees it.
pub(super) struct VirtualStream<'a> {
    network: &'a mut Network,
    random: &'a mut Rng,
    socket: Socket,
    /// What was written to it, to be sent.
    pub(super) sent: Vec<u8>,
    /// Whether a write was refused although the socket had room.
    pub(super) was_refused: bool,
}

/// The socket was reset.
#[derive(Debug)]
pub(super) struct WasReset;

impl<'a> VirtualStream<'a> {
    pub(super) const fn new(network: &'a mut Network, random: &'a mut Rng, socket: Socket) -> Self {
        Self { network, random, socket, sent: Vec::new(), was_refused: false }
    }
}

impl Stream for VirtualStream<'_> {
    type Error = WasReset;

    fn read(&mut self, buffer: &mut [u8]) -> Result<Read<usize>, WasReset> {
        let (bytes, ending) = self.network.receive_some(self.socket, buffer.len().min(READ_BYTES));
        buffer[..bytes.len()].copy_from_slice(&bytes);
        match ending {
            _ if !bytes.is_empty() => Ok(Read::Bytes(bytes.len())),
            Some(Ending::Fin) => Ok(Read::Eof),
            Some(Ending::Reset) => Err(WasReset),
            None => Ok(Read::Nothing),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<Written, WasReset> {
        if self.network.end(self.socket).is_none_or(End::was_reset) {
            return Err(WasReset);
        }
        let room = SOCKET_BYTES.saturating_sub(self.network.unread_by_other(self.socket) + self.sent.len());
        let is_refused = room > 0 && self.random.u8(..) < REFUSED_OF_256;
        self.was_refused |= is_refused;
        let end = self.network.end_mut(self.socket).ok_or(WasReset)?;
        // As a driver that is told by the last write what to wait for.
        end.is_blocked = room == 0 || is_refused;
        if end.is_blocked {
            return Ok(Written::Blocked);
        }
        let most = room.min(bytes.len());
        let taken = if self.random.u8(..) < 32 { self.random.usize(1..=most) } else { most };
        self.sent.extend_from_slice(&bytes[..taken]);
        Ok(Written::Bytes(taken))
    }

    fn write_vectored(&mut self, slices: &[&[u8]]) -> Result<Written, WasReset> {
        self.write(slices.first().copied().unwrap_or_default())
    }

    fn has_more(&self) -> bool {
        self.network.end(self.socket).is_some_and(End::has_received)
    }
}
