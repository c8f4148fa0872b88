//! One bounded step of work of a connection over a non-blocking stream.

use super::machine::Connection;
use super::{Answers, CloseReason, Paused, Read, Reading};
use crate::ClientAddress;
use crate::quota::Counter;
use crate::route::RouteView;
use crate::tally::Tally;
use crate::time::Now;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;
use core::ops::Deref;

/// The most bytes of one read, and so the most input that a connection handles in one step.
pub const READ_BYTES_MAX: usize = 64 * 1024;
/// Memory for answers that a thread keeps between steps.
const ANSWER_BYTES_KEPT: usize = 1024 * 1024;
/// The most bytes that one step writes, so that a client that reads a long answer fast does not delay the others.
const WRITE_BYTES_MAX: usize = 1024 * 1024;
/// The most slices of one vectored write.
const SLICES_MAX: usize = 64;
/// The most reads of leftover input before a connection is closed.
const DISCARDS_MAX: usize = 16;

/// A non-blocking stream of bytes: a socket, a layer between a socket and its connection, or a stream that a test makes
/// up.
pub trait Stream {
    /// Why a stream fails. Most often the client reset it; the driver can only close it.
    type Error;

    /// Reads once. A connection lends [`READ_BYTES_MAX`] bytes.
    ///
    /// # Errors
    /// The stream failed.
    fn read(&mut self, buffer: &mut [u8]) -> Result<Read<usize>, Self::Error>;

    /// Writes once. `bytes` is not empty.
    ///
    /// # Errors
    /// The stream failed.
    fn write(&mut self, bytes: &[u8]) -> Result<Written, Self::Error>;

    /// Writes several slices at once. None of them is empty.
    ///
    /// # Errors
    /// The stream failed.
    fn write_vectored(&mut self, slices: &[&[u8]]) -> Result<Written, Self::Error>;

    /// Whether the next read may return something without a new event, because a layer below holds bytes.
    fn has_more(&self) -> bool {
        false
    }

    /// Returns where the client is, if the last read revealed it: a proxy names its client before any other bytes.
    /// Returns it only once.
    fn take_client(&mut self) -> Option<ClientAddress> {
        None
    }
}

/// The result of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The stream accepted this many bytes, at least one.
    Bytes(usize),
    /// The stream accepts nothing for now.
    Blocked,
}

/// What a driver knows about a stream without a system call. Events set a flag; a step clears it.
#[derive(Clone, Copy, Debug)]
pub struct Ready {
    /// A read may succeed.
    pub readable: bool,
    /// A write may succeed.
    pub writable: bool,
    /// The end of the stream was announced and will not be announced again, so a read that does not fill the buffer was
    /// not the last one.
    pub read_closed: bool,
}

/// Buffers that a thread lends to the connection that it drives, so that idle connections own none.
#[derive(Debug)]
pub struct Scratch {
    buffer: Box<[u8]>,
    answers: Answers,
}

/// What to do after a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// There is more to do. Let the other connections have their step first.
    Again,
    /// There is nothing to do until the stream or the registry reports something.
    Rest,
    /// The registry's queue is full: drive the connection again soon.
    Retry,
    /// Close the connection. [`CloseReason::is_orderly`] says how; before an orderly close, call [`Scratch::discard`]
    /// to read the rest of the input.
    Close(CloseReason),
}

impl Default for Ready {
    /// The readiness of a new stream.
    fn default() -> Self {
        Self { readable: false, writable: true, read_closed: false }
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self { buffer: vec![0; READ_BYTES_MAX].into_boxed_slice(), answers: Answers::default() }
    }
}

impl Scratch {
    /// Returns the counts of answers and bytes since the last time that they were taken.
    pub const fn tally(&mut self) -> &mut Tally {
        &mut self.answers.tally
    }

    /// Discards unread input. Closing a socket with unread input would reset the connection and destroy answers on
    /// their way.
    pub fn discard<S: Stream>(&mut self, stream: &mut S) {
        for _ in 0..DISCARDS_MAX {
            if !matches!(stream.read(&mut self.buffer), Ok(Read::Bytes(_))) {
                return;
            }
        }
    }
}

impl<C: Counter> Connection<C> {
    /// Does one bounded step of work: writes pending output, reads once, handles the input, writes the answers.
    /// `view` is called after the read.
    ///
    /// Call [`poll_forward`](Self::poll_forward) afterwards, even after an error.
    ///
    /// # Errors
    /// The stream failed: close the connection.
    pub fn drive<S: Stream, V: Deref<Target = Arc<RouteView>>>(
        &mut self,
        stream: &mut S,
        ready: &mut Ready,
        scratch: &mut Scratch,
        view: impl FnOnce() -> V,
        now: Now,
    ) -> Result<Next, S::Error> {
        debug_assert!(self.forwards.is_empty(), "requests of the last step were not forwarded");
        let Scratch { buffer, answers } = scratch;
        // An earlier step left these unwritten because its stream failed.
        answers.bytes.clear();
        let mut budget = WRITE_BYTES_MAX;
        self.write_output(stream, ready, &mut budget, &mut answers.tally, now)?;
        if self.can_resume() {
            self.handle_read(Read::Nothing, &view(), answers, now);
        } else {
            let read = self.read_once(stream, ready, buffer, &mut answers.tally)?;
            if let Some(address) = stream.take_client() {
                self.peer.address = address;
                self.activity.note(now.monotonic);
            }
            if let Some(read) = read {
                self.handle_read(read, &view(), answers, now);
            }
        }
        self.write_answers(stream, ready, answers, now)?;
        self.write_output(stream, ready, &mut budget, &mut answers.tally, now)?;
        answers.bytes.shrink_to(ANSWER_BYTES_KEPT);
        Ok(self.next_step(*ready))
    }

    fn next_step(&self, ready: Ready) -> Next {
        if let Some(reason) = self.poll_close() {
            return Next::Close(reason);
        }
        if ready.writable && self.wants_write() {
            return Next::Again;
        }
        match (self.can_resume() || self.may_read(ready), self.reading) {
            (false, _) => Next::Rest,
            (true, Reading::Paused(Paused::UntilQueued)) => Next::Retry,
            (true, _) => Next::Again,
        }
    }

    fn may_read(&self, ready: Ready) -> bool {
        (ready.readable || self.is_stopping()) && self.wants_read()
    }

    /// Reads once, if the connection wants it.
    fn read_once<'a, S: Stream>(
        &self,
        stream: &mut S,
        ready: &mut Ready,
        buffer: &'a mut [u8],
        tally: &mut Tally,
    ) -> Result<Option<Read<&'a [u8]>>, S::Error> {
        if !self.may_read(*ready) {
            return Ok(None);
        }
        Ok(match stream.read(buffer)? {
            Read::Bytes(read) => {
                debug_assert!(0 < read && read <= buffer.len(), "{read} bytes read of {}", buffer.len());
                tally.read_bytes += read as u64;
                ready.readable &= ready.read_closed || read == buffer.len();
                ready.readable |= stream.has_more();
                Some(Read::Bytes(buffer.get(..read).unwrap_or_default()))
            }
            Read::Eof => {
                ready.readable = false;
                Some(Read::Eof)
            }
            Read::Nothing => {
                ready.readable = stream.has_more();
                // Everything that the client sent before the server stopped has been read.
                (self.is_stopping() && !ready.readable).then_some(Read::Eof)
            }
        })
    }

    /// Writes answers directly if no output waits before them. Keeps the rest.
    fn write_answers<S: Stream>(
        &mut self,
        stream: &mut S,
        ready: &mut Ready,
        answers: &mut Answers,
        now: Now,
    ) -> Result<(), S::Error> {
        let Answers { bytes, tally } = answers;
        let mut sent = 0;
        while sent < bytes.len() && ready.writable && !self.wants_write() {
            match stream.write(bytes.get(sent..).unwrap_or_default())? {
                Written::Bytes(written) => sent += written,
                Written::Blocked => ready.writable = false,
            }
        }
        tally.written_bytes += sent as u64;
        self.handle_answers(bytes, sent, now);
        Ok(())
    }

    /// Writes pending output, as far as the stream accepts it and the step's budget allows.
    fn write_output<S: Stream>(
        &mut self,
        stream: &mut S,
        ready: &mut Ready,
        budget: &mut usize,
        tally: &mut Tally,
        now: Now,
    ) -> Result<(), S::Error> {
        while ready.writable && self.wants_write() && *budget > 0 {
            let mut slices: [&[u8]; SLICES_MAX] = [&[]; SLICES_MAX];
            let filled = self.poll_transmit(&mut slices);
            match stream.write_vectored(slices.get(..filled).unwrap_or_default())? {
                Written::Bytes(written) => {
                    *budget = budget.saturating_sub(written);
                    tally.written_bytes += written as u64;
                    self.handle_written(written, now);
                }
                Written::Blocked => ready.writable = false,
            }
        }
        Ok(())
    }
}
