//! One connection without its socket: what every runtime does with the bytes that it read and the replies it was given.

use crate::input::{Input, NoRoom};
use crate::line_limit::LineLimit;
use crate::output::{Output, Written};
use crate::server::{Budget, RegistryHandle, Reply, Server};
use bytes::Bytes;
use namesrv_core::Peer;
use namesrv_core::config::Limits;
use namesrv_core::registry::CloseReason;
use namesrv_core::route::RouteView;
use namesrv_core::session::{Session, Step};
use namesrv_core::time::{Duration, Instant, Now};
use namesrv_core::wire::FrameError;
use std::fmt::Display;
use std::io::{self, Write};
use std::sync::Arc;

/// Lines about connections that were closed that may come at once.
const CLOSING_LINES: u64 = 10;

/// What the conversations of all I/O threads share.
#[derive(Debug)]
pub struct Shared {
    registry: RegistryHandle,
    budget: Arc<Budget>,
    limits: Limits,
    lines: LineLimit,
}

impl Shared {
    /// What conversations need of the server.
    #[must_use]
    pub fn new(server: &Server) -> Self {
        Self {
            registry: server.registry.clone(),
            budget: Arc::clone(&server.budget),
            limits: server.limits,
            lines: LineLimit::new("closed connections", CLOSING_LINES),
        }
    }
}

/// What a call of [`Conversation::handle_input`] came to. Write the answers in any case, then do what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// All that arrived is dealt with: read on, if [`Conversation::wants_input`].
    Read,
    /// Something waits for output to be written or for a reply: call again when [`Conversation::may_go_on`].
    Wait,
    /// The registry's queue is full: call again soon.
    Retry,
    /// All connections together keep so much incomplete input that this one may keep no more: close it.
    NoRoom,
}

/// Why this side closes a connection on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// Its output passed [`Limits::output_bytes_max`].
    OutputFull,
    /// Its incomplete input was too large for the room that was left.
    NoRoom,
    /// Nothing was heard of it, or a frame took too long.
    Silent,
}

/// The session of one connection, its input that is incomplete and its output that waits.
///
/// It counts the connection, and it tells the registry of its end exactly once: at the end of its stream, or when it is
/// dropped.
#[derive(Debug)]
pub struct Conversation {
    peer: Peer,
    session: Session,
    input: Input,
    output: Output,
    /// Bytes of it that are counted in the budget.
    output_counted: usize,
    shared: Arc<Shared>,
    /// Bytes of the frame at the front of the input that the registry had no room for; zero: there is none.
    forwarding: usize,
    paused: bool,
    /// Paused until a reply comes: written output would not help.
    window_closed: bool,
    /// No more input is taken.
    ended: bool,
    /// No replies are waited for.
    abandoned: bool,
    /// Output that the next write leaves is given up: its peer is most likely gone.
    expired: bool,
    /// The registry knows of the end, or does not need to.
    told: bool,
}

impl Conversation {
    /// A conversation with a peer that was accepted now; none when there are as many as allowed.
    #[must_use]
    pub fn open(peer: Peer, view: &RouteView, shared: &Arc<Shared>, now: Now) -> Option<Self> {
        if !shared.budget.connect() {
            return None;
        }
        let idle_seconds = view.settings().server_channel_max_idle_time_seconds;
        let idle_max = Duration::from_secs(u64::try_from(idle_seconds).unwrap_or(0));
        Some(Self {
            peer,
            session: Session::new(&shared.limits, idle_max, now),
            input: Input::default(),
            output: Output::default(),
            output_counted: 0,
            shared: Arc::clone(shared),
            forwarding: 0,
            paused: false,
            window_closed: false,
            ended: false,
            abandoned: false,
            expired: false,
            told: false,
        })
    }

    /// Deals with what was kept and with `arrived`: appends to `answers` what the view answers and forwards the rest. The
    /// view has to be loaded after the bytes arrived.
    pub fn handle_input(&mut self, arrived: &[u8], view: &RouteView, answers: &mut Vec<u8>, now: Now) -> Progress {
        self.paused = false;
        let mut arrived = arrived;
        let progress = self.advance(&mut arrived, view, answers, now).unwrap_or_else(|error| {
            self.fail(&error, now);
            Progress::Read
        });
        if self.ended && progress == Progress::Read {
            self.input.clear(&self.shared.budget);
            self.tell();
        }
        progress
    }

    /// A forwarded request was answered.
    pub fn handle_reply(&mut self, reply: Reply, now: Now) {
        self.session.handle_reply(now);
        self.window_closed = false;
        self.output.push(reply.arrive());
        self.count_output();
    }

    /// The registry closes this connection.
    pub fn handle_close(&mut self, reason: CloseReason, now: Now) {
        match reason {
            CloseReason::BrokerExpired => self.expired = true,
            CloseReason::MalformedFrame => self.fail(&"a request that was forwarded is malformed", now),
        }
        self.stop_reading();
        self.abandoned = true;
    }

    /// The peer sends no more: what arrived is answered, then the connection is to be closed.
    pub const fn handle_end(&mut self) {
        self.ended = true;
    }

    /// The server stops: the end of this connection does not mean that a peer is lost. To be followed by
    /// [`handle_end`](Self::handle_end) when nothing more is read.
    pub const fn handle_stop(&mut self) {
        self.told = true;
    }

    /// Writes what waits, then `answers`; what the sink does not take is kept.
    ///
    /// # Errors
    /// Those of the sink: close.
    pub fn write(&mut self, answers: &mut Vec<u8>, sink: &mut impl Write, now: Now) -> io::Result<Written> {
        let waiting = self.output.bytes() + answers.len();
        if waiting == 0 {
            return Ok(Written::All);
        }
        let written = self.output.write_answers(answers, sink)?;
        self.count_output();
        if self.output.bytes() < waiting {
            self.session.handle_written(now);
        }
        Ok(written)
    }

    /// Output that waits.
    #[must_use]
    pub const fn output(&self) -> &Output {
        &self.output
    }

    /// Bytes of memory that are kept for input.
    const fn kept(&self) -> usize {
        self.input.kept()
    }

    /// When to close this connection as [`Closing::Silent`]; never when absent.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.session.poll_timeout()
    }

    /// Whether more should be read from the socket.
    #[must_use]
    pub fn wants_input(&self) -> bool {
        !self.ended && !self.paused && self.forwarding == 0 && !self.is_clogged()
    }

    /// Whether [`handle_input`](Self::handle_input) should be called although nothing arrived.
    #[must_use]
    pub fn may_go_on(&self) -> bool {
        self.forwarding > 0 || (self.paused && !self.window_closed && !self.is_clogged())
    }

    /// Whether everything that was owed is done or given up: close. To be asked after a write.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        let owes_nothing = self.input.is_empty() && (self.abandoned || self.session.forwarded() == 0);
        self.ended && owes_nothing && (self.expired || self.output.is_empty())
    }

    /// Whether so much output waits that the connection has to be closed. One answer alone may be larger than it may be
    /// for one connection, but not than what is left of the room for all.
    #[must_use]
    pub fn is_overfull(&self) -> bool {
        let bytes = self.output.bytes();
        let is_too_much = bytes > self.shared.limits.output_bytes_max && !self.output.is_single();
        is_too_much || !self.shared.budget.bears_output(bytes)
    }

    /// Says in the log why this side closes the connection.
    pub fn log_closing(&self, closing: Closing, now: Now) {
        let peer = self.peer.address;
        match closing {
            Closing::OutputFull => self.shared.lines.admit(now.monotonic, || {
                tracing::warn!(%peer, bytes = self.output.bytes(), "closed: it does not read its answers");
            }),
            Closing::NoRoom => self.shared.lines.admit(now.monotonic, || {
                tracing::warn!(%peer, bytes = self.kept(), "closed: no room for more incomplete requests");
            }),
            Closing::Silent => tracing::debug!(%peer, "closed: idle"),
        }
    }

    fn advance(
        &mut self,
        arrived: &mut &[u8],
        view: &RouteView,
        answers: &mut Vec<u8>,
        now: Now,
    ) -> Result<Progress, FrameError> {
        loop {
            if self.forwarding > 0 && !self.forward(arrived) {
                return Ok(self.keep(arrived, 0, Progress::Retry));
            }
            let kept = !self.input.is_empty();
            if !kept && arrived.is_empty() {
                return Ok(Progress::Read);
            }
            let step = if kept {
                if self.complete_kept(arrived) == Err(NoRoom) {
                    return Ok(Progress::NoRoom);
                }
                let mut unread = self.input.unread();
                let step = self.session.handle_input(&mut unread, view, answers, now)?;
                let left = unread.len();
                self.input.keep_last(left, &self.shared.budget);
                step
            } else {
                self.session.handle_input(arrived, view, answers, now)?
            };
            match step {
                Step::Forward { length } => self.forwarding = length,
                Step::NeedInput { bytes } if kept && !arrived.is_empty() => self.input.expect(bytes),
                Step::NeedInput { bytes } => {
                    self.input.expect(bytes);
                    return Ok(self.keep(arrived, bytes, Progress::Read));
                }
                Step::Paused => {
                    self.paused = true;
                    self.window_closed = answers.is_empty();
                    return Ok(self.keep(arrived, 0, Progress::Wait));
                }
            }
        }
    }

    /// A frame that was incomplete is completed alone, so that it can be moved to the registry.
    fn complete_kept(&mut self, arrived: &mut &[u8]) -> Result<(), NoRoom> {
        let missing = self.input.missing().min(arrived.len());
        let (part, rest) = arrived.split_at(missing);
        self.input.append(part, self.input.expected(), &self.shared.budget)?;
        *arrived = rest;
        Ok(())
    }

    /// Forwards the frame at the front of what was kept, else of what arrived; false: the registry has no room.
    fn forward(&mut self, arrived: &mut &[u8]) -> bool {
        let Shared { registry, budget, .. } = &*self.shared;
        let kept = !self.input.is_empty();
        let (frame, rest) = if kept {
            (self.input.take_frame(self.forwarding), *arrived)
        } else {
            let (frame, rest) = arrived.split_at(self.forwarding.min(arrived.len()));
            (Bytes::copy_from_slice(frame), rest)
        };
        match registry.forward(self.peer, frame) {
            Ok(()) => {
                self.forwarding = 0;
                *arrived = rest;
                self.input.frame_taken(budget);
                true
            }
            Err(frame) => {
                if kept {
                    self.input.put_back(frame);
                }
                false
            }
        }
    }

    /// Keeps all that arrived; `expected` are the bytes of its first frame as far as that is known.
    fn keep(&mut self, arrived: &mut &[u8], expected: usize, progress: Progress) -> Progress {
        match self.input.append(arrived, expected, &self.shared.budget) {
            Ok(()) => {
                *arrived = &[];
                progress
            }
            Err(NoRoom) => Progress::NoRoom,
        }
    }

    fn fail(&mut self, error: &dyn Display, now: Now) {
        let peer = self.peer.address;
        self.shared.lines.admit(now.monotonic, || tracing::info!(%peer, "closed: {error}"));
        self.stop_reading();
    }

    fn stop_reading(&mut self) {
        self.input.clear(&self.shared.budget);
        self.forwarding = 0;
        self.paused = false;
        self.ended = true;
        self.tell();
    }

    fn tell(&mut self) {
        if !self.told {
            self.told = true;
            self.shared.registry.disconnected(self.peer.conn);
        }
    }

    fn count_output(&mut self) {
        let before = std::mem::replace(&mut self.output_counted, self.output.bytes());
        self.shared.budget.note_output(before, self.output_counted);
    }

    fn is_clogged(&self) -> bool {
        self.output.bytes() >= self.shared.limits.output_bytes_pause
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.tell();
        self.input.clear(&self.shared.budget);
        self.shared.budget.note_output(self.output_counted, 0);
        self.shared.budget.disconnect();
    }
}

#[cfg(test)]
pub(crate) mod tests;
