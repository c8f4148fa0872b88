//! The registry thread: feeds the one registry from its queue and carries out what it asks for.

use crate::clock::Clock;
use crate::events;
use crate::notifier::Notifier;
use crate::queue::{Input, QueueReceiver};
use crate::saver::Saver;
use crate::server::{Inboxes, ToIo};
use arc_swap::ArcSwap;
use namesrv_core::registry::{Output, Registry};
use namesrv_core::route::RouteView;
use namesrv_core::time::Millis;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;
use tracing::info;

/// A batch ends after so many inputs, or when their frames pass so many bytes: its replies wait for all of it.
const BATCH_INPUTS_MAX: usize = 256;
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How long I/O threads may take to write what is owed when the server stops.
const STOP_WITHIN: Duration = Duration::from_secs(1);

/// Everything that the thread works with.
#[derive(Debug)]
pub(crate) struct RegistryThread {
    pub(crate) registry: Registry,
    pub(crate) queue: QueueReceiver,
    pub(crate) views: Arc<ArcSwap<RouteView>>,
    pub(crate) inboxes: Arc<Inboxes>,
    pub(crate) saver: Saver,
    pub(crate) notifier: Notifier,
    pub(crate) clock: Clock,
    /// Told to the operator once the server accepts connections.
    pub(crate) boot_line: String,
    pub(crate) progress: Progress,
}

/// Where the thread stands.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Inputs to be taken before the registry's clock may tick: those that waited when its deadline was seen to have passed.
    inputs_before_tick: Option<usize>,
    /// Saves that were asked for and have not ended.
    saving: usize,
    /// When the I/O threads are to be stopped.
    stop_at: Option<Millis>,
    stopping: bool,
    finishing: bool,
}

impl RegistryThread {
    /// Works until all I/O threads are done and everything is saved.
    pub(crate) fn run(mut self) {
        loop {
            self.tick();
            self.carry_out();
            self.stop_when_due();
            if self.progress.finishing && self.progress.saving == 0 {
                return;
            }
            match self.queue.receive(self.timeout()) {
                Some(input) => self.take_batch(input),
                // What waited has been taken, whatever its number.
                None => self.progress.inputs_before_tick = self.progress.inputs_before_tick.map(|_| 0),
            }
        }
    }

    /// How long to wait for input: until the next deadline, and not at all while one is due.
    fn timeout(&self) -> Option<Duration> {
        // Nothing can be stopped before it is attached, and that is an input.
        let stop_at = self.progress.stop_at.filter(|_| self.inboxes.are_attached());
        let deadline = self.registry.poll_timeout().into_iter().chain(stop_at).min()?;
        Some(Duration::from_millis(deadline.since(self.clock.now().monotonic).0))
    }

    /// Tells the registry that time passed, but only after what peers had sent by then: a server that was stopped for a
    /// while must hear them before it judges them. What arrives meanwhile does not delay it further.
    fn tick(&mut self) {
        let now = self.clock.now();
        if self.registry.poll_timeout().is_none_or(|deadline| deadline > now.monotonic) {
            self.progress.inputs_before_tick = None;
            return;
        }
        let waiting = self.queue.waiting();
        if *self.progress.inputs_before_tick.get_or_insert(waiting) == 0 {
            self.progress.inputs_before_tick = None;
            self.registry.handle_timeout(now);
        }
    }

    fn take_batch(&mut self, first: Input) {
        let mut inputs = 0;
        let mut bytes = 0;
        let mut next = Some(first);
        while let Some(input) = next {
            inputs += 1;
            if let Input::Frame(_, frame) = &input {
                bytes += frame.len();
            }
            self.take(input);
            let room = inputs < BATCH_INPUTS_MAX && bytes < BATCH_BYTES_MAX;
            next = if room { self.queue.receive(Some(Duration::ZERO)) } else { None };
        }
        if let Some(before_tick) = &mut self.progress.inputs_before_tick {
            *before_tick = before_tick.saturating_sub(inputs);
        }
    }

    fn take(&mut self, input: Input) {
        let now = self.clock.now();
        match input {
            Input::Frame(peer, frame) => self.registry.handle_frame(peer, &frame, now),
            Input::Disconnected(conn) => self.registry.handle_disconnect(conn, now),
            Input::Saved(ticket, result) => {
                self.progress.saving -= 1;
                self.registry.handle_saved(ticket, result, now);
            }
            Input::Attached => self.announce(),
            Input::Stop => self.begin_to_stop(),
            Input::Finish => self.progress.finishing = true,
        }
    }

    /// Carries out everything that the registry asks for, in order.
    fn carry_out(&mut self) {
        while let Some(output) = self.registry.poll_output() {
            match output {
                Output::Publish(view) => self.views.store(view),
                Output::Reply { conn, frame } => self.inboxes.deliver(conn, ToIo::Reply { conn, frame }),
                Output::Close { conn, reason } => self.inboxes.deliver(conn, ToIo::Close { conn, reason }),
                Output::Notify { address, frame } => self.notifier.notify(address, frame),
                Output::Save { ticket, file, contents } => {
                    self.progress.saving += 1;
                    self.saver.save(ticket, file, contents);
                }
                Output::Event(event) => events::log(&event),
            }
        }
    }

    fn announce(&self) {
        info!("{}", self.boot_line);
        // Nobody may be reading.
        let _ = writeln!(std::io::stdout(), "{}", self.boot_line);
    }

    fn begin_to_stop(&mut self) {
        if self.progress.stopping {
            return;
        }
        self.progress.stopping = true;
        let now = self.clock.now();
        self.progress.stop_at = Some(now.monotonic);
    }

    fn stop_when_due(&mut self) {
        let due = self.progress.stop_at.is_some_and(|at| at <= self.clock.now().monotonic);
        if due && self.inboxes.stop(STOP_WITHIN) {
            self.progress.stop_at = None;
        }
    }
}
