//! NameServers, and the peers that talk to them: who is there, and what each does with what is due.

use super::admin::{Admin, annoy};
use super::agenda::Time;
use super::broker::{Broker, Release};
use super::client::Client;
use super::happening::Duty;
use super::judge::Judge;
use super::name_server::NameServer;
use super::network::{ProcessId, Socket};
use super::peer::{Actor, Answered, Peer};
use super::population::BrokerGroup;
use super::simulator::{Role, Simulator};

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

/// Everything.
#[derive(Debug)]
pub struct Cluster {
    pub(super) simulator: Simulator,
    pub(super) servers: Vec<NameServer>,
    pub(super) peers: Vec<Peer>,
    /// What each peer is.
    pub(super) kinds: Vec<Kind>,
    pub(super) groups: Vec<BrokerGroup>,
}

impl Cluster {
    /// An empty world that a seed decides.
    #[must_use]
    pub fn new(seed: u64, shows_trace: bool) -> Self {
        let simulator = Simulator::new(seed, shows_trace);
        Self { simulator, servers: Vec::new(), peers: Vec::new(), kinds: Vec::new(), groups: Vec::new() }
    }

    pub(super) fn now(&self) -> Time {
        self.simulator.now()
    }

    /// A NameServer that does not run yet.
    pub(super) fn add_server(&mut self, name: &str, site: usize, properties: &[(&str, &str)]) -> usize {
        let server = self.servers.len();
        let process = self.simulator.add_process(name, site, Role::Server(server));
        self.servers.push(NameServer::new(process, properties));
        server
    }

    /// A peer that does not run yet.
    pub(super) fn add_peer(&mut self, name: &str, site: usize, kind: Kind) -> usize {
        let peer = self.peers.len();
        let process = self.simulator.add_process(name, site, Role::Peer(peer));
        let closes_on_timeout = self.simulator.random.u8(..) < 200;
        let keeps_all = !matches!(kind, Kind::Client(_));
        self.peers.push(Peer::new(process, peer, keeps_all, closes_on_timeout));
        self.kinds.push(kind);
        peer
    }

    /// A broker that does not run yet; its process is called `<group>.<id>`.
    pub(super) fn add_broker(&mut self, group: &str, id: i64, site: usize, cluster: &str, release: Release) -> usize {
        let name = format!("{group}.{id}");
        let address = format!("10.{site}.{}.{id}:10911", self.simulator.processes.len());
        let found = self.groups.iter().position(|other| other.name == group);
        let group = found.unwrap_or_else(|| {
            self.groups.push(BrokerGroup::new(group, cluster));
            self.groups.len() - 1
        });
        let broker = Broker::new(group, id, cluster, address, release, &mut self.simulator.random);
        self.add_peer(&name, site, Kind::Broker(broker))
    }

    /// A peer that acts.
    pub(super) fn actor(&mut self, peer: usize) -> Actor<'_> {
        Actor { peer, peers: &mut self.peers, servers: &mut self.servers, simulator: &mut self.simulator }
    }

    /// A peer that acts, as what it is, and the broker groups.
    fn acting(&mut self, peer: usize) -> (&mut Kind, &mut [BrokerGroup], Actor<'_>) {
        let Self { simulator, servers, peers, kinds, groups } = self;
        (&mut kinds[peer], groups, Actor { peer, peers, servers, simulator })
    }

    pub(super) fn broker(&self, peer: usize) -> Option<&Broker> {
        if let Kind::Broker(broker) = &self.kinds[peer] { Some(broker) } else { None }
    }

    /// A broker, its group, and what it acts with.
    ///
    /// # Panics
    /// The peer is no broker.
    pub(super) fn acting_broker(&mut self, peer: usize) -> (&mut Broker, &mut BrokerGroup, Actor<'_>) {
        let (kind, groups, actor) = self.acting(peer);
        let Kind::Broker(broker) = kind else { panic!("peer {peer} is no broker") };
        let group = &mut groups[broker.group];
        (broker, group, actor)
    }

    pub(super) fn broker_mut(&mut self, peer: usize) -> &mut Broker {
        self.acting_broker(peer).0
    }

    /// Starts a process, unless it runs.
    pub(super) fn start(&mut self, process: ProcessId) {
        if self.simulator.processes[process].running {
            return;
        }
        match self.simulator.processes[process].role {
            Role::Server(server) => self.servers[server].start(&mut self.simulator),
            Role::Peer(peer) => {
                let (kind, _, mut actor) = self.acting(peer);
                actor.start();
                match kind {
                    Kind::Broker(broker) => broker.start(&mut actor),
                    Kind::Client(_) => actor.perform(Duty::Poll, 10),
                    Kind::Admin(_) => actor.perform(Duty::Administer, 5000),
                    Kind::Stranger => actor.perform(Duty::Annoy, 5000),
                    Kind::Judge(_) | Kind::Puppet => {}
                }
            }
        }
    }

    /// Ends a process at once, with its host or without.
    pub(super) fn kill(&mut self, process: ProcessId, host_too: bool) {
        match self.simulator.processes[process].role {
            Role::Server(server) => self.servers[server].kill(host_too, &mut self.simulator),
            Role::Peer(peer) => self.actor(peer).kill(host_too),
        }
    }

    /// A process that stood still goes on.
    pub(super) fn resume(&mut self, process: ProcessId) {
        if let Some(since) = self.simulator.resume(process)
            && let Role::Server(server) = self.simulator.processes[process].role
        {
            self.servers[server].note_pause(since, self.simulator.now());
        }
    }

    /// A peer does what is due. Returns for how long it stands still after that.
    pub(super) fn peer_works(&mut self, peer: usize, duty: Duty) -> Option<Time> {
        let (kind, groups, mut actor) = self.acting(peer);
        match (duty, kind) {
            (Duty::Probe, _) => actor.probe(),
            (Duty::Exit, _) => actor.kill(false),
            (_, Kind::Broker(broker)) => broker.work(duty, &mut groups[broker.group], &mut actor),
            (_, Kind::Client(client)) => client.poll(&mut actor),
            (_, Kind::Admin(admin)) => admin.work(groups, &mut actor),
            (_, Kind::Stranger) => return annoy(&mut actor),
            (_, Kind::Judge(_) | Kind::Puppet) => {}
        }
        None
    }

    /// A peer takes what arrived.
    pub(super) fn peer_reads(&mut self, peer: usize, socket: Socket) {
        for Answered { server, subject, answer } in self.actor(peer).read(socket) {
            match &mut self.kinds[peer] {
                Kind::Judge(judge) => judge.take(server, subject, &answer),
                Kind::Client(client) if answer.code == 1500 => client.leave(),
                Kind::Broker(_) | Kind::Client(_) | Kind::Admin(_) | Kind::Stranger | Kind::Puppet => {}
            }
        }
    }
}
