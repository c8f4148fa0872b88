//! The state machine of one connection.

use super::activity::Activity;
use super::answer::{Outcome, answer};
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
use crate::tally::Tally;
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

/// Bytes that are kept of a frame that cannot be read.
const REFUSED_BYTES_MAX: usize = 256;

/// One connection. See the [module](super) for how to drive it.
///
/// It holds its share of `quotas` and gives it back when it is dropped, in whatever state it is.
#[derive(Debug)]
pub struct Connection<C: Counter = Cell<usize>> {
    pub(super) peer: Peer,
    quotas: Arc<Quotas<C>>,
    pub(super) activity: Activity,
    input: Input,
    output: Output,
    /// Requests for the node that the driver has not taken, each with what access control says about it.
    pub(super) forwards: VecDeque<(Bytes, Verdict)>,
    /// Requests for the node that are not answered.
    unanswered: usize,
    pub(super) reading: Reading,
    lifecycle: Lifecycle,
    /// Whether the node does not know of the end yet.
    reports_end: bool,
    /// What the first request said about the client.
    sender: Option<Sender>,
    /// The first bytes of a frame that could not be read.
    refused: Option<Box<[u8]>>,
}

/// Why input cannot be handled now.
enum Failure {
    Malformed(FrameError),
    InputFull,
}

/// What was found at the front of the input.
enum Found {
    /// A request of `length` bytes for the node, for which a place in its queue is reserved.
    Request { length: usize, verdict: Verdict },
    /// No complete frame. The first one has `bytes` in all, as far as that is known.
    Incomplete { bytes: usize },
    /// A frame that has to wait.
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
    /// Opens a connection that was accepted now. Returns `None` when there are as many as allowed.
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

    /// Handles kept input and what a read returned: appends to `answers` what `view` answers, and keeps requests
    /// for the node for [`poll_forward`](Self::poll_forward). The view has to be loaded after the bytes arrived.
    ///
    /// With [`Read::Nothing`] it goes on after a pause ([`can_resume`](Self::can_resume)). Otherwise
    /// [`wants_read`](Self::wants_read) has to be true. The work is bounded by the bytes that are there and by
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

    /// Handles the reply to a forwarded request. An empty frame is not written, but reopens the window.
    pub fn handle_reply(&mut self, frame: Bytes, now: Now) {
        debug_assert!(self.unanswered > 0, "a reply to nothing");
        self.unanswered = self.unanswered.saturating_sub(1);
        self.activity.note(now.monotonic);
        self.output.push(frame, &self.quotas);
    }

    /// Closes the connection for the registry, without waiting for replies.
    pub fn handle_registry_close(&mut self, reason: RegistryClose) {
        let next = match reason {
            RegistryClose::BrokerExpired => Lifecycle::Lost(CloseReason::Registry(reason)),
            RegistryClose::MalformedFrame => Lifecycle::Flushing(CloseReason::Registry(reason)),
        };
        if !matches!(self.lifecycle, Lifecycle::Lost(_)) {
            self.end_input(next);
        }
    }

    /// The server stops. What the client has sent already is read once more and answered; the node is not told of the
    /// end, because the client is not lost.
    pub fn handle_stop(&mut self) {
        self.reports_end = false;
        if matches!(self.lifecycle, Lifecycle::Open) {
            self.lifecycle = Lifecycle::Stopping;
        }
    }

    /// The socket took `written` bytes of [`poll_transmit`](Self::poll_transmit).
    pub fn handle_written(&mut self, written: usize, now: Now) {
        if written > 0 {
            self.activity.note(now.monotonic);
            self.output.advance(written, &self.quotas);
        }
    }

    /// Keeps the `answers` of [`handle_read`](Self::handle_read), apart from the first `written` bytes, which the
    /// socket took already. It may take them directly only while no other output waits.
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

    /// Returns the next input for the node, in the order of its frames: requests, and in the end the disconnect. There
    /// is room for a request in the node's queue: its place is reserved, and [`node::Output::Release`] gives it back.
    ///
    /// May change with each call of a `handle_` function and of [`drive`](Self::drive); drain it after each of them.
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

    /// Fills `slices` with the output that waits and returns how many it filled. Tell
    /// [`handle_written`](Self::handle_written) what the socket took.
    ///
    /// May change with a reply, answers, and what is written.
    pub fn poll_transmit<'a>(&'a self, slices: &mut [&'a [u8]]) -> usize {
        self.output.front(slices)
    }

    /// Returns when to call [`handle_timeout`](Self::handle_timeout), if ever.
    ///
    /// May change with every `handle_` function, to an earlier time only when the first byte of a frame arrived.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.activity.poll_timeout(self.quotas.limits().frame_time_max)
    }

    /// Returns why to close the connection now, if the client was silent or a frame takes too long.
    #[must_use]
    pub fn handle_timeout(&self, now: Now) -> Option<CloseReason> {
        self.activity.expired(self.quotas.limits().frame_time_max, now.monotonic)
    }

    /// Returns why to close the connection now. Ask it when the answers of the last read have been handed to
    /// [`handle_answers`](Self::handle_answers) and the socket had a chance to take them: some reasons wait for nothing
    /// else.
    ///
    /// May change with every `handle_` function. Once it returned a reason, only [`poll_forward`](Self::poll_forward)
    /// is to be called.
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

    /// The client.
    #[must_use]
    pub const fn peer(&self) -> Peer {
        self.peer
    }

    /// Whether more should be read from the socket.
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

    /// Whether [`handle_read`](Self::handle_read) should be called although nothing arrived.
    #[must_use]
    pub fn can_resume(&self) -> bool {
        match self.reading {
            Reading::Open => false,
            Reading::Paused(Paused::UntilReplied) => self.is_window_open() && !self.is_clogged(),
            Reading::Paused(Paused::UntilWritten | Paused::UntilQueued) => !self.is_clogged(),
        }
    }

    /// Returns the number of forwarded requests that are not answered.
    #[must_use]
    pub const fn unanswered(&self) -> usize {
        self.unanswered
    }

    /// Returns the bytes of memory of incomplete or paused input.
    #[must_use]
    pub const fn input_memory(&self) -> usize {
        self.input.memory()
    }

    /// Returns the program of the client, as its first request names it.
    #[must_use]
    pub const fn sender(&self) -> Option<Sender> {
        self.sender
    }

    /// Returns at most 256 bytes from the front of the frame that could not be read, if there was one.
    #[must_use]
    pub fn refused_bytes(&self) -> Option<&[u8]> {
        self.refused.as_deref()
    }

    /// Returns the bytes of pending output.
    #[must_use]
    pub const fn output_bytes(&self) -> usize {
        self.output.bytes()
    }

    pub(super) const fn is_stopping(&self) -> bool {
        matches!(self.lifecycle, Lifecycle::Stopping)
    }

    /// Handles kept and arrived input, as far as possible now. Keeps the rest.
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

    /// Notes who the client is, once the first of its requests is there. Not where requests are answered, which has to
    /// be fast.
    fn note_sender(&mut self, input: &[u8]) {
        if self.sender.is_none()
            && let Ok(Framing::Complete { frame, .. }) = next_frame(input, self.quotas.limits())
        {
            let version = Request::decode(frame, self.quotas.limits()).map(|request| request.version);
            self.sender = version.ok().map(|version| Sender::of(frame, version));
        }
    }

    /// Answers frames from the front of `input` until one is not for the view. Leaves that one in the input.
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

    /// Takes a request from the front of the kept input, else of the arrived input.
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

    /// Forgets all input, and moves to a state without any.
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

    /// Whether too much output is pending. A single reply may exceed the limit of a connection, but not what
    /// is left for all connections.
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
        // They will not be forwarded any more.
        self.forwards.iter().for_each(|(frame, _)| self.quotas.queue().release(1, frame.len()));
        self.quotas.disconnect();
    }
}

/// The first bytes of a frame, for operators.
#[cold]
fn start_of(frame: &[u8]) -> Box<[u8]> {
    frame.get(..REFUSED_BYTES_MAX).unwrap_or(frame).into()
}

/// Notes a topic without a route that a client queried.
#[cold]
fn note_miss(request: &Request<'_>, tally: &mut Tally) {
    let [topic] = request.fields.values(["topic"]);
    tally.route_misses += 1;
    tally.missed.note(topic.as_deref().unwrap_or_default());
}
