//! The simulated world: hosts with processes, the network between them, and the one agenda that moves all of it.

use super::agenda::{Agenda, Time};
use super::coverage::Coverage;
use super::fault::{Fault, Faults};
use super::invariant::{Verdict, Violation};
use super::ledger::Told;
use super::name_server::{Chore, NameServer};
use super::network::{Ending, LISTENER, Network, Part, ProcessId, Socket};
use super::peer::{Duty, Peer};
use super::population::BrokerGroup;
use super::secure::{Opened, SecureEnds};
use super::trace::Trace;
use fastrand::Rng;
use std::collections::BTreeMap;

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

/// Something that a process does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Task {
    /// Something arrived.
    Socket(Socket),
    Server(Chore),
    Peer(Duty),
}

/// Something that happens.
#[derive(Clone, Debug)]
pub(super) enum Happening {
    /// The front of what an end sent is due at the other end.
    Arrive(Socket),
    /// An end gives up if nothing got through since then.
    GiveUp(Socket, Time),
    Task(ProcessId, u32, Task),
    Fault(Fault),
}

/// A request that is on its way, as only the simulation knows it.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) told: Told,
    sent_at: Time,
    /// The moment of the ledger that its reply shows, once there is a reply.
    pub(super) moment: Option<u64>,
}

/// Everything.
#[derive(Debug)]
pub struct Cluster {
    pub(super) agenda: Agenda<Happening>,
    pub(super) random: Rng,
    pub(super) trace: Trace,
    pub(super) coverage: Coverage,
    pub(super) network: Network,
    pub(super) processes: Vec<Process>,
    pub(super) servers: Vec<NameServer>,
    pub(super) peers: Vec<Peer>,
    pub(super) groups: Vec<BrokerGroup>,
    pub(super) sent: BTreeMap<i32, Sent>,
    pub(super) opaque: i32,
    pub(super) faults: Faults,
    pub(super) secure_ends: SecureEnds,
    violation: Option<Violation>,
}

impl Cluster {
    /// An empty world that a seed decides.
    #[must_use]
    pub fn new(seed: u64, shows_trace: bool) -> Self {
        Self {
            agenda: Agenda::new(),
            random: Rng::with_seed(seed),
            trace: Trace::new(shows_trace),
            coverage: Coverage::default(),
            network: Network::new(),
            processes: Vec::new(),
            servers: Vec::new(),
            peers: Vec::new(),
            groups: Vec::new(),
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

    pub(super) fn note(&mut self, line: std::fmt::Arguments<'_>) {
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

    /// Time passes, and everything happens that is due.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn pass(&mut self, time: Time) -> Verdict {
        let end = self.now() + time;
        while let Some(happening) = self.agenda.next(end) {
            self.happen(happening);
            if let Some(violation) = self.violation.take() {
                return Err(violation);
            }
        }
        let now = self.now();
        self.sent.retain(|_, sent| sent.sent_at + SENT_KEPT_MILLIS > now);
        Ok(())
    }

    /// Notes an invariant that does not hold; the run ends after what happens now.
    pub(super) fn check(&mut self, verdict: Verdict) {
        if let Err(violation) = verdict {
            self.note(format_args!("VIOLATED {}: {}", violation.invariant, violation.details));
            self.violation.get_or_insert(violation);
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Arrive(from) => self.arrive(from),
            Happening::GiveUp(from, since) => self.give_up(from, since),
            Happening::Fault(fault) => self.carry_out_planned_fault(fault),
            Happening::Task(process, life, task) => {
                let process = &mut self.processes[process];
                if process.life != life || !process.running {
                    return;
                }
                if process.paused.is_some() {
                    process.parked.push(task);
                    return;
                }
                match (process.role, task) {
                    (Role::Server(server), Task::Socket(socket)) => self.server_reads(server, socket),
                    (Role::Server(server), Task::Server(chore)) => self.server_works(server, chore),
                    (Role::Peer(peer), Task::Socket(socket)) => self.peer_reads(peer, socket),
                    (Role::Peer(peer), Task::Peer(duty)) => self.peer_works(peer, duty),
                    (Role::Server(_), Task::Peer(_)) | (Role::Peer(_), Task::Server(_)) => {}
                }
            }
        }
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

    /// A process goes on, with all that came meanwhile in any order.
    pub(super) fn resume(&mut self, process: ProcessId) {
        let now = self.now();
        let Some(since) = self.processes[process].paused.take() else { return };
        if let Role::Server(server) = self.processes[process].role {
            self.servers[server].note_pause(since, now);
        }
        for task in std::mem::take(&mut self.processes[process].parked) {
            self.plan(process, 0, task);
        }
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

    fn arrive(&mut self, from: Socket) {
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

    fn give_up(&mut self, from: Socket, since: Time) {
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
