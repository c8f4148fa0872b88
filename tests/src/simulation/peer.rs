//! What every peer of the NameServers does: it keeps connections, sends questions and takes answers.

use super::agenda::Time;
use super::happening::{Duty, Task};
use super::invariant::{self, Invariant, Subject, Verdict, violated};
use super::ledger::Told;
use super::name_server::NameServer;
use super::network::{Ending, LISTENER, ProcessId, Socket};
use super::simulator::Simulator;
use crate::answer::{Answer, whole_frames};
use crate::request::Request;
use crate::step::Content;
use std::collections::BTreeMap;

/// Connections that are missing are opened again this often.
const PROBE_MILLIS: Time = 3000;
/// From then on after the last fault nothing goes wrong any more.
const SETTLED_AFTER_MILLIS: Time = 10_000;
/// A peer gives up a connection that is not granted by then.
const CONNECT_MILLIS: Time = 3000;

/// A process that talks to NameServers.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) process: ProcessId,
    pub(super) links: BTreeMap<usize, Link>,
    /// Whose connections it uses: its own, or those of another broker in the same container.
    pub(super) carrier: usize,
    /// It keeps a connection to every server, unless another one carries it.
    keeps_all: bool,
    /// It closes a connection over which an answer is missing for too long.
    pub(super) closes_on_timeout: bool,
}

/// A connection to one NameServer.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) socket: Socket,
    pub(super) is_up: bool,
    dialed_at: Time,
    input: Vec<u8>,
    questions: BTreeMap<i32, Question>,
    /// The peer sent over it what no peer should send.
    pub(super) is_fouled: bool,
    /// The peer sends no more over it, and waits for its answers.
    pub(super) sends_no_more: bool,
}

/// A question that is not answered yet.
#[derive(Debug)]
struct Question {
    code: i32,
    subject: Option<Subject>,
    /// Address of the broker that unregisters.
    leaving: Option<String>,
    asked_at: Time,
    expires_at: Time,
    /// The life of the server that is asked.
    life: u32,
    /// The latest moment of the ledger that any peer had a reply from.
    since: u64,
}

impl Question {
    /// How long its sender waits for an answer, in milliseconds.
    const fn timeout(code: i32) -> Time {
        match code {
            103 => 24_000,
            100..=102 | 205..=327 => 5000,
            _ => 3000,
        }
    }
}

/// The answer to a question, for the one who asked.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) server: usize,
    pub(super) subject: Option<Subject>,
    pub(super) answer: Answer,
}

impl Peer {
    /// A peer that has no connections yet, and uses those of this one.
    pub(super) fn new(process: ProcessId, carrier: usize, keeps_all: bool, closes_on_timeout: bool) -> Self {
        Self { process, links: BTreeMap::new(), carrier, keeps_all, closes_on_timeout }
    }
}

/// A peer that acts, with all that it acts on.
pub(super) struct Actor<'a> {
    pub(super) peer: usize,
    pub(super) peers: &'a mut [Peer],
    pub(super) servers: &'a mut [NameServer],
    pub(super) simulator: &'a mut Simulator,
}

impl Actor<'_> {
    fn own(&mut self) -> &mut Peer {
        &mut self.peers[self.peer]
    }

    pub(super) fn process(&self) -> ProcessId {
        self.peers[self.peer].process
    }

    pub(super) fn link(&mut self, server: usize) -> Option<&mut Link> {
        self.own().links.get_mut(&server)
    }

    fn name(&self) -> &str {
        &self.simulator.processes[self.process()].name
    }

    pub(super) fn is_calm(&self) -> bool {
        self.simulator.faults.is_calm
    }

    pub(super) fn start(&mut self) {
        let process = self.process();
        self.simulator.network.dark_hosts.remove(&process);
        self.own().links.clear();
        self.simulator.secure_ends.forget_sessions(process);
        self.simulator.begin_life(process);
        self.simulator.note_of(process, "starts");
        self.simulator.revive();
        self.perform(Duty::Probe, 0);
    }

    /// It ends at once, with its host or without.
    pub(super) fn kill(&mut self, host_too: bool) {
        let process = self.process();
        if self.simulator.processes[process].running {
            self.simulator.note_of(process, if host_too { "vanishes" } else { "is killed" });
            self.simulator.end_life(process, host_too);
            self.own().links.clear();
        }
    }

    pub(super) fn perform(&mut self, duty: Duty, delay: Time) {
        self.simulator.plan(self.process(), delay, Task::Peer(duty));
    }

    /// Opens missing connections, and gives up those that seem to be stuck.
    pub(super) fn probe(&mut self) {
        let now = self.simulator.now();
        let closes_on_timeout = self.own().closes_on_timeout;
        let is_stuck = |link: &Link| {
            (!link.is_up && link.dialed_at + CONNECT_MILLIS <= now)
                || (closes_on_timeout && link.questions.values().any(|question| question.expires_at <= now))
        };
        let verdict = self.check_questions();
        self.simulator.check(verdict);
        let stuck: Vec<_> =
            self.own().links.iter().filter(|(_, link)| is_stuck(link)).map(|(server, _)| *server).collect();
        for server in stuck {
            self.hang_up(server);
        }
        if self.own().keeps_all && self.own().carrier == self.peer {
            (0..self.servers.len()).for_each(|server| self.connect(server));
        }
        self.perform(Duty::Probe, PROBE_MILLIS);
    }

    /// [`Invariant::EveryQuestionIsAnswered`]: nothing went wrong since a question was asked, and it has no answer in
    /// time.
    fn check_questions(&self) -> Verdict {
        let Some(since) = self.simulator.faults.calm_since else { return Ok(()) };
        let now = self.simulator.now();
        let is_late = |question: &Question| {
            question.asked_at > since + SETTLED_AFTER_MILLIS && question.expires_at + PROBE_MILLIS <= now
        };
        for (server, link) in &self.peers[self.peer].links {
            if link.is_up
                && let Some((opaque, question)) = link.questions.iter().find(|(_, question)| is_late(question))
            {
                let (name, asked_at) = (self.name(), question.asked_at);
                let details = format!("{name} waits for NameServer {server} since {asked_at}: #{opaque} {question:?}");
                return violated(Invariant::EveryQuestionIsAnswered, details);
            }
        }
        Ok(())
    }

    /// Asks for a connection to a server unless there is one.
    pub(super) fn connect(&mut self, server: usize) {
        let process = self.process();
        if self.link(server).is_some() {
            return;
        }
        let simulator = &mut *self.simulator;
        let socket = simulator.dial(process, self.servers[server].host.process);
        if simulator.random.u8(..) < 64 {
            simulator.coverage.count("through a proxy");
            let port = simulator.random.u16(1..);
            simulator.send_pieces(socket, format!("PROXY TCP4 192.0.2.1 192.0.2.2 {port} 9876\r\n").into_bytes());
        }
        if simulator.random.u8(..) < 64 {
            simulator.coverage.count("over TLS");
            let is_there = |socket| simulator.network.end(socket).is_some();
            let is_calm = simulator.faults.is_calm;
            simulator.secure_ends.begin((socket, process), server, is_calm, &mut simulator.random, is_there);
            simulator.send_bytes(socket, Vec::new());
        }
        let link = Link {
            socket,
            is_up: false,
            dialed_at: simulator.now(),
            input: Vec::new(),
            questions: BTreeMap::new(),
            is_fouled: false,
            sends_no_more: false,
        };
        self.own().links.insert(server, link);
    }

    /// Closes a connection in good order.
    pub(super) fn hang_up(&mut self, server: usize) {
        if let Some(link) = self.own().links.remove(&server) {
            self.simulator.close(link.socket);
        }
    }

    pub(super) fn is_up(&self, server: usize) -> bool {
        self.peers[self.peer].links.get(&server).is_some_and(|link| link.is_up)
    }

    pub(super) fn servers_up(&self) -> Vec<usize> {
        let links = &self.peers[self.peers[self.peer].carrier].links;
        links.iter().filter(|(_, link)| link.is_up && !link.sends_no_more).map(|(server, _)| *server).collect()
    }

    pub(super) fn any_server_up(&mut self) -> Option<usize> {
        let up = self.servers_up();
        (!up.is_empty()).then(|| up[self.simulator.random.usize(..up.len())])
    }

    /// Tells a server something about brokers or topics, if there is a connection.
    pub(super) fn tell(&mut self, server: usize, content: Content) {
        self.ask(server, content.request(), Told::OfRoutes(content), None);
    }

    /// Sends a request, if there is a connection; `told` is what it tells the server.
    pub(super) fn ask(&mut self, server: usize, request: Request, told: Told, subject: Option<Subject>) {
        let carrier = self.peers[self.peer].carrier;
        let Some(link) = self.peers[carrier].links.get_mut(&server).filter(|link| link.is_up) else { return };
        let socket = link.socket;
        let Some(connection) = self.simulator.network.connection(socket.connection) else { return };
        let life = connection.ends[LISTENER].life;
        let leaving =
            if let Told::OfRoutes(Content::Unregister(broker)) = &told { Some(broker.address.clone()) } else { None };
        let opaque = self.simulator.next_opaque(told);
        let request = request.opaque(opaque);
        if request.flag & 2 == 0 {
            let asked_at = self.simulator.now();
            let since = self.servers[server].moment_in_hand();
            let expires_at = asked_at + Question::timeout(request.code);
            let question = Question { code: request.code, subject, leaving, asked_at, expires_at, life, since };
            link.questions.insert(opaque, question);
        }
        let what = format!("asks {server}: {} #{opaque}", request.code);
        self.simulator.note_of(self.process(), &what);
        self.simulator.send_bytes(socket, request.encode());
    }

    /// Takes what arrived at a socket, and returns the answers among it.
    pub(super) fn read(&mut self, socket: Socket) -> Vec<Answered> {
        let links = &self.own().links;
        let Some(server) = links.iter().find(|(_, link)| link.socket == socket).map(|(server, _)| *server) else {
            return Vec::new();
        };
        let is_connected = self.simulator.network.end(socket).is_some_and(|end| end.is_connected);
        let (bytes, ending) = self.simulator.receive(socket);
        let is_connected = is_connected && !self.simulator.secure_ends.is_handshaking(socket);
        let mut answers = Vec::new();
        if let Some(link) = self.link(server) {
            link.is_up |= is_connected;
            link.input.extend(bytes);
            let (frames, rest) = whole_frames(&link.input);
            answers.extend(
                frames.into_iter().map(|frame| Answer::decode(frame).unwrap_or_else(|error| panic!("{error}"))),
            );
            link.input = rest.to_vec();
        }
        let answered = answers.into_iter().filter_map(|answer| self.take_answer(server, answer)).collect();
        let verdict = self.check_last_answers(server, socket, ending);
        self.simulator.check(verdict);
        if ending.is_some() && self.link(server).is_some_and(|link| link.socket == socket) {
            self.own().links.remove(&server);
            self.simulator.network.let_go(socket);
        }
        answered
    }

    /// [`Invariant::EveryQuestionIsAnswered`]: a server that ends its side in good order, and was sent nothing foul,
    /// has answered everything that arrived. What was killed owes nothing.
    fn check_last_answers(&self, server: usize, socket: Socket, ending: Option<Ending>) -> Verdict {
        let link = self.peers[self.peer].links.get(&server);
        let waits = |link: &&Link| link.socket == socket && link.sends_no_more && !link.is_fouled;
        let Some(link) = link.filter(waits) else { return Ok(()) };
        let it = &self.simulator.processes[self.servers[server].host.process];
        if ending == Some(Ending::Fin)
            && self.simulator.network.has_delivered_all(socket)
            && !self.simulator.secure_ends.is_refused(socket)
            && let Some((opaque, question)) = link.questions.first_key_value()
            && it.running
            && it.life == question.life
        {
            let details =
                format!("NameServer {server} closes a half-closed connection and owes #{opaque} {question:?}");
            return violated(Invariant::EveryQuestionIsAnswered, details);
        }
        Ok(())
    }

    /// Compares an answer with what is known of the server.
    fn take_answer(&mut self, server: usize, answer: Answer) -> Option<Answered> {
        let Answer { code, opaque, .. } = answer;
        let what = format!("has from {server}: {code} #{opaque} {} bytes", answer.body.len());
        self.simulator.note_of(self.process(), &what);
        let question = self.link(server).and_then(|link| link.questions.remove(&opaque));
        let Some(question) = question.filter(|_| answer.flag & 1 != 0) else {
            let details = format!("{} did not ask NameServer {server} for {answer:?}", self.name());
            self.simulator.check(violated(Invariant::OnlyWhoAsked, details));
            return None;
        };
        let Self { servers, simulator, .. } = self;
        let it = &mut servers[server];
        simulator.coverage.count_answer(question.code, code);
        let shown = simulator.sent.remove(&opaque).and_then(|sent| sent.moment);
        if simulator.processes[it.host.process].life == question.life {
            it.hand_out(shown.unwrap_or(0));
            if let Some(subject) = question.subject.as_ref().filter(|_| matches!(code, 0 | 17))
                && let Some(ledger) = it.ledger()
            {
                simulator.check(invariant::shows_a_moment(subject, code, &answer.text(), ledger, question.since));
            }
        }
        simulator.check(check_departed(server, it, &question, &answer));
        if let Some(address) = question.leaving.filter(|_| code == 0) {
            // Another registration may have come since, even by an older connection.
            if it.ledger().is_none_or(|ledger| !ledger.has_address(&address)) {
                it.host.left.insert(address, simulator.now());
            }
        }
        Some(Answered { server, subject: question.subject, answer })
    }
}

/// [`Invariant::UnregisteredIsGone`].
fn check_departed(server: usize, it: &NameServer, question: &Question, answer: &Answer) -> Verdict {
    if it.host.left.is_empty() || question.subject.is_none() {
        return Ok(());
    }
    let text = answer.text();
    let mut left = it.host.left.iter().filter(|(_, at)| **at < question.asked_at).map(|(address, _)| address);
    match left.find(|address| text.contains(&format!("\"{address}\""))) {
        Some(address) => {
            let details = format!("{address} had left NameServer {server} before this was asked for: {text}");
            violated(Invariant::UnregisteredIsGone, details)
        }
        None => Ok(()),
    }
}
