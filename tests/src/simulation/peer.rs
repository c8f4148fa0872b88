//! What every peer of the NameServers does: it keeps connections, sends questions and takes answers.

use super::admin::Admin;
use super::agenda::Time;
use super::broker::Broker;
use super::client::Client;
use super::cluster::{Cluster, Role, Task};
use super::invariant::{self, Invariant, Subject, violated};
use super::judge::Judge;
use super::ledger::Told;
use super::network::{Ending, LISTENER, ProcessId, Socket};
use crate::answer::Answer;
use crate::request::Request;
use std::collections::BTreeMap;

/// Connections that are missing are opened again this often.
pub(super) const PROBE_MILLIS: Time = 3000;
/// So long after faults stopped, nothing goes wrong any more.
const SETTLED_AFTER_MILLIS: Time = 10_000;
/// A connection that is not granted by then is given up.
const CONNECT_MILLIS: Time = 3000;

/// Something that a peer does on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duty {
    /// Opens missing connections, and gives up questions that are not answered.
    Probe,
    /// A broker that has just started sends its whole table.
    RegisterFirst,
    /// A broker sends its whole table, again and again.
    Register,
    /// A broker says that it lives.
    Heartbeat,
    /// A broker asks who else is there.
    ClusterInfo,
    /// Something changes in the table of a broker.
    ChangeTopics,
    /// A client asks for routes.
    Poll,
    /// An administrator does something.
    Administer,
    /// Somebody sends nonsense.
    Annoy,
    /// The process ends in good order.
    Exit,
}

/// What kind of peer it is.
#[derive(Debug)]
pub(super) enum Kind {
    Broker(Broker),
    Client(Client),
    Admin(Admin),
    Stranger,
    Judge(Judge),
    /// It does what a story says.
    Puppet,
}

/// A process that talks to NameServers.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) process: ProcessId,
    pub(super) kind: Kind,
    pub(super) links: BTreeMap<usize, Link>,
    /// Whose connections it uses: its own, or those of another broker in the same container.
    pub(super) carrier: usize,
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
    pub(super) questions: BTreeMap<i32, Question>,
    /// It was used for what no peer should send.
    pub(super) is_fouled: bool,
    /// The peer sends no more over it, and waits for its answers.
    pub(super) is_half_closed: bool,
}

/// A question that is not answered yet.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) code: i32,
    pub(super) subject: Option<Subject>,
    /// Address of the broker that says goodbye.
    pub(super) leaving: Option<String>,
    asked_at: Time,
    expires_at: Time,
    /// The life of the server that is asked.
    life: u32,
    /// The moment that somebody has in hand already.
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

impl Cluster {
    /// A peer that does not run yet.
    pub(super) fn add_peer(&mut self, name: &str, site: usize, kind: Kind) -> usize {
        let peer = self.peers.len();
        let process = self.add_process(name, site, Role::Peer(peer));
        let closes_on_timeout = self.random.u8(..) < 200;
        self.peers.push(Peer { process, kind, links: BTreeMap::new(), carrier: peer, closes_on_timeout });
        peer
    }

    /// Starts a peer.
    pub(super) fn start_peer(&mut self, peer: usize) {
        let process = self.peers[peer].process;
        self.network.dark_hosts.remove(&process);
        self.peers[peer].links.clear();
        self.secure_ends.forget_sessions(process);
        self.begin_life(process);
        self.note_of(process, "starts");
        self.revive();
        self.perform(peer, Duty::Probe, 0);
        match &self.peers[peer].kind {
            Kind::Broker(_) => self.start_broker(peer),
            Kind::Client(_) => self.perform(peer, Duty::Poll, 10),
            Kind::Admin(_) => self.perform(peer, Duty::Administer, 5000),
            Kind::Stranger => self.perform(peer, Duty::Annoy, 5000),
            Kind::Judge(_) | Kind::Puppet => {}
        }
    }

    /// A peer ends at once, with its host or without.
    pub(super) fn kill_peer(&mut self, peer: usize, host_too: bool) {
        let process = self.peers[peer].process;
        if self.processes[process].running {
            self.note_of(process, if host_too { "vanishes" } else { "is killed" });
            self.end_life(process, host_too);
            self.peers[peer].links.clear();
        }
    }

    pub(super) fn perform(&mut self, peer: usize, duty: Duty, delay: Time) {
        self.plan(self.peers[peer].process, delay, Task::Peer(duty));
    }

    pub(super) fn peer_works(&mut self, peer: usize, duty: Duty) {
        match duty {
            Duty::Probe => self.probe(peer),
            Duty::RegisterFirst | Duty::Register | Duty::Heartbeat | Duty::ClusterInfo | Duty::ChangeTopics => {
                self.broker_works(peer, duty);
            }
            Duty::Poll => self.poll_routes(peer),
            Duty::Administer => self.administer(peer),
            Duty::Annoy => self.annoy(peer),
            Duty::Exit => self.kill_peer(peer, false),
        }
    }

    /// Whether a peer keeps connections of its own to all servers.
    fn keeps_all(&self, peer: usize) -> bool {
        self.peers[peer].carrier == peer && !matches!(self.peers[peer].kind, Kind::Client(_))
    }

    fn probe(&mut self, peer: usize) {
        let now = self.now();
        let closes_on_timeout = self.peers[peer].closes_on_timeout;
        let is_stuck = |link: &Link| {
            (!link.is_up && link.dialed_at + CONNECT_MILLIS <= now)
                || (closes_on_timeout && link.questions.values().any(|question| question.expires_at <= now))
        };
        self.check_questions(peer);
        let stuck: Vec<_> =
            self.peers[peer].links.iter().filter(|(_, link)| is_stuck(link)).map(|(server, _)| *server).collect();
        for server in stuck {
            self.hang_up(peer, server);
        }
        if self.keeps_all(peer) {
            (0..self.servers.len()).for_each(|server| self.connect(peer, server));
        }
        self.perform(peer, Duty::Probe, PROBE_MILLIS);
    }

    /// [`Invariant::EveryQuestionIsAnswered`]: nothing went wrong since a question was asked, and it has no answer in
    /// time.
    fn check_questions(&mut self, peer: usize) {
        let Some(since) = self.faults.calm_since else { return };
        let now = self.now();
        let is_late = |question: &Question| {
            question.asked_at > since + SETTLED_AFTER_MILLIS && question.expires_at + PROBE_MILLIS <= now
        };
        for (server, link) in &self.peers[peer].links {
            if link.is_up
                && let Some((opaque, question)) = link.questions.iter().find(|(_, question)| is_late(question))
            {
                let name = &self.processes[self.peers[peer].process].name;
                let details =
                    format!("{name} waits for NameServer {server} since {}: #{opaque} {question:?}", question.asked_at);
                return self.check(violated(Invariant::EveryQuestionIsAnswered, details));
            }
        }
    }

    /// Asks for a connection to a server unless there is one.
    pub(super) fn connect(&mut self, peer: usize, server: usize) {
        if !self.peers[peer].links.contains_key(&server) {
            let socket = self.dial(self.peers[peer].process, self.servers[server].process);
            if self.random.u8(..) < 64 {
                self.coverage.count("through a proxy");
                let port = self.random.u16(1..);
                self.send_pieces(socket, format!("PROXY TCP4 192.0.2.1 192.0.2.2 {port} 9876\r\n").into_bytes());
            }
            if self.random.u8(..) < 64 {
                self.coverage.count("over TLS");
                let client = (socket, self.peers[peer].process);
                let is_there = |socket| self.network.end(socket).is_some();
                self.secure_ends.begin(client, server, self.faults.is_calm, &mut self.random, is_there);
                self.send_bytes(socket, Vec::new());
            }
            let dialed_at = self.now();
            let link = Link {
                socket,
                is_up: false,
                dialed_at,
                input: Vec::new(),
                questions: BTreeMap::new(),
                is_fouled: false,
                is_half_closed: false,
            };
            self.peers[peer].links.insert(server, link);
        }
    }

    /// Closes a connection in good order.
    pub(super) fn hang_up(&mut self, peer: usize, server: usize) {
        if let Some(link) = self.peers[peer].links.remove(&server) {
            self.close(link.socket);
        }
    }

    pub(super) fn is_up(&self, peer: usize, server: usize) -> bool {
        self.peers[peer].links.get(&server).is_some_and(|link| link.is_up)
    }

    pub(super) fn servers_up(&self, peer: usize) -> Vec<usize> {
        let links = &self.peers[self.peers[peer].carrier].links;
        links.iter().filter(|(_, link)| link.is_up && !link.is_half_closed).map(|(server, _)| *server).collect()
    }

    pub(super) fn any_server_up(&mut self, peer: usize) -> Option<usize> {
        let up = self.servers_up(peer);
        (!up.is_empty()).then(|| up[self.random.usize(..up.len())])
    }

    /// Sends a request, if there is a connection; `told` is what it tells the server.
    pub(super) fn ask(&mut self, peer: usize, server: usize, request: Request, told: Told, subject: Option<Subject>) {
        if let Some((socket, frame)) = self.compose(peer, server, request, told, subject) {
            self.send_bytes(socket, frame);
        }
    }

    /// A request that is about to be sent to a server, unless there is no connection.
    pub(super) fn compose(
        &mut self,
        peer: usize,
        server: usize,
        request: Request,
        told: Told,
        subject: Option<Subject>,
    ) -> Option<(Socket, Vec<u8>)> {
        let carrier = self.peers[peer].carrier;
        let link = self.peers[carrier].links.get(&server).filter(|link| link.is_up)?;
        let socket = link.socket;
        let life = self.network.connection(socket.connection)?.ends[LISTENER].life;
        let mut leaving = None;
        match &told {
            Told::Unregister(broker) => leaving = Some(broker.address.clone()),
            Told::Register(_)
            | Told::Alive(_)
            | Told::DeleteTopic { .. }
            | Told::RegisterTopic { .. }
            | Told::Kv { .. }
            | Told::Permission { .. }
            | Told::Nothing => {}
        }
        let opaque = self.next_opaque(told);
        let request = request.opaque(opaque);
        if request.flag & 2 == 0 {
            let now = self.now();
            let since = self.servers[server].running.as_ref().map_or(0, |running| running.moment_in_hand);
            let expires_at = now + Question::timeout(request.code);
            let question = Question { code: request.code, subject, leaving, asked_at: now, expires_at, life, since };
            self.peers[carrier].links.get_mut(&server)?.questions.insert(opaque, question);
        }
        let name = &self.processes[self.peers[peer].process].name;
        self.trace.note(self.agenda.now(), format_args!("{name} asks {server}: {} #{opaque}", request.code));
        Some((socket, request.encode()))
    }

    /// Something arrived at a socket of a peer.
    pub(super) fn peer_reads(&mut self, peer: usize, socket: Socket) {
        let links = &self.peers[peer].links;
        let Some(server) = links.iter().find(|(_, link)| link.socket == socket).map(|(server, _)| *server) else {
            return;
        };
        let is_connected = self.network.end(socket).is_some_and(|end| end.is_connected);
        let (bytes, ending) = self.receive(socket);
        let is_connected = is_connected && !self.secure_ends.is_handshaking(socket);
        let mut answers = Vec::new();
        if let Some(link) = self.peers[peer].links.get_mut(&server) {
            link.is_up |= is_connected;
            link.input.extend(bytes);
            while let Some(frame) = next_frame(&mut link.input) {
                answers.push(Answer::decode(&frame).unwrap_or_else(|error| panic!("{error}")));
            }
        }
        for answer in answers {
            self.take_answer(peer, server, answer);
        }
        self.check_half_closed(peer, server, socket, ending);
        if ending.is_some() && self.peers[peer].links.get(&server).is_some_and(|link| link.socket == socket) {
            self.peers[peer].links.remove(&server);
            self.network.let_go(socket);
        }
    }

    /// [`Invariant::EveryQuestionIsAnswered`]: a server that ends its side in good order has answered everything. What
    /// was killed owes nothing.
    fn check_half_closed(&mut self, peer: usize, server: usize, socket: Socket, ending: Option<Ending>) {
        let link = self.peers[peer].links.get(&server);
        let Some(link) = link.filter(|link| link.socket == socket && link.is_half_closed) else { return };
        let it = &self.processes[self.servers[server].process];
        if ending == Some(Ending::Fin)
            && !self.secure_ends.is_refused(socket)
            && let Some((opaque, question)) = link.questions.first_key_value()
            && it.running
            && it.life == question.life
        {
            let details =
                format!("NameServer {server} closes a half-closed connection and owes #{opaque} {question:?}");
            self.check(violated(Invariant::EveryQuestionIsAnswered, details));
        }
    }

    fn take_answer(&mut self, peer: usize, server: usize, answer: Answer) {
        let name = self.processes[self.peers[peer].process].name.clone();
        self.note(format_args!(
            "{name} has from {server}: {} #{} {} bytes",
            answer.code,
            answer.opaque,
            answer.body.len()
        ));
        let link = self.peers[peer].links.get_mut(&server);
        let question = link.and_then(|link| link.questions.remove(&answer.opaque)).filter(|_| answer.flag & 1 != 0);
        let Some(question) = question else {
            let details = format!("{name} did not ask NameServer {server} for {answer:?}");
            return self.check(violated(Invariant::OnlyWhoAsked, details));
        };
        self.coverage.count_answer(question.code, answer.code);
        let shown = self.sent.remove(&answer.opaque).and_then(|sent| sent.moment);
        let lives = self.processes[self.servers[server].process].life == question.life;
        if lives && let Some(running) = &mut self.servers[server].running {
            running.moment_in_hand = running.moment_in_hand.max(shown.unwrap_or(0));
            if let Some(subject) = question.subject.as_ref().filter(|_| matches!(answer.code, 0 | 17)) {
                let ledger = &running.ledger;
                let verdict = invariant::shows_a_moment(subject, answer.code, &answer.text(), ledger, question.since);
                self.check(verdict);
            }
        }
        self.check_departed(server, &question, &answer);
        if let Some(address) = question.leaving.filter(|_| answer.code == 0) {
            let now = self.now();
            // Another registration may have come since, even by an older connection.
            let seats = self.servers[server].running.iter().flat_map(|running| running.ledger.seats.values());
            if seats.flatten().all(|(_, seat)| seat.address != address) {
                self.faults.left.insert((server, address), now);
            }
        }
        match &mut self.peers[peer].kind {
            Kind::Judge(judge) => judge.take(server, question.subject, &answer),
            Kind::Client(client) if answer.code == 1500 => client.leave(),
            Kind::Broker(_) | Kind::Client(_) | Kind::Admin(_) | Kind::Stranger | Kind::Puppet => {}
        }
    }

    /// [`Invariant::UnregisteredIsGone`].
    fn check_departed(&mut self, server: usize, question: &Question, answer: &Answer) {
        if self.faults.left.is_empty() || question.subject.is_none() {
            return;
        }
        let text = answer.text();
        let left = self.faults.left.iter().filter(|((from, _), at)| *from == server && **at < question.asked_at);
        let shown = left.map(|((_, address), _)| address).find(|address| text.contains(&format!("\"{address}\"")));
        if let Some(address) = shown {
            let details = format!("{address} had left NameServer {server} before this was asked for: {text}");
            self.check(violated(Invariant::UnregisteredIsGone, details));
        }
    }
}

/// Takes a whole frame from the front of what arrived.
fn next_frame(input: &mut Vec<u8>) -> Option<Vec<u8>> {
    let length = 4 + u32::from_be_bytes(*input.first_chunk::<4>()?) as usize;
    (input.len() >= length).then(|| input.drain(..length).collect())
}
