//! A NameServer: the real node and the real connections, driven as the shell drives them, but by the agenda.

use super::agenda::Time;
use super::audit::kv_entries;
use super::cluster::{Cluster, Role, Task};
use super::disk::Disk;
use super::invariant::{self, Invariant, Verdict, violated};
use super::io_thread::{IoThread, ToIo};
use super::kv_ledger::KvLedger;
use super::ledger::{Ledger, Saved, Told};
use super::network::{ProcessId, Socket};
use super::saver::Save;
use super::secure::ServerTls;
use super::snapshots::Snapshots;
use crate::answer::Answer;
use crate::process_keys::read_configuration;
use bytes::Bytes;
use namesrv_core::ConnId;
use namesrv_core::config::properties::{self, Property};
use namesrv_core::config::{Configuration, Limits};
use namesrv_core::initial_state::InitialState;
use namesrv_core::kv::KvFile;
use namesrv_core::node::{Input, Node, Output};
use namesrv_core::quota::Quotas;
use namesrv_core::route::{RouteQuery, RouteView};
use namesrv_core::save::SaveFile;
use namesrv_core::time::{Instant, Now, WallTime};
use namesrv_core::wire::json::Dialect;
use namesrv_shell::warm_start::Expectation;
use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// I/O threads of every server.
pub(super) const IO_THREADS: usize = 2;
/// I/O threads look at their deadlines as often as this.
const TICK_MILLIS: Time = 1000;
/// Requests that may wait for the registry thread.
const QUEUE_REQUESTS_MAX: usize = 6;
/// The wall clock when the world begins.
const WALL_START_MILLIS: i64 = 1_750_000_000_000;

/// Work of a NameServer that nothing has to arrive for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chore {
    /// The registry thread takes a batch of inputs, ticks and carries out.
    Registry,
    /// The registry thread wakes up for a deadline.
    Alarm,
    /// An I/O thread reads its inbox.
    Inbox(usize),
    /// A connection has its turn.
    Drive(ConnId),
    /// The I/O threads look at their deadlines.
    Tick,
    /// The saver goes one step on.
    Save,
}

/// A server with its host: what is left of it when it does not run.
#[derive(Debug)]
pub(super) struct NameServer {
    pub(super) process: ProcessId,
    pub(super) properties: Vec<(String, String)>,
    pub(super) disk: Disk,
    pub(super) kv: KvLedger,
    pub(super) snapshots: Snapshots,
    /// How far the wall clock is off.
    pub(super) wall_offset: i64,
    /// How long a step of a save takes.
    pub(super) save_millis: Time,
    pub(super) tls: ServerTls,
    pub(super) running: Option<Box<Running>>,
}

/// One life of a server.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) node: Node,
    pub(super) view: Arc<RouteView>,
    pub(super) quotas: Arc<Quotas<Cell<usize>>>,
    /// What the registry thread has not taken.
    pub(super) to_node: VecDeque<Input>,
    pub(super) threads: [IoThread; IO_THREADS],
    pub(super) sockets: BTreeMap<u64, ConnId>,
    pub(super) is_accepting: bool,
    pub(super) is_finishing: bool,
    pub(super) saves: VecDeque<Save>,
    pub(super) opened: u64,
    is_registry_due: bool,
    alarm: Option<Time>,
    pub(super) ledger: Ledger,
    /// What was known before this turn of the registry thread, if a snapshot may be made in it.
    before: Option<(Saved, Arc<RouteView>)>,
    pub(super) started_at: Time,
    pub(super) expectation: Expectation,
    pub(super) is_ready: bool,
    /// The latest moment of the ledger that somebody has a reply from.
    pub(super) moment_in_hand: u64,
    pub(super) pauses: Vec<(Time, Time)>,
    /// When it was told to stop.
    pub(super) stopping_since: Option<Time>,
}

impl NameServer {
    pub(super) fn now(&self, now: Time) -> Now {
        let wall = WALL_START_MILLIS + now as i64 + self.wall_offset;
        Now { monotonic: Instant::from_millis(now), wall: WallTime::from_millis(wall as u64) }
    }

    pub(super) fn note_pause(&mut self, since: Time, now: Time) {
        if let Some(running) = &mut self.running {
            running.pauses.push((since, now));
        }
    }

    fn configuration(&mut self) -> Configuration {
        let property = |(key, value): &(String, String)| Property {
            key: key.clone(),
            value: value.clone(),
            line: 1,
            is_ascii: true,
        };
        let entries: Vec<_> = self.properties.iter().map(property).collect();
        let (mut configuration, _) = read_configuration(&entries).expect("the configuration is good");
        let runtime = properties::parse(self.disk.contents(SaveFile::RuntimeConfig)).expect("its own file is readable");
        configuration.read_runtime_file(&runtime).expect("its own file is good");
        configuration
    }
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

impl Cluster {
    /// A NameServer that does not run yet.
    pub(super) fn add_server(&mut self, name: &str, site: usize, properties: &[(&str, &str)]) -> usize {
        let server = self.servers.len();
        let process = self.add_process(name, site, Role::Server(server));
        self.servers.push(NameServer {
            process,
            properties: properties.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            disk: Disk::default(),
            kv: KvLedger::default(),
            snapshots: Snapshots::default(),
            wall_offset: 0,
            save_millis: 3,
            tls: ServerTls::default(),
            running: None,
        });
        server
    }

    /// Starts a server with what its disk has.
    pub(super) fn start_server(&mut self, server: usize) {
        let now = self.now();
        let secret = self.random.u128(..).to_le_bytes();
        let it = &mut self.servers[server];
        self.network.dark_hosts.remove(&it.process);
        it.disk.settle();
        it.tls.restart();
        let kv = KvFile::decode(it.disk.contents(SaveFile::KvConfig)).expect("its own file is readable").table;
        let found = kv_entries(it.disk.contents(SaveFile::KvConfig));
        let verdict = it.kv.restart(found);
        let configuration = it.configuration();
        let deletes_unlisted = configuration.settings().delete_topic_with_broker_registration;
        let (wall, file) = (it.now(now).wall, it.disk.contents(SaveFile::Snapshot));
        let judged = it.snapshots.judge(file, wall, now);
        let (warm_start, saves_snapshots) =
            (judged.as_ref().and_then(|judged| judged.warmth.start.clone()), judged.is_some());
        let initial = InitialState {
            limits: limits(),
            kv,
            warm_start,
            saves_snapshots,
            ..InitialState::new(secret, configuration)
        };
        let mut node = Node::new(initial, it.now(now));
        let Some(Output::Publish(view)) = node.poll_output() else { panic!("the first output is a view") };
        it.running = Some(Box::new(Running {
            node,
            view,
            quotas: Quotas::shared(&limits()),
            to_node: VecDeque::from([Input::Attached]),
            threads: Default::default(),
            sockets: BTreeMap::new(),
            is_accepting: true,
            is_finishing: false,
            saves: VecDeque::new(),
            opened: 0,
            is_registry_due: false,
            alarm: None,
            ledger: Ledger::new(deletes_unlisted, now),
            before: None,
            started_at: now,
            expectation: Expectation::nothing(),
            is_ready: false,
            moment_in_hand: 0,
            pauses: Vec::new(),
            stopping_since: None,
        }));
        let process = it.process;
        self.check(verdict.or_else(|details| violated(Invariant::AcknowledgedKvIsKept, details)));
        if let Some(judged) = judged {
            self.begin_warm(server, judged);
        }
        self.begin_life(process);
        self.note_of(process, "starts");
        self.plan(process, TICK_MILLIS, Task::Server(Chore::Tick));
        self.wake_registry(server);
        self.revive();
    }

    /// A server ends at once; with its host, the unsynced may be lost.
    pub(super) fn kill_server(&mut self, server: usize, host_too: bool) {
        let it = &mut self.servers[server];
        if it.running.take().is_none() {
            return;
        }
        if host_too {
            let [kv, runtime, snapshot] = [self.random.bool(), self.random.bool(), self.random.bool()];
            it.snapshots.boot(self.agenda.now());
            it.disk.lose_power(|file| match file {
                SaveFile::KvConfig => kv,
                SaveFile::RuntimeConfig => runtime,
                SaveFile::Snapshot => snapshot,
            });
        }
        let process = it.process;
        self.note_of(process, if host_too { "vanishes" } else { "is killed" });
        self.end_life(process, host_too);
    }

    /// A server sends newer clients elsewhere, as before a graceful stop.
    pub(super) fn shut_down_server(&mut self, server: usize) {
        let now = self.now();
        if let Some(running) = &mut self.servers[server].running
            && running.stopping_since.is_none()
        {
            running.stopping_since = Some(now);
            running.to_node.push_back(Input::Stop);
            self.wake_registry(server);
        }
    }

    pub(super) fn server_works(&mut self, server: usize, chore: Chore) {
        let Some(mut running) = self.servers[server].running.take() else { return };
        match chore {
            Chore::Registry => {
                running.is_registry_due = false;
                if self.registry_turn(server, &mut running) {
                    return self.end_server(server);
                }
            }
            Chore::Alarm => {
                if running.alarm.is_some_and(|alarm| alarm <= self.now()) {
                    running.alarm = None;
                    self.plan_registry(server, &mut running);
                }
            }
            Chore::Inbox(thread) => self.read_inbox(server, &mut running, thread),
            Chore::Drive(conn) => self.drive(server, &mut running, conn),
            Chore::Tick => self.tick_io(server, &mut running),
            Chore::Save => self.save_step(server, &mut running),
        }
        self.servers[server].running = Some(running);
    }

    fn wake_registry(&mut self, server: usize) {
        if let Some(mut running) = self.servers[server].running.take() {
            self.plan_registry(server, &mut running);
            self.servers[server].running = Some(running);
        }
    }

    /// The registry thread wakes up soon, if it does not anyway.
    pub(super) fn plan_registry(&mut self, server: usize, running: &mut Running) {
        if !running.is_registry_due {
            running.is_registry_due = true;
            let delay = self.random.u64(0..=2);
            self.plan(self.servers[server].process, delay, Task::Server(Chore::Registry));
        }
    }

    /// The registry thread hands in what arrived, all of it or only its front, and carries a batch out. Returns whether
    /// the node has ended.
    fn registry_turn(&mut self, server: usize, running: &mut Running) -> bool {
        let now = self.servers[server].now(self.now());
        let waiting = running.to_node.len();
        let inputs = if waiting > 1 && self.random.u8(..) < 64 { self.random.usize(1..waiting) } else { waiting };
        running.before = running
            .may_save_snapshot(now)
            .then(|| (running.ledger.saved(now.monotonic.as_millis()), Arc::clone(&running.view)));
        for input in running.to_node.drain(..inputs).collect::<Vec<_>>() {
            self.hand_in(server, running, input, now);
        }
        let ticks = running.to_node.is_empty();
        if ticks {
            running.node.handle(Input::Tick, now);
        }
        if self.carry_out(server, running, ticks) {
            return true;
        }
        let due = running.node.poll_timeout();
        if !running.to_node.is_empty() || due.is_some_and(|due| due <= now.monotonic) {
            self.plan_registry(server, running);
        } else if let Some(due) = due
            && running.alarm.is_none_or(|alarm| alarm > due.as_millis())
        {
            running.alarm = Some(due.as_millis());
            let delay = due.as_millis() - now.monotonic.as_millis();
            self.plan(self.servers[server].process, delay, Task::Server(Chore::Alarm));
        }
        false
    }

    fn hand_in(&mut self, server: usize, running: &mut Running, input: Input, now: Now) {
        match &input {
            Input::Frame { peer, frame, .. } => {
                let opaque = Answer::decode(frame).map_or(0, |request| request.opaque);
                let told = self.sent.get(&opaque).map_or(Told::Nothing, |sent| sent.told.clone());
                running.ledger.hand_in(&told, peer.conn, now.monotonic.as_millis());
                if let Told::Register(registration) = &told {
                    self.faults.left.remove(&(server, registration.address.clone().unwrap_or_default()));
                }
                if let Told::Kv { key, change: Some(change) } = &told {
                    self.servers[server].kv.hand_in(opaque, key, change);
                }
                running.ledger.commit(now.monotonic.as_millis(), false);
            }
            Input::Disconnected(conn) => running.ledger.disconnect(*conn),
            Input::Saved { .. }
            | Input::ReplyTaken { .. }
            | Input::ReplaceAccess(_)
            | Input::Tick
            | Input::Reload(_)
            | Input::Attached
            | Input::Stop
            | Input::Finish => {}
        }
        running.node.handle(input, now);
    }

    /// Carries out one batch. The ledger hears of evictions first, since a view is of the end of a batch. Returns
    /// whether the node has ended.
    fn carry_out(&mut self, server: usize, running: &mut Running, ticks: bool) -> bool {
        let outputs: Vec<_> = std::iter::from_fn(|| running.node.poll_output()).collect();
        for output in &outputs {
            if let Output::Event(event) = output {
                self.hear_of(running, event);
            }
        }
        if let Some(left) = running.ledger.departures.pop() {
            self.check(violated(Invariant::DeparturesHaveReasons, format!("{left:?} is still there")));
        }
        if ticks {
            running.ledger.end_kept(self.now());
        }
        running.ledger.commit(self.now(), true);
        let mut is_checked = false;
        let mut is_over = false;
        for output in outputs {
            if matches!(output, Output::Reply { .. }) && !std::mem::replace(&mut is_checked, true) {
                let moment = running.ledger.newest();
                let view = &running.view;
                self.check(invariant::view_shows(&moment, view.cluster_info(), view.topic_count()));
                self.check(invariant::view_permits(&running.ledger, |topic| route(view, topic)));
                self.check(invariant::view_marks(&running.ledger, view.unconfirmed_count()));
            }
            is_over |= self.carry_out_one(server, running, output);
        }
        running.ledger.permissions.clear();
        is_over
    }

    fn carry_out_one(&mut self, server: usize, running: &mut Running, output: Output) -> bool {
        match output {
            Output::Release { requests, bytes } => running.quotas.queue().release(requests, bytes),
            Output::Publish(view) => {
                self.coverage.count("output Publish");
                running.view = view;
            }
            Output::Reply { conn, frame } => self.reply(server, running, conn, frame),
            Output::Close { conn, reason } => {
                self.coverage.count(&format!("output Close {reason:?}"));
                self.check(invariant::nobody_is_over(conn, &running.ledger));
                self.post(server, running, conn.io_thread(), ToIo::Close { conn, reason });
            }
            Output::Notify { address, .. } => {
                self.coverage.count("output Notify");
                self.note(format_args!("notice to {address}"));
            }
            Output::Save { ticket, contents } => self.save(server, running, ticket, contents),
            Output::SaveSnapshot { ticket, source } => {
                let it = &mut self.servers[server];
                let known = running.before.clone().expect("what was known before");
                let now = self.agenda.now();
                let contents = it.snapshots.encode(&source, known, (it.now(now).wall, now));
                self.save(server, running, ticket, contents);
            }
            Output::Event(_) | Output::Announce => {}
            Output::RepliesStuck { bytes } => {
                self.check(violated(Invariant::QuotasReturn, format!("{bytes} bytes of replies count as not taken")));
            }
            Output::Stopping { .. } => self.coverage.count("output Stopping"),
            Output::StopIo { within } => {
                self.coverage.count("output StopIo");
                (0..IO_THREADS).for_each(|thread| self.post(server, running, thread, ToIo::Stop { within }));
            }
            Output::Finished => {
                self.coverage.count("output Finished");
                let saves = running.saves.len();
                let verdict = violated(Invariant::StopsInOrder, format!("it ends while {saves} saves go on"));
                self.check(if saves > 0 { verdict } else { self.check_queue_quota(running) });
                return true;
            }
        }
        false
    }

    /// [`Invariant::QuotasReturn`]: the queue is empty, so all of its places are free.
    fn check_queue_quota(&self, running: &Running) -> Verdict {
        let queue = running.quotas.queue();
        let free = (0..QUEUE_REQUESTS_MAX).take_while(|_| queue.try_reserve(0)).count();
        queue.release(free, 0);
        if free == QUEUE_REQUESTS_MAX {
            return Ok(());
        }
        violated(Invariant::QuotasReturn, format!("{free} of {QUEUE_REQUESTS_MAX} places of an empty queue are free"))
    }

    /// A server ends because it was told to. Its saves are done, so the power takes nothing.
    fn end_server(&mut self, server: usize) {
        let process = self.servers[server].process;
        self.note_of(process, "has stopped");
        self.end_life(process, false);
    }

    fn reply(&mut self, server: usize, running: &mut Running, conn: ConnId, frame: Bytes) {
        self.coverage.count(if frame.is_empty() { "output Reply empty" } else { "output Reply" });
        if let Ok(answer) = Answer::decode(&frame) {
            let moment = running.ledger.number();
            if let Some(sent) = self.sent.get_mut(&answer.opaque) {
                sent.moment = Some(moment);
                if let Told::Kv { key, change } = sent.told.clone() {
                    self.reply_about_kv(server, &answer, &key, change.is_some());
                }
            }
        }
        self.post(server, running, conn.io_thread(), ToIo::Reply { conn, frame });
    }

    /// Puts a message into the inbox of an I/O thread.
    fn post(&mut self, server: usize, running: &mut Running, thread: usize, message: ToIo) {
        running.threads[thread].inbox.push(message);
        if running.threads[thread].inbox.len() == 1 {
            let delay = self.random.u64(0..=2);
            self.plan(self.servers[server].process, delay, Task::Server(Chore::Inbox(thread)));
        }
    }

    fn tick_io(&mut self, server: usize, running: &mut Running) {
        (0..IO_THREADS).for_each(|thread| self.close_silent(server, running, thread));
        self.check(invariant::nobody_is_silent(&running.ledger, self.now(), &running.pauses));
        self.check_warmth(server, running);
        if running.to_node.is_empty() && running.threads.iter().all(|thread| thread.inbox.is_empty()) {
            self.check(invariant::replies_are_taken(running.node.reply_bytes_out()));
        }
        if let Some(since) = running.stopping_since {
            self.check(invariant::has_stopped(since, running.saves.len(), self.now(), &running.pauses));
        }
        self.plan(self.servers[server].process, TICK_MILLIS, Task::Server(Chore::Tick));
    }

    /// The end of a connection that a process holds, for whoever listens there.
    pub(super) fn server_reads(&mut self, server: usize, socket: Socket) {
        if let Some(mut running) = self.servers[server].running.take() {
            self.socket_is_ready(server, &mut running, socket);
            self.servers[server].running = Some(running);
        }
    }
}

/// The route of a topic that a view has.
pub(super) fn route(view: &RouteView, topic: &str) -> Option<String> {
    let mut body = Vec::new();
    view.route(RouteQuery { topic: topic.as_bytes(), dialect: Dialect::Compatible, zone: None })?.write(&mut body);
    Some(String::from_utf8_lossy(&body).into_owned())
}
