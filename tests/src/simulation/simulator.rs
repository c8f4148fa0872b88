//! The simulator: one agenda, hosts with processes, and the network between them. What a process does with what arrives
//! is not its concern.

use super::agenda::{Agenda, Time};
use super::coverage::Coverage;
use super::happening::{Happening, Task};
use super::invariant::{Verdict, Violation};
use super::ledger::Told;
use super::network::{Ending, LISTENER, Network, Part, ProcessId, Socket};
use super::secure::{Opened, SecureEnds};
use super::trace::Trace;
use fastrand::Rng;
use std::collections::BTreeMap;
use std::fmt;

/// A sender gives up on a path after so long.
const GIVE_UP_MILLIS: Time = 900_000;
/// A process learns of what arrived within so many milliseconds.
const WAKE_MILLIS: Time = 1;
/// Requests that were never handed in are forgotten after so long.
const SENT_KEPT_MILLIS: Time = 2 * 3_600_000;

/// What a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Server(usize),
    Peer(usize),
}

/// A process on a host of its own.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) running: bool,
    /// Since when it is stopped without being told.
    pub(super) paused: Option<Time>,
    /// Counts its starts.
    pub(super) life: u32,
    parked: Vec<Task>,
}

/// A request that is on its way, as only the simulation knows it.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) told: Told,
    sent_at: Time,
    /// The moment of the ledger that its reply shows, once there is a reply.
    pub(super) moment: Option<u64>,
}

/// Whether faults are injected.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// Nothing goes wrong and nothing changes any more.
    pub(super) is_calm: bool,
    /// Since when no fault was injected and none goes on.
    pub(super) calm_since: Option<Time>,
    /// Counts unrests.
    pub(super) unrest: u32,
    /// Milliseconds between two faults, on average.
    pub(super) mean_millis: Time,
}

/// Time, chance, hosts and the network.
#[derive(Debug)]
pub(super) struct Simulator {
    agenda: Agenda<Happening>,
    pub(super) random: Rng,
    pub(super) trace: Trace,
    pub(super) coverage: Coverage,
    pub(super) network: Network,
    pub(super) processes: Vec<Process>,
    pub(super) sent: BTreeMap<i32, Sent>,
    opaque: i32,
    pub(super) faults: Faults,
    pub(super) secure_ends: SecureEnds,
    violation: Option<Violation>,
}

impl Simulator {
    /// An empty world that a seed decides.
    pub(super) fn new(seed: u64, shows_trace: bool) -> Self {
        Self {
            agenda: Agenda::new(),
            random: Rng::with_seed(seed),
            trace: Trace::new(shows_trace),
            coverage: Coverage::default(),
            network: Network::new(),
            processes: Vec::new(),
            sent: BTreeMap::new(),
            opaque: 0,
            faults: Faults::default(),
            secure_ends: SecureEnds::default(),
            violation: None,
        }
    }

    pub(super) fn now(&self) -> Time {
        self.agenda.now()
    }

    pub(super) fn note(&mut self, line: fmt::Arguments<'_>) {
        self.trace.note(self.agenda.now(), line);
    }

    pub(super) fn note_of(&mut self, process: ProcessId, what: &str) {
        self.trace.note(self.agenda.now(), format_args!("{} {what}", self.processes[process].name));
    }

    /// A host with a process that does not run yet.
    pub(super) fn add_process(&mut self, name: &str, site: usize, role: Role) -> ProcessId {
        self.network.sites.push(site);
        self.processes.push(Process {
            name: name.to_owned(),
            role,
            running: false,
            paused: None,
            life: 0,
            parked: Vec::new(),
        });
        self.processes.len() - 1
    }

    /// The next thing that happens before `end`. Time moves to it, or to `end` if there is none.
    ///
    /// # Errors
    /// The first invariant that did not hold.
    pub(super) fn next(&mut self, end: Time) -> Result<Option<Happening>, Violation> {
        self.violation.take().map_or_else(|| Ok(self.agenda.next(end)), Err)
    }

    /// Forgets requests that nobody handed in for long.
    pub(super) fn forget_sent(&mut self) {
        let now = self.now();
        self.sent.retain(|_, sent| sent.sent_at + SENT_KEPT_MILLIS > now);
    }

    /// Notes an invariant that does not hold; the run ends after what happens now.
    pub(super) fn check(&mut self, verdict: Verdict) {
        if let Err(violation) = verdict {
            self.note(format_args!("VIOLATED {}: {}", violation.invariant, violation.details));
            self.violation.get_or_insert(violation);
        }
    }

    /// Whether a process does now what it planned in this life. One that stands still does it later.
    pub(super) fn is_due(&mut self, process: ProcessId, life: u32, task: Task) -> bool {
        let process = &mut self.processes[process];
        if process.life != life || !process.running {
            return false;
        }
        if process.paused.is_some() {
            process.parked.push(task);
        }
        process.paused.is_none()
    }

    pub(super) fn plan_happening(&mut self, delay: Time, happening: Happening) {
        self.agenda.add(&mut self.random, delay, happening);
    }

    /// A process does something so many milliseconds from now, if it still lives then.
    pub(super) fn plan(&mut self, process: ProcessId, delay: Time, task: Task) {
        let life = self.processes[process].life;
        self.agenda.add(&mut self.random, delay, Happening::Task(process, life, task));
    }

    /// A process begins a life.
    pub(super) fn begin_life(&mut self, process: ProcessId) {
        let process = &mut self.processes[process];
        process.running = true;
        process.paused = None;
        process.parked.clear();
        process.life += 1;
    }

    /// A process ends. Its host closes its connections, unless the host is gone too.
    pub(super) fn end_life(&mut self, process: ProcessId, host_too: bool) {
        self.processes[process].running = false;
        if host_too {
            self.network.dark_hosts.insert(process);
        }
        for socket in self.network.sockets_of(process) {
            if host_too {
                self.network.let_go(socket);
            } else {
                let ending = if self.random.bool() { Part::Fin } else { Part::Reset };
                self.send(socket, ending);
                self.network.let_go(socket);
            }
        }
    }

    pub(super) fn pause(&mut self, process: ProcessId) {
        let now = self.now();
        let process = &mut self.processes[process];
        if process.running && process.paused.is_none() {
            process.paused = Some(now);
        }
    }

    /// A process goes on, with all that came meanwhile in any order. Returns since when it stood still.
    pub(super) fn resume(&mut self, process: ProcessId) -> Option<Time> {
        let since = self.processes[process].paused.take()?;
        for task in std::mem::take(&mut self.processes[process].parked) {
            self.plan(process, 0, task);
        }
        Some(since)
    }

    /// Asks for a connection.
    pub(super) fn dial(&mut self, from: ProcessId, to: ProcessId) -> Socket {
        let socket = self.network.open((from, self.processes[from].life), to);
        self.send(socket, Part::Syn);
        socket
    }

    /// Sends bytes, over TLS if the peer speaks it.
    pub(super) fn send_bytes(&mut self, from: Socket, bytes: Vec<u8>) {
        let bytes = self.secure_ends.seal(from, bytes);
        self.send_pieces(from, bytes);
    }

    /// Sends bytes as they are, in one piece or in several, cut anywhere.
    pub(super) fn send_pieces(&mut self, from: Socket, mut bytes: Vec<u8>) {
        while bytes.len() > 1 && self.random.u8(..) < 64 {
            let at = if self.random.bool() {
                self.random.usize(1..bytes.len().min(12))
            } else {
                self.random.usize(1..bytes.len())
            };
            let rest = bytes.split_off(at);
            self.send(from, Part::Bytes(std::mem::replace(&mut bytes, rest)));
        }
        if !bytes.is_empty() {
            self.send(from, Part::Bytes(bytes));
        }
    }

    pub(super) fn send(&mut self, from: Socket, part: Part) {
        let delay = self.random.u64(self.network.delay.clone());
        if let Some(due) = self.network.push(from, part, self.agenda.now(), delay) {
            self.agenda.add(&mut self.random, due, Happening::Arrive(from));
        }
    }

    /// A peer sends nothing more.
    pub(super) fn end_sending(&mut self, socket: Socket) {
        let last = self.secure_ends.end(socket);
        self.send_pieces(socket, last);
        self.send(socket, Part::Fin);
    }

    /// A process closes its end in good order.
    pub(super) fn close(&mut self, socket: Socket) {
        self.end_sending(socket);
        self.network.let_go(socket);
    }

    /// The front of what an end sent arrives.
    pub(super) fn arrive(&mut self, from: Socket) {
        let Some(end) = self.network.end(from) else { return };
        if end.stalled.is_some() {
            return;
        }
        if !self.network.is_passable(from) {
            let now = self.now();
            if let Some(end) = self.network.end_mut(from) {
                end.stalled = Some(now);
            }
            self.agenda.add(&mut self.random, GIVE_UP_MILLIS, Happening::GiveUp(from, now));
            return;
        }
        let Some(part) = self.network.pop(from) else { return };
        let to = from.other();
        let Some(end) = self.network.end(to) else { return };
        let process = end.process;
        let asks = part == Part::Syn;
        let life = if asks { self.processes[process].life } else { end.life };
        let is_held = self.processes[process].running && self.processes[process].life == life && !end.closed;
        if !is_held {
            self.network.drop_part(from);
            let is_answered = matches!(part, Part::Syn | Part::Bytes(_) | Part::Accept);
            if is_answered && self.network.connection(from.connection).is_some() {
                self.send(to, Part::Reset);
            }
            self.network.let_go(to);
            return;
        }
        if asks && let Some(end) = self.network.end_mut(to) {
            end.life = life;
        }
        let keeps_received = self.random.bool();
        self.network.deliver(to, part, keeps_received);
        if asks {
            self.send(to, Part::Accept);
        }
        let delay = self.random.u64(0..=WAKE_MILLIS);
        self.plan(process, delay, Task::Socket(to));
    }

    /// An end gives up, unless something got through since then.
    pub(super) fn give_up(&mut self, from: Socket, since: Time) {
        let Some(end) = self.network.end(from).filter(|end| end.stalled == Some(since)) else { return };
        let (process, closed) = (end.process, end.closed);
        self.network.deliver(from, Part::Reset, false);
        if closed {
            self.network.let_go(from);
        } else {
            self.plan(process, 0, Task::Socket(from));
        }
    }

    /// What waited for a path that is good again goes on.
    pub(super) fn revive(&mut self) {
        for (socket, parts) in self.network.revive() {
            for _ in 0..parts {
                let delay = self.random.u64(self.network.delay.clone());
                self.agenda.add(&mut self.random, delay, Happening::Arrive(socket));
            }
        }
    }

    /// Both ends learn that their connection is gone; what was on its way is lost.
    pub(super) fn reset(&mut self, connection: u64) {
        self.network.lose_parts(connection);
        for end in 0..=LISTENER {
            self.send(Socket { connection, end }, Part::Reset);
        }
    }

    /// What a peer received, with the ending if there is one.
    pub(super) fn receive(&mut self, socket: Socket) -> (Vec<u8>, Option<Ending>) {
        let received = self.network.receive(socket);
        if let Some(other) = self.network.end_mut(socket.other())
            && !received.0.is_empty()
            && other.is_blocked
        {
            let process = other.process;
            let delay = self.random.u64(0..=WAKE_MILLIS);
            self.plan(process, delay, Task::Socket(socket.other()));
        }
        let (bytes, ending) = received;
        let Opened { plaintext, reply, handshake } = self.secure_ends.open(socket, bytes);
        if let Some(handshake) = handshake {
            self.coverage.count(handshake);
        }
        self.send_pieces(socket, reply);
        (plaintext, ending)
    }

    /// The number of the next question.
    pub(super) fn next_opaque(&mut self, told: Told) -> i32 {
        self.opaque += 1;
        let sent_at = self.now();
        self.sent.insert(self.opaque, Sent { told, sent_at, moment: None });
        self.opaque
    }

    pub(super) fn process_named(&self, name: &str) -> ProcessId {
        let found = self.processes.iter().position(|process| process.name == name);
        found.unwrap_or_else(|| panic!("there is no process {name}"))
    }
}
