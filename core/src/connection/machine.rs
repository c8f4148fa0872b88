//! The state machine of one connection.

use super::activity::Activity;
use super::answer::{Outcome, answer, note_miss};
use super::input::{Input, QuotaExceeded};
use super::lifecycle::Lifecycle;
use super::output::Output;
use super::{Answers, CloseReason, Paused, Read, Reading};
use crate::Peer;
use crate::access::Verdict;
use crate::node;
use crate::output::CloseReason as RegistryClose;
use crate::quota::{Counter, Quotas};
use crate::route::RouteView;
use crate::time::{Duration, Instant, Now};
use crate::wire::code::response;
use crate::wire::{FrameError, Framing, Request, Sender, next_frame};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use core::cell::Cell;
use core::mem;

/// The most bytes that a connection keeps of an unreadable frame.
const REFUSED_BYTES_MAX: usize = 256;

/// One connection. See the [module](super) for how to drive it.
///
/// It holds its share of `quotas`, and returns it when it is dropped, in every state.
#[derive(Debug)]
pub struct Connection<C: Counter = Cell<usize>> {
    pub(super) peer: Peer,
    quotas: Arc<Quotas<C>>,
    pub(super) activity: Activity,
    input: Input,
    output: Output,
    /// Requests for the node that the driver has not taken, each with the verdict of access control.
    pub(super) forwards: VecDeque<(Bytes, Verdict)>,
    /// Forwarded requests without a reply.
    unanswered: usize,
    pub(super) reading: Reading,
    lifecycle: Lifecycle,
    /// Whether the node still has to be told of the end.
    reports_end: bool,
    /// What the first request said about the client.
    sender: Option<Sender>,
    /// The first bytes of an unreadable frame.
    refused: Option<Box<[u8]>>,
}

/// Why the connection cannot handle input.
enum Failure {
    Malformed(FrameError),
    InputFull,
}

/// What the front of the input holds.
enum Found {
    /// A request of `length` bytes for the node, with a place reserved in the node's queue.
    Request { length: usize, verdict: Verdict },
    /// No complete frame. The first one has `bytes` bytes in all, as far as known.
    Incomplete { bytes: usize },
    /// A frame that must wait.
    Paused(Paused),
}

impl From<FrameError> for Failure {
    fn from(error: FrameError) -> Self {
        Self::Malformed(error)
    }
}

impl From<QuotaExceeded> for Failure {
    fn from(_: QuotaExceeded) -> Self {
        Self::InputFull
    }
}

impl<C: Counter> Connection<C> {
    /// Opens a connection that was just accepted. Returns `None` when the limit of connections is reached.
    #[must_use]
    pub fn open(peer: Peer, view: &RouteView, quotas: &Arc<Quotas<C>>, now: Now) -> Option<Self> {
        if !quotas.try_connect() {
            return None;
        }
        let idle_seconds = view.settings().server_channel_max_idle_time_seconds;
        let idle_max = Duration::from_secs(u64::try_from(idle_seconds).unwrap_or(0));
        Some(Self {
            peer,
            quotas: Arc::clone(quotas),
            activity: Activity::new(idle_max, now.monotonic),
            input: Input::default(),
            output: Output::default(),
            forwards: VecDeque::new(),
            unanswered: 0,
            reading: Reading::Open,
            lifecycle: Lifecycle::Open,
            reports_end: true,
            sender: None,
            refused: None,
        })
    }

    /// Handles kept input and the result of a read. Appends to `answers` what `view` answers, and keeps requests for
    /// the node for [`poll_forward`](Self::poll_forward). Load the view after the bytes arrived.
    ///
    /// [`Read::Nothing`] continues after a pause ([`can_resume`](Self::can_resume)). For any other read,
    /// [`wants_read`](Self::wants_read) must be true. The work is bounded by the available bytes and by
    /// `output_bytes_pause`.
    pub fn handle_read(&mut self, read: Read<&[u8]>, view: &RouteView, answers: &mut Answers, now: Now) -> Reading {
        debug_assert!(read == Read::Nothing || self.wants_read(), "read in {:?}, {:?}", self.lifecycle, self.reading);
        let (mut arrived, is_last) = match read {
            Read::Bytes(bytes) => (bytes, self.is_stopping()),
            Read::Eof => (&[][..], true),
            Read::Nothing => (&[][..], false),
        };
        match self.lifecycle {
            Lifecycle::Open | Lifecycle::Stopping if is_last => self.lifecycle = Lifecycle::Ended,
            Lifecycle::Open | Lifecycle::Stopping | Lifecycle::Ended => (),
            Lifecycle::Draining(_) | Lifecycle::Flushing(_) | Lifecycle::Lost(_) => return Reading::Open,
        }
        match self.advance(&mut arrived, view, answers, now) {
            Ok(reading) => self.reading = reading,
            Err(Failure::Malformed(error)) => self.end_input(Lifecycle::Draining(CloseReason::Malformed(error))),
            Err(Failure::InputFull) => {
                let bytes = self.input.memory();
                self.end_input(Lifecycle::Lost(CloseReason::InputFull { bytes }));
            }
        }
        if matches!(self.lifecycle, Lifecycle::Ended) && self.reading == Reading::Open {
            let reason = if self.reports_end { CloseReason::EndOfStream } else { CloseReason::Stopped };
            self.end_input(Lifecycle::Draining(reason));
        }
        self.reading
    }

    /// Handles the reply to a forwarded request. An empty frame writes nothing, but reopens the window.
    pub fn handle_reply(&mut self, frame: Bytes, now: Now) {
        debug_assert!(self.unanswered > 0, "a reply to nothing");
        self.unanswered = self.unanswered.saturating_sub(1);
        self.activity.note(now.monotonic);
        self.output.push(frame, &self.quotas);
    }

    /// Closes the connection on behalf of the registry, without waiting for replies.
    pub fn handle_registry_close(&mut self, reason: RegistryClose) {
        let next = match reason {
            RegistryClose::BrokerExpired => Lifecycle::Lost(CloseReason::Registry(reason)),
            RegistryClose::MalformedFrame => Lifecycle::Flushing(CloseReason::Registry(reason)),
        };
        if !matches!(self.lifecycle, Lifecycle::Lost(_)) {
            self.end_input(next);
        }
    }

    /// Handles the stop of the server. The connection reads once more what the client has already sent, and answers it.
    /// It does not report the end to the node, because the client is not lost.
    pub fn handle_stop(&mut self) {
        self.reports_end = false;
        if matches!(self.lifecycle, Lifecycle::Open) {
            self.lifecycle = Lifecycle::Stopping;
        }
    }

    /// Notes that the socket took `written` bytes of [`poll_transmit`](Self::poll_transmit).
    pub fn handle_written(&mut self, written: usize, now: Now) {
        if written > 0 {
            self.activity.note(now.monotonic);
            if self.is_clogged() {
                self.activity.restart_frame(now.monotonic);
            }
            self.output.advance(written, &self.quotas);
        }
    }

    /// Keeps the `answers` of [`handle_read`](Self::handle_read), except for the first `written` bytes, which the
    /// socket has already taken. The socket may take answers directly only while no other output waits.
    pub fn handle_answers(&mut self, answers: &mut Vec<u8>, written: usize, now: Now) {
        debug_assert!(written == 0 || self.output.is_empty(), "answers written before what waits");
        debug_assert!(written <= answers.len(), "{written} bytes written of {}", answers.len());
        if written > 0 {
            self.activity.note(now.monotonic);
        }
        let rest = answers.get(written..).unwrap_or_default();
        if !rest.is_empty() {
            self.output.push(Bytes::copy_from_slice(rest), &self.quotas);
        }
        answers.clear();
    }

    /// Closes the connection from outside, for instance because its socket failed. Only
    /// [`poll_forward`](Self::poll_forward) may be called afterwards.
    pub fn handle_closed(&mut self) {
        if !matches!(self.lifecycle, Lifecycle::Lost(_)) {
            self.end_input(Lifecycle::Lost(CloseReason::EndOfStream));
        }
    }

    /// Returns the next input for the node, in the order of the frames: requests, and finally the disconnect. Each
    /// request has a reserved place in the node's queue, which [`node::Output::Release`] returns.
    ///
    /// Each `handle_` function and [`drive`](Self::drive) can change the result, so drain it after each of them.
    pub fn poll_forward(&mut self) -> Option<node::Input> {
        if let Some((frame, verdict)) = self.forwards.pop_front() {
            if self.forwards.is_empty() {
                self.forwards = VecDeque::new();
            }
            return Some(node::Input::Frame { peer: self.peer, frame, verdict });
        }
        let is_over = self.reports_end && self.lifecycle.close_reason().is_some();
        if is_over {
            self.reports_end = false;
        }
        is_over.then_some(node::Input::Disconnected(self.peer.conn))
    }

    /// Fills `slices` with waiting output, and returns the number of filled slices. Tell
    /// [`handle_written`](Self::handle_written) what the socket took.
    ///
    /// Replies, answers and writes can change the result.
    pub fn poll_transmit<'a>(&'a self, slices: &mut [&'a [u8]]) -> usize {
        self.output.front(slices)
    }

    /// Returns when to call [`handle_timeout`](Self::handle_timeout), or `None` for never.
    ///
    /// Each `handle_` function can change the result. The first byte of a frame can make it earlier, and so can a write
    /// after which reading goes on.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.activity.poll_timeout(self.frame_time_max())
    }

    /// Returns why to close the connection now, if the client has been silent for too long or a frame takes too long.
    #[must_use]
    pub fn handle_timeout(&self, now: Now) -> Option<CloseReason> {
        self.activity.expired(self.frame_time_max(), now.monotonic)
    }

    /// Returns why to close the connection now, if there is a reason. Call it after
    /// [`handle_answers`](Self::handle_answers) has the answers of the last read and the socket has had a chance to
    /// take them, because some reasons wait only for that.
    ///
    /// Each `handle_` function can change the result. Once it has returned a reason, call only
    /// [`poll_forward`](Self::poll_forward).
    #[must_use]
    #[inline]
    pub fn poll_close(&self) -> Option<CloseReason> {
        if self.is_output_full() {
            return Some(CloseReason::OutputFull { bytes: self.output.bytes() });
        }
        let (reason, is_done) = match &self.lifecycle {
            Lifecycle::Open | Lifecycle::Stopping | Lifecycle::Ended => return None,
            Lifecycle::Draining(reason) => (reason, self.unanswered == 0 && self.output.is_empty()),
            Lifecycle::Flushing(reason) => (reason, self.output.is_empty()),
            Lifecycle::Lost(reason) => (reason, true),
        };
        is_done.then(|| reason.clone())
    }

    /// Returns the client.
    #[must_use]
    pub const fn peer(&self) -> Peer {
        self.peer
    }

    /// Whether to read more from the socket.
    #[must_use]
    pub fn wants_read(&self) -> bool {
        matches!(self.lifecycle, Lifecycle::Open | Lifecycle::Stopping)
            && self.reading == Reading::Open
            && !self.is_clogged()
    }

    /// Whether output waits for the socket.
    #[must_use]
    pub const fn wants_write(&self) -> bool {
        !self.output.is_empty()
    }

    /// Whether to call [`handle_read`](Self::handle_read) although nothing arrived.
    #[must_use]
    pub fn can_resume(&self) -> bool {
        match self.reading {
            Reading::Open => false,
            Reading::Paused(Paused::UntilReplied) => self.is_window_open() && !self.is_clogged(),
            Reading::Paused(Paused::UntilWritten | Paused::UntilQueued) => !self.is_clogged(),
        }
    }

    /// Whether the server stops and the last read is still to come. That read needs no event.
    #[must_use]
    pub const fn is_stopping(&self) -> bool {
        matches!(self.lifecycle, Lifecycle::Stopping)
    }

    /// Returns the number of forwarded requests without a reply.
    #[must_use]
    pub const fn unanswered(&self) -> usize {
        self.unanswered
    }

    /// Returns the bytes of memory that incomplete or paused input takes.
    #[must_use]
    pub const fn input_memory(&self) -> usize {
        self.input.memory()
    }

    /// Returns the program of the client, as named by its first request.
    #[must_use]
    pub const fn sender(&self) -> Option<Sender> {
        self.sender
    }

    /// Returns at most 256 bytes from the front of an unreadable frame, if there was one.
    #[must_use]
    pub fn refused_bytes(&self) -> Option<&[u8]> {
        self.refused.as_deref()
    }

    /// Returns the bytes of pending output.
    #[must_use]
    pub const fn output_bytes(&self) -> usize {
        self.output.bytes()
    }

    /// Handles kept and arrived input as far as possible, and keeps the rest.
    fn advance(
        &mut self,
        arrived: &mut &[u8],
        view: &RouteView,
        answers: &mut Answers,
        now: Now,
    ) -> Result<Reading, Failure> {
        loop {
            let was_kept = !self.input.is_empty();
            if !was_kept && arrived.is_empty() {
                return Ok(Reading::Open);
            }
            let found = if was_kept {
                self.input.complete(arrived, &self.quotas)?;
                let input = mem::take(&mut self.input);
                let mut unread = input.unread();
                self.note_sender(unread);
                let found = self.find(&mut unread, view, answers, now);
                if found.is_err() {
                    self.refused = Some(start_of(unread));
                }
                let left = unread.len();
                self.input = input;
                let found = found?;
                self.input.keep_last(left, &self.quotas);
                found
            } else {
                self.note_sender(arrived);
                let found = self.find(arrived, view, answers, now);
                if found.is_err() {
                    self.refused = Some(start_of(arrived));
                }
                found?
            };
            match found {
                Found::Request { length, verdict } => self.forward(length, verdict, was_kept, arrived),
                Found::Incomplete { bytes } if was_kept && !arrived.is_empty() => self.input.expect(bytes),
                Found::Incomplete { bytes } => {
                    self.input.expect(bytes);
                    self.input.append(arrived, bytes, &self.quotas)?;
                    return Ok(Reading::Open);
                }
                Found::Paused(paused) => {
                    self.input.append(arrived, 0, &self.quotas)?;
                    return Ok(Reading::Paused(paused));
                }
            }
        }
    }

    /// Notes who the client is, once its first request has arrived. The path that answers requests must be fast, so it
    /// does not do this.
    fn note_sender(&mut self, input: &[u8]) {
        if self.sender.is_none()
            && let Ok(Framing::Complete { frame, .. }) = next_frame(input, self.quotas.limits())
        {
            let version = Request::decode(frame, self.quotas.limits()).map(|request| request.version);
            self.sender = version.ok().map(|version| Sender::of(frame, version));
        }
    }

    /// Answers frames from the front of `input` up to the first one that the view cannot answer. Leaves that one in the
    /// input.
    fn find(
        &mut self,
        input: &mut &[u8],
        view: &RouteView,
        answers: &mut Answers,
        now: Now,
    ) -> Result<Found, FrameError> {
        let limits = self.quotas.limits();
        loop {
            if answers.bytes.len() >= limits.output_bytes_pause {
                return Ok(Found::Paused(Paused::UntilWritten));
            }
            match next_frame(input, limits)? {
                Framing::Incomplete { bytes } => {
                    self.activity.note_incomplete(input.len(), now.monotonic);
                    return Ok(Found::Incomplete { bytes });
                }
                Framing::Complete { frame, length } => {
                    let request = Request::decode(frame, limits)?;
                    self.activity.note_complete(now.monotonic);
                    match answer(&request, view, &mut answers.bytes, now) {
                        Outcome::Answered(code) => answers.tally.note(request.code, Some(code)),
                        Outcome::NoRoute { is_probe } => {
                            answers.tally.note(request.code, Some(response::TOPIC_NOT_EXIST));
                            if !is_probe {
                                note_miss(&request, &mut answers.tally);
                            }
                        }
                        Outcome::Oneway => answers.tally.note(request.code, None),
                        Outcome::Dropped => {}
                        Outcome::Forward if self.unanswered >= limits.forwarded_per_connection_max => {
                            return Ok(Found::Paused(Paused::UntilReplied));
                        }
                        Outcome::Forward if !self.quotas.queue().try_reserve(length) => {
                            return Ok(Found::Paused(Paused::UntilQueued));
                        }
                        Outcome::Forward => {
                            let verdict = view.access().judge(&request, self.peer.ip());
                            return Ok(Found::Request { length, verdict });
                        }
                    }
                    *input = &input[length..];
                }
            }
        }
    }

    /// Takes a request from the front of the kept input, or else of the arrived input.
    fn forward(&mut self, length: usize, verdict: Verdict, was_kept: bool, arrived: &mut &[u8]) {
        let frame = if was_kept {
            self.input.take_frame(length, &self.quotas)
        } else {
            let (frame, rest) = arrived.split_at(length.min(arrived.len()));
            *arrived = rest;
            Bytes::copy_from_slice(frame)
        };
        self.forwards.push_back((frame, verdict));
        self.unanswered += 1;
    }

    /// Forgets all input, and moves to a state that has none.
    fn end_input(&mut self, next: Lifecycle) {
        self.input.clear(&self.quotas);
        self.activity.end();
        self.reading = Reading::Open;
        self.lifecycle = next;
    }

    fn is_window_open(&self) -> bool {
        self.unanswered < self.quotas.limits().forwarded_per_connection_max
    }

    fn is_clogged(&self) -> bool {
        self.output.bytes() >= self.quotas.limits().output_bytes_pause
    }

    /// Returns how long a frame may take, or `None` while nothing is read: its rest may have arrived.
    fn frame_time_max(&self) -> Option<Duration> {
        (!self.is_clogged()).then(|| self.quotas.limits().frame_time_max)
    }

    /// Whether too much output is pending. A single reply may exceed the limit of a connection, but not what is left of
    /// the limit for all connections.
    fn is_output_full(&self) -> bool {
        let bytes = self.output.bytes();
        let is_too_much = bytes > self.quotas.limits().output_bytes_max && !self.output.is_single();
        is_too_much || !self.quotas.allows_output(bytes)
    }
}

impl<C: Counter> Drop for Connection<C> {
    fn drop(&mut self) {
        self.input.clear(&self.quotas);
        self.output.clear(&self.quotas);
        // These will never be forwarded.
        self.forwards.iter().for_each(|(frame, _)| self.quotas.queue().release(1, frame.len()));
        self.quotas.disconnect();
    }
}

/// Returns the first bytes of a frame, for operators.
#[cold]
fn start_of(frame: &[u8]) -> Box<[u8]> {
    frame.get(..REFUSED_BYTES_MAX).unwrap_or(frame).into()
}
