//! The driver's policy: which inputs make a batch, when time may pass, what waits for what, and how a server stops.
//!
//! A [`Node`] owns the one registry. It has no channel and no thread, and never waits, sends, logs or reads a clock.
//! The registry thread of every server, the simulation and the tests drive this same type, all in the same way
//! (`core/examples/blocking.rs` is a complete server):
//!
//! 1. hand in all inputs that have arrived, in order, then [`Input::Tick`];
//! 2. carry out [`Node::poll_output`] until it returns `None`: that is one batch;
//! 3. wait for the next input, but no longer than until [`Node::poll_timeout`].
//!
//! ```
//! use namesrv_core::config::Configuration;
//! use namesrv_core::initial_state::InitialState;
//! use namesrv_core::node::{Input, Node, Output};
//! use namesrv_core::time::Now;
//!
//! let initial = InitialState::new([0; 16], Configuration::default());
//! let now = Now::default();
//!
//! let mut node = Node::new(initial, now);
//! node.handle(Input::Attached, now);
//! assert!(matches!(node.poll_output(), Some(Output::Publish(_))));
//! assert!(matches!(node.poll_output(), Some(Output::Announce)));
//! assert!(node.poll_output().is_none());
//! ```
//!
//! # The order of inputs
//!
//! The node takes frames, disconnects and ticks in the order in which the driver handed them in. So a tick judges
//! brokers only after everything that arrived before it, and later input does not delay the tick. A disconnect does not
//! overtake frames either. If it overtook frames of its own connection, they could register a broker that no later
//! disconnect removes. If it overtook those of a broker that has just registered over a new connection, the broker
//! would vanish for a moment.
//!
//! All other inputs take effect at once.
//!
//! # Replies that nobody takes
//!
//! A reply waits in the inbox of an I/O thread until the thread takes it ([`Input::ReplyTaken`]). While more than
//! [`REPLY_BYTES_MAX`] wait there, the node takes no frame from its queue, nor anything behind that frame. The queue
//! fills, connections stop reading, and so the clients wait.
//!
//! I/O threads never wait for the registry, so credit returns within milliseconds, unless a thread is stuck. If none
//! returns for [`REPLY_WAIT_MAX`], the node counts all outstanding replies as lost, and goes on. So a stuck thread
//! delays the others once by this time, and once more for each [`REPLY_BYTES_MAX`] of replies to it. There are few of
//! those, because the thread forwards nothing more. If it recovers and takes them, they count as taken.

mod input;
mod snapshots;
#[cfg(test)]
mod tests;

pub use crate::output::Output;
pub use input::Input;
pub use snapshots::SNAPSHOT_EVERY;

use crate::access::Verdict;
use crate::initial_state::InitialState;
use crate::registry::Registry;
use crate::report::{Report, ReportRequest};
use crate::save::{SaveFile, SaveTicket};
use crate::tally::Tally;
use crate::time::{Duration, Instant, Now};
use crate::{ConnId, Peer};
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use snapshots::Snapshots;

/// The most inputs of one batch. Its replies wait for all of them.
pub const BATCH_INPUTS_MAX: usize = 256;
/// A batch ends at this many bytes of frames, or of replies.
pub const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The node takes no more frames while I/O threads have left more than this many bytes of replies.
pub const REPLY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long the node waits for I/O threads that take no replies.
pub const REPLY_WAIT_MAX: Duration = Duration::from_secs(1);
/// How long I/O threads may take to write pending answers when the server stops. The answers may wait for files on a
/// slow disk.
pub const STOP_WITHIN: Duration = Duration::from_secs(3);

/// The registry and the policy of its driver. See the [module](self) for how to drive it.
#[derive(Debug)]
pub struct Node {
    registry: Registry,
    /// Inputs whose order matters, each with the time when the driver handed it in.
    queue: VecDeque<(Ordered, Now)>,
    /// Whether a tick is in the queue.
    tick_waits: bool,
    /// The latest time that the driver handed in.
    now: Instant,
    state: State,
    /// Frames of this batch that were not yet returned to the quota.
    taken: Load,
    replies: ReplyCredit,
    /// Saves that have not ended: at most one for each file, except for the last snapshot.
    saves: Vec<SaveTicket>,
    snapshots: Snapshots,
    phase: Phase,
    is_attached: bool,
    /// When to stop the I/O threads.
    stop_io_at: Option<Instant>,
    /// The node's own outputs, which follow those of the registry.
    outputs: VecDeque<Output>,
}

/// Inputs whose order matters.
#[derive(Debug)]
enum Ordered {
    Frame(Peer, Bytes, Verdict),
    Disconnected(ConnId),
    Tick,
}

/// What the next call of [`Node::poll_output`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It has nothing to do.
    Idle,
    /// It begins a batch.
    Ready,
    /// It continues with the outputs of a batch.
    Draining,
}

/// A number of requests and their bytes.
#[derive(Debug, Default)]
struct Load {
    requests: usize,
    bytes: usize,
}

/// How far the server is between its start and its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Running,
    /// The operator asked the server to stop.
    Stopping,
    /// The I/O threads have ended.
    Finishing,
    Finished,
}

/// Replies that I/O threads have not taken.
#[derive(Debug, Default)]
struct ReplyCredit {
    bytes: usize,
    /// Bytes of replies whose connections seem stuck.
    lost: usize,
    /// When the outstanding replies count as lost. Set while a frame waits for credit.
    lost_at: Option<Instant>,
}

impl Node {
    /// A node without brokers. Its first output is the first view.
    #[must_use]
    pub fn new(initial: InitialState, now: Now) -> Self {
        let snapshots = Snapshots::new(initial.saves_snapshots, now.monotonic);
        Self {
            registry: Registry::new(initial, now),
            queue: VecDeque::new(),
            tick_waits: false,
            now: now.monotonic,
            state: State::Ready,
            taken: Load::default(),
            replies: ReplyCredit::default(),
            saves: Vec::new(),
            snapshots,
            phase: Phase::Running,
            is_attached: false,
            stop_io_at: None,
            outputs: VecDeque::new(),
        }
    }

    /// Hands in an input. It may come at any time, even between two outputs.
    ///
    /// `now` must not go back, and no input may follow [`Output::Finished`]. Frames, disconnects and ticks only wait
    /// here for [`poll_output`](Self::poll_output). The work after a save is bounded by the limits of the requests that
    /// may wait for it.
    pub fn handle(&mut self, input: Input, now: Now) {
        debug_assert!(now.monotonic >= self.now, "{:?} after {:?}", now.monotonic, self.now);
        debug_assert!(self.phase < Phase::Finished, "{input:?} after the end");
        self.now = now.monotonic;
        match input {
            Input::Frame { .. } | Input::Disconnected(_) if self.phase >= Phase::Finishing => return,
            Input::Frame { peer, frame, verdict } => {
                self.queue.push_back((Ordered::Frame(peer, frame, verdict), now));
            }
            Input::Disconnected(conn) => self.queue.push_back((Ordered::Disconnected(conn), now)),
            Input::Tick => self.tick(now),
            Input::Saved { ticket, result } => {
                let before = self.saves.len();
                self.saves.retain(|save| *save != ticket);
                debug_assert!(self.saves.len() + 1 == before, "{ticket:?} is not being saved");
                if ticket.file != SaveFile::Snapshot || self.snapshots.note_end(result.is_ok()) {
                    self.registry.handle_saved(ticket, result);
                }
            }
            Input::Reload(configuration) => self.registry.handle_reload(&configuration),
            Input::ReplyTaken { bytes } => self.replies.give_back(bytes, self.now),
            Input::ReplaceAccess(access) => self.registry.replace_access(access),
            Input::Attached => {
                debug_assert!(!self.is_attached, "attached twice");
                self.is_attached = true;
                self.outputs.push_back(Output::Announce);
                self.stop_io_if_due();
            }
            Input::Stop => self.stop(),
            Input::Finish => self.finish(),
        }
        if self.is_idle() {
            self.state = State::Ready;
        }
    }

    /// Returns the next thing to carry out, or `None` at the end of a batch.
    ///
    /// The first call after `None` takes a batch: at most [`BATCH_INPUTS_MAX`] inputs, and none once
    /// [`BATCH_BYTES_MAX`] of frames or replies are reached. If more waits, the node is not [idle](Self::is_idle).
    pub fn poll_output(&mut self) -> Option<Output> {
        match self.state {
            State::Idle => return None,
            State::Ready => self.take_batch(),
            State::Draining => {}
        }
        self.state = State::Draining;
        let output = self.next_output();
        if output.is_none() {
            self.state = if self.may_take_next() { State::Ready } else { State::Idle };
        }
        output
    }

    /// Returns what only the registry knows. Call it between two batches.
    #[must_use]
    pub fn report(&self, request: &ReportRequest, now: Now) -> Report {
        self.registry.report(request, now)
    }

    /// Returns the counts of the registry's answers since they were last taken. Take them after each batch.
    pub const fn tally(&mut self) -> &mut Tally {
        self.registry.tally()
    }

    /// Names every broken relation between the tables of the registry. A correct server has none.
    #[must_use]
    pub fn check(&self) -> Vec<String> {
        self.registry.check()
    }

    /// Returns the bytes of replies that no I/O thread has taken.
    #[must_use]
    pub const fn reply_bytes_out(&self) -> usize {
        self.replies.bytes
    }

    /// Whether [`poll_output`](Self::poll_output) has nothing to do until the next input.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.state == State::Idle
    }

    /// Returns when to hand in [`Input::Tick`] and call [`poll_output`](Self::poll_output) if no other input comes
    /// first, or `None` if only an input can change anything.
    ///
    /// Every call of `handle` and `poll_output` can change the result. While outputs wait to be polled, the time has
    /// already come.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if !self.is_idle() {
            return Some(self.now);
        }
        if self.phase == Phase::Finished {
            return None;
        }
        let registry = self.registry.poll_timeout().filter(|_| !self.tick_waits);
        let stop = self.stop_io_at.filter(|_| self.is_attached);
        [registry, stop, self.replies.lost_at, self.snapshot_due_at()].into_iter().flatten().min()
    }

    /// Does at once what is due for the node itself. The tick reaches the registry in its turn.
    fn tick(&mut self, now: Now) {
        self.stop_io_if_due();
        if self.snapshot_due_at().is_some_and(|due| due <= self.now) {
            self.snapshots.note_start(self.now);
            self.save_snapshot();
        }
        if let Some(bytes) = self.replies.give_up(self.now) {
            self.outputs.push_back(Output::RepliesStuck { bytes });
        }
        let is_due = self.registry.poll_timeout().is_some_and(|deadline| deadline <= now.monotonic);
        if is_due && !self.tick_waits {
            self.tick_waits = true;
            self.queue.push_back((Ordered::Tick, now));
        }
    }

    /// Stops the I/O threads at once, or, with `enableShutdownGracefully`, after a time in which newer clients are told
    /// to use another server (Java: `NettyRemotingServer.shutdown`).
    fn stop(&mut self) {
        if self.phase >= Phase::Stopping {
            return;
        }
        self.phase = Phase::Stopping;
        let settings = self.registry.settings();
        let mut wait = Duration::ZERO;
        if settings.enable_shutdown_gracefully {
            wait = Duration::from_secs(u64::try_from(settings.shutdown_wait_time_seconds).unwrap_or(0));
            self.registry.handle_shutdown();
        }
        self.outputs.push_back(Output::Stopping { wait });
        self.stop_io_at = Some(self.now + wait);
        self.stop_io_if_due();
    }

    /// No I/O thread is left to stop or to take replies.
    fn finish(&mut self) {
        self.phase = self.phase.max(Phase::Finishing);
        self.stop_io_at = None;
        self.replies.lost_at = None;
    }

    /// Stops the I/O threads if it is time. Those that are not attached yet stop when they are.
    fn stop_io_if_due(&mut self) {
        let is_due = self.stop_io_at.is_some_and(|at| at <= self.now);
        if is_due && self.is_attached {
            self.stop_io_at = None;
            // Take it now, before brokers lose their connections.
            if self.snapshots.are_wanted() {
                self.snapshots.note_last();
                self.save_snapshot();
            }
            self.outputs.push_back(Output::StopIo { within: STOP_WITHIN });
        }
    }

    /// Returns when to save a snapshot, or `None` while a save is running.
    fn snapshot_due_at(&self) -> Option<Instant> {
        let is_saving = self.saves.iter().any(|ticket| ticket.file == SaveFile::Snapshot);
        self.snapshots.due_at().filter(|_| !is_saving)
    }

    fn save_snapshot(&mut self) {
        let (ticket, source) = self.registry.snapshot(self.now);
        self.saves.push(ticket);
        self.outputs.push_back(Output::SaveSnapshot { ticket, source });
    }

    fn take_batch(&mut self) {
        debug_assert!(self.taken.requests == 0, "{:?} left by the last batch", self.taken);
        let mut inputs = 0;
        while inputs < BATCH_INPUTS_MAX
            && self.taken.bytes.max(self.registry.reply_bytes()) < BATCH_BYTES_MAX
            && self.may_take_next()
            && let Some((input, now)) = self.queue.pop_front()
        {
            inputs += 1;
            self.take(input, now);
        }
        if self.queue.is_empty() {
            self.queue.shrink_to(BATCH_INPUTS_MAX);
        }
    }

    fn take(&mut self, input: Ordered, now: Now) {
        match input {
            Ordered::Frame(peer, frame, verdict) => {
                self.taken.requests += 1;
                self.taken.bytes += frame.len();
                self.registry.handle_frame(peer, &frame, verdict, now);
            }
            Ordered::Disconnected(conn) => self.registry.handle_disconnect(conn),
            Ordered::Tick => {
                self.tick_waits = false;
                self.registry.handle_timeout(now);
            }
        }
    }

    /// Whether the node may take the first input of the queue. If that is a frame without credit, the time begins after
    /// which it no longer waits.
    fn may_take_next(&mut self) -> bool {
        match self.queue.front() {
            None => false,
            Some((Ordered::Disconnected(_) | Ordered::Tick, _)) => true,
            Some((Ordered::Frame(..), _)) => {
                self.phase >= Phase::Finishing || self.replies.admit_frame(self.registry.reply_bytes(), self.now)
            }
        }
    }

    /// Returns first the places in the quota, then the outputs of the registry (with the view before all others), then
    /// those of the node.
    fn next_output(&mut self) -> Option<Output> {
        let Load { requests, bytes } = core::mem::take(&mut self.taken);
        if requests > 0 {
            return Some(Output::Release { requests, bytes });
        }
        if let Some(output) = self.registry.poll_output() {
            self.note(&output);
            if self.registry.take_change() {
                self.snapshots.note_change();
            }
            return Some(output);
        }
        let own = self.outputs.pop_front();
        let is_over = self.phase == Phase::Finishing && self.queue.is_empty() && self.saves.is_empty();
        if own.is_none() && is_over {
            self.phase = Phase::Finished;
            return Some(Output::Finished);
        }
        own
    }

    /// Remembers what the driver must hand back.
    fn note(&mut self, output: &Output) {
        match output {
            Output::Reply { frame, .. } => self.replies.bytes += frame.len(),
            Output::Save { ticket, .. } => self.saves.push(*ticket),
            Output::Release { .. }
            | Output::Publish(_)
            | Output::Close { .. }
            | Output::Notify { .. }
            | Output::SaveSnapshot { .. }
            | Output::Event(_)
            | Output::Announce
            | Output::RepliesStuck { .. }
            | Output::Stopping { .. }
            | Output::StopIo { .. }
            | Output::Finished => {}
        }
    }
}

impl ReplyCredit {
    /// Whether there is credit for one more frame, with `pending` bytes of replies not handed out yet. If not, the time
    /// begins after which replies count as lost.
    fn admit_frame(&mut self, pending: usize, now: Instant) -> bool {
        let admits = self.bytes - self.lost + pending < REPLY_BYTES_MAX;
        if admits {
            self.lost_at = None;
        } else {
            self.lost_at.get_or_insert(now + REPLY_WAIT_MAX);
        }
        admits
    }

    /// Notes that an I/O thread took replies, so it works.
    fn give_back(&mut self, bytes: usize, now: Instant) {
        debug_assert!(bytes <= self.bytes, "{bytes} bytes taken of {}", self.bytes);
        self.bytes = self.bytes.saturating_sub(bytes);
        self.lost = self.lost.min(self.bytes);
        self.lost_at = self.lost_at.map(|_| now + REPLY_WAIT_MAX);
    }

    /// Counts all outstanding replies as lost if the node has waited long enough. If so, returns their bytes.
    fn give_up(&mut self, now: Instant) -> Option<usize> {
        self.lost_at.take_if(|at| *at <= now)?;
        self.lost = self.bytes;
        Some(self.lost)
    }
}
