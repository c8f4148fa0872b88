//! Time passes: all that is due happens, and now and then the judge compares the servers with the truth.

use super::agenda::Time;
use super::broker::REGISTER_MILLIS;
use super::cluster::{Cluster, Kind};
use super::happening::{Fault, Happening, Task};
use super::invariant::{Invariant, LATENESS_MILLIS, Subject, Verdict, violated};
use super::judge::{Judge, Truth};
use super::ledger::Told;
use super::peer::Peer;
use super::simulator::Role;
use crate::request::Request;
use std::collections::BTreeSet;

/// From the end of faults to the whole truth: a registration period, and the time to open lost connections again.
pub(super) const CONVERGENCE_MILLIS: Time = REGISTER_MILLIS + 6000;
/// A connection is there after so long when nothing is wrong.
const CONNECT_MILLIS: Time = 100;
/// The judge waits so long for answers.
const PATIENCE_MILLIS: Time = 3000;

impl Cluster {
    /// Time passes, and everything happens that is due.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn pass(&mut self, time: Time) -> Verdict {
        let end = self.now() + time;
        while let Some(happening) = self.simulator.next(end)? {
            match happening {
                Happening::Arrive(from) => self.simulator.arrive(from),
                Happening::GiveUp(from, since) => self.simulator.give_up(from, since),
                Happening::Fault(fault) => self.carry_out_planned_fault(fault),
                Happening::Task(process, life, task) => {
                    if self.simulator.is_due(process, life, task) {
                        self.carry_out(self.simulator.processes[process].role, task);
                    }
                }
            }
        }
        self.simulator.forget_sent();
        Ok(())
    }

    fn carry_out(&mut self, role: Role, task: Task) {
        match (role, task) {
            (Role::Server(server), Task::Socket(socket)) => self.servers[server].read(socket, &mut self.simulator),
            (Role::Server(server), Task::Server(chore)) => self.servers[server].work(chore, &mut self.simulator),
            (Role::Peer(peer), Task::Socket(socket)) => self.peer_reads(peer, socket),
            (Role::Peer(peer), Task::Peer(duty)) => {
                if let Some(lasts) = self.peer_works(peer, duty) {
                    let process = self.peers[peer].process;
                    self.for_a_while(lasts, Fault::Pause(process), Fault::Resume(process));
                }
            }
            (Role::Server(_), Task::Peer(_)) | (Role::Peer(_), Task::Server(_)) => {}
        }
    }

    /// Passes the time that brokers have to register after the last restart: until it is over, brokers may be shown
    /// that are somewhere else now, and topics that an administrator deleted stay away. They come back with the next
    /// registration.
    pub(super) fn forget_snapshots(&mut self) -> Verdict {
        // Servers that stood still notice it, and give brokers more time.
        self.pass(LATENESS_MILLIS)?;
        let ends = self.servers.iter().filter_map(|server| server.ledger()?.kept_until());
        let end = ends.max().map_or(0, |end| end + LATENESS_MILLIS);
        self.pass(end.saturating_sub(self.now()))
    }

    /// One registration period later every server holds the truth.
    pub(super) fn comes_right(&mut self) -> Verdict {
        self.pass(CONVERGENCE_MILLIS)?;
        self.check_convergence()
    }

    /// The judge, who has to be there before the world starts.
    pub(super) fn add_judge(&mut self) {
        self.add_peer("judge", 99, Kind::Judge(Judge::default()));
    }

    /// [`Invariant::Converges`], when faults have stopped long enough.
    ///
    /// # Errors
    /// The first difference.
    pub(super) fn check_convergence(&mut self) -> Verdict {
        let found = self.kinds.iter().position(|kind| matches!(kind, Kind::Judge(_)));
        let peer = found.expect("there is a judge");
        // A connection that was silent for long may end at any moment.
        for server in 0..self.servers.len() {
            let mut judge = self.actor(peer);
            judge.hang_up(server);
            judge.connect(server);
        }
        self.pass(CONNECT_MILLIS)?;
        let truth = self.truth();
        self.kinds[peer] = Kind::Judge(Judge::default());
        for server in 0..self.servers.len() {
            let mut judge = self.actor(peer);
            judge.ask(server, Request::new(106), Told::Nothing, Some(Subject::Clusters));
            judge.ask(server, Request::new(206), Told::Nothing, Some(Subject::Topics));
            for topic in truth.topics.keys() {
                let request = Request::new(105).field("topic", topic);
                judge.ask(server, request, Told::Nothing, Some(Subject::Route { topic: topic.clone(), zone: None }));
            }
        }
        self.pass(PATIENCE_MILLIS)?;
        let Kind::Judge(judge) = &self.kinds[peer] else { return Ok(()) };
        for (number, server) in self.servers.iter().enumerate() {
            let nothing = BTreeSet::new();
            let wiped = server.ledger().map_or(&nothing, |ledger| &ledger.wiped);
            judge
                .compare(number, &truth, wiped)
                .or_else(|details| violated(Invariant::Converges, format!("NameServer {number}: {details}")))?;
        }
        judge.compare_all(&truth).or_else(|details| violated(Invariant::Converges, details))
    }

    fn truth(&self) -> Truth {
        let mut truth = Truth::default();
        for (peer, Peer { process, .. }) in self.peers.iter().enumerate() {
            let runs = self.simulator.processes[*process].running;
            if let Some(broker) = self.broker(peer).filter(|broker| runs && !broker.is_leaving) {
                truth.add(broker, &self.groups[broker.group]);
            }
        }
        truth
    }
}
