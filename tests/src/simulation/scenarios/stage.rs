//! The verbs that stories are told with.

use super::Verdict;
use crate::registration::Topic;
use crate::request::Request;
use crate::simulation::broker::Release;
use crate::simulation::client::Client;
use crate::simulation::cluster::Cluster;
use crate::simulation::cluster::Kind;
use crate::simulation::happening::Fault;
use crate::simulation::ledger::Told;
use crate::simulation::network::ProcessId;
use crate::simulation::shown::clusters;
use std::collections::BTreeSet;

/// Two places.
pub(super) const EAST: usize = 0;
pub(super) const WEST: usize = 1;

impl Cluster {
    pub(super) fn seconds(&mut self, seconds: u64) -> Verdict {
        self.pass(1000 * seconds)
    }

    pub(super) fn with_servers(&mut self, names: &[(&str, usize)]) {
        for (name, site) in names {
            self.add_server(name, *site, &[("supportActingMaster", "true"), ("notifyMinBrokerIdChanged", "true")]);
        }
    }

    /// A broker of `DefaultCluster` that runs its release of RocketMQ.
    pub(super) fn with_broker(&mut self, group: &str, id: i64, site: usize, release: Release) -> usize {
        self.add_broker(group, id, site, "DefaultCluster", release)
    }

    pub(super) fn with_clients(&mut self) {
        for (site, name) in ["client-east", "client-west"].into_iter().enumerate() {
            let topics = vec!["TBW102".to_owned(), "T1".to_owned()];
            self.add_peer(name, site, Kind::Client(Client::new(topics, 513, 4000, true)));
        }
    }

    /// A process that says what it is told to.
    pub(super) fn with_puppet(&mut self, name: &str) -> usize {
        let puppet = self.add_peer(name, EAST, Kind::Puppet);
        self.peers[puppet].closes_on_timeout = false;
        puppet
    }

    /// Starts everything that was added and does not run, and waits until it has settled.
    pub(super) fn start_all(&mut self) -> Verdict {
        self.simulator.faults.is_calm = true;
        (0..self.simulator.processes.len()).for_each(|process| self.start(process));
        self.seconds(12)
    }

    /// Something goes wrong, or is good again.
    pub(super) fn happens(&mut self, fault: Fault) {
        self.carry_out_fault(fault);
    }

    pub(super) fn process_named(&self, name: &str) -> ProcessId {
        self.simulator.process_named(name)
    }

    /// The members that a server shows, as `group.identifier`.
    pub(super) fn known(&self, server: usize) -> BTreeSet<String> {
        let shown = clusters(&String::from_utf8_lossy(self.servers[server].view().cluster_info()));
        let members = |(group, members): (&String, &std::collections::BTreeMap<i64, String>)| {
            members.keys().map(|id| format!("{group}.{id}")).collect::<Vec<_>>()
        };
        shown.iter().flat_map(members).collect()
    }

    pub(super) fn assert_known(&self, server: usize, members: &[&str]) {
        let expected = members.iter().map(|member| (*member).to_owned()).collect();
        assert_eq!(self.known(server), expected, "NameServer {server}");
    }

    /// How often something was reached so far.
    pub(super) fn count(&self, name: &str) -> u64 {
        self.simulator.coverage.of(name)
    }

    /// A peer says what it is told to, and has its answer unless something is wrong.
    pub(super) fn say(&mut self, peer: usize, server: usize, request: Request, told: Told) -> Verdict {
        self.actor(peer).ask(server, request, told, None);
        self.pass(100)
    }

    /// A broker registers only these topics.
    pub(super) fn announce(&mut self, broker: usize, topics: Vec<Topic>) {
        let (broker, group, mut actor) = self.acting_broker(broker);
        broker.announce(topics, group, &mut actor);
    }

    pub(super) fn put(&mut self, peer: usize, server: usize, value: &str) -> Verdict {
        let request = Request::new(100).field("namespace", "n").field("key", "k").field("value", value);
        self.say(peer, server, request, Told::Kv { key: key(), change: Some(Some(value.to_owned())) })
    }

    /// A peer takes a new connection.
    pub(super) fn reconnect(&mut self, peer: usize, server: usize) -> Verdict {
        self.actor(peer).hang_up(server);
        self.actor(peer).connect(server);
        self.pass(100)
    }

    pub(super) fn read_back(&mut self, peer: usize, server: usize) -> Verdict {
        let request = Request::new(101).field("namespace", "n").field("key", "k");
        self.say(peer, server, request, Told::Kv { key: key(), change: None })
    }

    /// The value that a server has said to be kept.
    pub(super) fn acknowledged(&self, server: usize) -> String {
        self.servers[server].host.kv.value(&key()).unwrap_or_default().to_owned()
    }

    pub(super) fn assert_acknowledged(&self, server: usize, value: &str) {
        assert_eq!(self.acknowledged(server), value);
    }

    /// A host vanishes, comes back at once, and the peer finds what was kept.
    pub(super) fn lose_power(&mut self, peer: usize, server: usize) -> Verdict {
        let process = self.servers[server].host.process;
        self.happens(Fault::Vanish(process));
        self.happens(Fault::Start(process));
        self.reconnect(peer, server)?;
        self.read_back(peer, server)
    }
}

fn key() -> (String, String) {
    ("n".to_owned(), "k".to_owned())
}
