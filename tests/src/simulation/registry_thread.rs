//! The registry thread of a NameServer: the real node, driven as the shell drives it, and the ledger beside it.

use super::agenda::Time;
use super::audit::{hear_of, reply_about_kv};
use super::happening::Chore;
use super::invariant::{self, Invariant, Verdict, violated};
use super::io_thread::{IoThreads, ToIo};
use super::ledger::{Ledger, Told};
use super::saver::Saver;
use super::threads::{Context, Shared};
use super::warmth::Readiness;
use crate::answer::Answer;
use crate::model::Tables;
use crate::step::Content;
use bytes::Bytes;
use namesrv_core::ConnId;
use namesrv_core::config::Limits;
use namesrv_core::node::{BATCH_INPUTS_MAX, Input, Node, Output};
use namesrv_core::route::RouteView;
use namesrv_core::time::Now;
use std::sync::Arc;

/// Requests that may wait for the registry thread.
const QUEUE_REQUESTS_MAX: usize = 6;

/// The only thread that changes anything.
#[derive(Debug)]
pub(super) struct RegistryThread {
    node: Node,
    alarm: Option<Time>,
    pub(super) ledger: Ledger,
    /// What was known before this turn, if a snapshot may be made in it.
    before: Option<(Tables, Arc<RouteView>)>,
    /// The view that was compared last, and with which moment.
    compared: Option<(Arc<RouteView>, u64)>,
    pub(super) readiness: Readiness,
    /// When it was told to stop.
    pub(super) stopping_since: Option<Time>,
}

/// Limits that are reached now and then.
pub(super) fn limits() -> Limits {
    Limits {
        forwarded_per_connection_max: 4,
        output_bytes_pause: 2 * 1024,
        output_bytes_max: 64 * 1024,
        registry_queue_requests_max: QUEUE_REQUESTS_MAX,
        ..Limits::default()
    }
}

/// Whether a snapshot may be made before the next inputs are taken.
fn may_save_snapshot(node: &Node, shared: &Shared, now: Now) -> bool {
    let is_taken_later = |input: &Input| matches!(input, Input::Frame { .. } | Input::Disconnected(_));
    node.poll_timeout().is_some_and(|due| due <= now.monotonic) || !shared.to_node.iter().all(is_taken_later)
}

impl RegistryThread {
    pub(super) fn new(node: Node, ledger: Ledger, now: Time) -> Self {
        Self {
            node,
            alarm: None,
            ledger,
            before: None,
            compared: None,
            readiness: Readiness::new(now),
            stopping_since: None,
        }
    }

    /// The server sends newer clients elsewhere, as before a graceful stop.
    pub(super) fn shut_down(&mut self, context: &mut Context<'_>) {
        if self.stopping_since.is_none() {
            self.stopping_since = Some(context.simulator.now());
            context.shared.to_node.push_back(Input::Stop);
            context.wake_registry();
        }
    }

    /// A deadline may be over.
    pub(super) fn wake_up(&mut self, context: &mut Context<'_>) {
        if self.alarm.is_some_and(|alarm| alarm <= context.simulator.now()) {
            self.alarm = None;
            context.wake_registry();
        }
    }

    /// Hands in what arrived, all of it or only its front, and carries a batch out. Returns whether the node has ended.
    pub(super) fn take_batch(&mut self, io: &mut IoThreads, saver: &mut Saver, context: &mut Context<'_>) -> bool {
        context.shared.is_registry_due = false;
        let now = context.now();
        let (waiting, random) = (context.shared.to_node.len(), &mut context.simulator.random);
        let inputs = if waiting > 1 && random.u8(..) < 64 { random.usize(1..waiting) } else { waiting };
        // With the tick they make one batch, of which the ledger knows everything.
        let inputs = inputs.min(BATCH_INPUTS_MAX - 1);
        self.ledger.pass(now.monotonic.as_millis());
        self.before = may_save_snapshot(&self.node, context.shared, now)
            .then(|| (self.ledger.saved(), Arc::clone(&context.shared.view)));
        for input in context.shared.to_node.drain(..inputs).collect::<Vec<_>>() {
            self.hand_in(input, now, context);
        }
        let ticks = context.shared.to_node.is_empty();
        if ticks {
            self.node.handle(Input::Tick, now);
        }
        if self.carry_out(ticks, io, saver, context) {
            return true;
        }
        let due = self.node.poll_timeout();
        if !context.shared.to_node.is_empty() || due.is_some_and(|due| due <= now.monotonic) {
            context.wake_registry();
        } else if let Some(due) = due
            && self.alarm.is_none_or(|alarm| alarm > due.as_millis())
        {
            self.alarm = Some(due.as_millis());
            context.plan(due.as_millis() - now.monotonic.as_millis(), Chore::Alarm);
        }
        false
    }

    fn hand_in(&mut self, input: Input, now: Now, context: &mut Context<'_>) {
        match &input {
            Input::Frame { peer, frame, .. } => {
                let Context { host, simulator, .. } = context;
                let opaque = Answer::decode(frame).map_or(0, |request| request.opaque);
                let told = simulator.sent.get(&opaque).map_or(&Told::Nothing, |sent| &sent.told);
                self.ledger.hand_in(told, peer.conn);
                if let Told::OfRoutes(Content::Register(registration)) = told {
                    host.left.remove(registration.address.as_deref().unwrap_or_default());
                }
                if let Told::Kv { key, change: Some(change) } = told {
                    host.kv.hand_in(opaque, key, change);
                }
            }
            Input::Disconnected(conn) => self.ledger.disconnect(*conn),
            Input::Saved { .. }
            | Input::ReplyTaken { .. }
            | Input::ReplaceAccess(_)
            | Input::Tick
            | Input::Reload(_)
            | Input::Attached
            | Input::Stop
            | Input::Finish => {}
        }
        self.node.handle(input, now);
    }

    /// Carries out one batch. Returns whether the node has ended.
    fn carry_out(&mut self, ticks: bool, io: &mut IoThreads, saver: &mut Saver, context: &mut Context<'_>) -> bool {
        let outputs: Vec<_> = std::iter::from_fn(|| self.node.poll_output()).collect();
        if ticks {
            self.ledger.look();
        }
        hear_of(&outputs, self.ledger.end_batch(), context);
        let mut is_checked = false;
        let mut is_over = false;
        for output in outputs {
            if matches!(output, Output::Reply { .. }) && !std::mem::replace(&mut is_checked, true) {
                self.compare_view(context);
            }
            is_over |= self.carry_out_one(output, io, saver, context);
        }
        is_over
    }

    /// Compares what clients are shown with what they should be.
    fn compare_view(&mut self, context: &mut Context<'_>) {
        let (view, number) = (&context.shared.view, self.ledger.number());
        if !matches!(&self.compared, Some((compared, of)) if Arc::ptr_eq(compared, view) && *of == number) {
            context.simulator.check(invariant::view_shows(&self.ledger, view));
            self.compared = Some((Arc::clone(view), number));
        }
        context.simulator.check(invariant::view_marks(&self.ledger, view));
    }

    fn carry_out_one(
        &mut self,
        output: Output,
        io: &mut IoThreads,
        saver: &mut Saver,
        context: &mut Context<'_>,
    ) -> bool {
        let simulator = &mut *context.simulator;
        match output {
            Output::Release { requests, bytes } => context.shared.quotas.queue().release(requests, bytes),
            Output::Publish(view) => {
                simulator.coverage.count("output Publish");
                context.shared.view = view;
            }
            Output::Reply { conn, frame } => self.reply(conn, frame, io, context),
            Output::Close { conn, reason } => {
                simulator.coverage.count(&format!("output Close {reason:?}"));
                simulator.check(invariant::nobody_is_over(conn, &self.ledger));
                io.post(conn, ToIo::Close { conn, reason }, context);
            }
            Output::Notify { address, .. } => {
                simulator.coverage.count("output Notify");
                simulator.note(format_args!("notice to {address}"));
            }
            Output::Save { ticket, contents } => saver.save(ticket, contents, context),
            Output::SaveSnapshot { ticket, source } => {
                let known = self.before.clone().expect("what was known before");
                let now = context.now();
                let contents = context.host.snapshots.encode(&source, known, now);
                saver.save(ticket, contents, context);
            }
            Output::Event(_) | Output::Announce => {}
            Output::RepliesStuck { bytes } => simulator.check(invariant::replies_are_taken(bytes)),
            Output::Stopping { .. } => simulator.coverage.count("output Stopping"),
            Output::StopIo { within } => {
                simulator.coverage.count("output StopIo");
                let is_saved = |since| context.host.snapshots.has_one_since(since);
                if !self.stopping_since.is_none_or(is_saved) {
                    simulator.check(violated(Invariant::StopsInOrder, "it stops without a snapshot"));
                }
                io.stop(within, context);
            }
            Output::Finished => {
                simulator.coverage.count("output Finished");
                let saves = saver.waiting();
                let verdict = violated(Invariant::StopsInOrder, format!("it ends while {saves} saves go on"));
                simulator.check(if saves > 0 { verdict } else { check_queue_quota(context.shared) });
                return true;
            }
        }
        false
    }

    fn reply(&mut self, conn: ConnId, frame: Bytes, io: &mut IoThreads, context: &mut Context<'_>) {
        let Context { host, simulator, .. } = context;
        simulator.coverage.count(if frame.is_empty() { "output Reply empty" } else { "output Reply" });
        if let Ok(answer) = Answer::decode(&frame)
            && let Some(sent) = simulator.sent.get_mut(&answer.opaque)
        {
            sent.moment = Some(self.ledger.number());
            if let Told::Kv { key, change } = &sent.told {
                let verdict = reply_about_kv(&mut host.kv, &answer, key, change.is_some());
                simulator.check(verdict);
            }
        }
        io.post(conn, ToIo::Reply { conn, frame }, context);
    }

    /// What must hold whenever the I/O threads have looked at their deadlines.
    pub(super) fn check(&mut self, io: &IoThreads, saver: &Saver, context: &mut Context<'_>) {
        let now = context.simulator.now();
        context.simulator.check(invariant::deadlines_are_kept(&self.ledger, now, &context.shared.pauses));
        self.readiness.check(&self.ledger, context);
        let Context { shared, simulator, .. } = context;
        if shared.to_node.is_empty() && io.has_read_all() {
            simulator.check(invariant::replies_are_taken(self.node.reply_bytes_out()));
        }
        if shared.to_node.is_empty() && self.stopping_since.is_none() {
            simulator.check(invariant::nobody_outlives_a_connection(&self.ledger, |conn| io.has(conn)));
        }
        if let Some(since) = self.stopping_since {
            simulator.check(invariant::has_stopped(since, saver.idle_since(), now, &shared.pauses));
        }
    }
}

/// [`Invariant::QuotasReturn`]: the queue is empty, so all of its places are free.
fn check_queue_quota(shared: &Shared) -> Verdict {
    let queue = shared.quotas.queue();
    let free = (0..QUEUE_REQUESTS_MAX).take_while(|_| queue.try_reserve(0)).count();
    queue.release(free, 0);
    if free == QUEUE_REQUESTS_MAX {
        return Ok(());
    }
    violated(Invariant::QuotasReturn, format!("{free} of {QUEUE_REQUESTS_MAX} places of an empty queue are free"))
}
