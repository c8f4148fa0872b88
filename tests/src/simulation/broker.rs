//! Brokers of several releases, as far as NameServers see them.

use super::agenda::Time;
use super::cluster::Cluster;
use super::invariant::Subject;
use super::ledger::{Identity, Told};
use super::peer::{Duty, Kind};
use super::population::{EPOCH_MILLIS, ZONES};
use crate::registration::{Compression, Generation, Mapping, Registration, Topic, Version};
use crate::request::{Request, VERSION_4_9_7, VERSION_5_5_0};
use serde_json::json;
use std::ops::RangeInclusive;

/// A broker sends its table this often.
pub(super) const REGISTER_MILLIS: Time = 30_000;
/// The second registration of a broker comes so long after its start.
const SECOND_REGISTER_MILLIS: Time = 10_000;
const CLUSTER_INFO_MILLIS: Time = 5000;
const HEARTBEAT_MILLIS: Time = 1000;
/// Topics in a part of a split table, at most: few, because the tables are small.
const PART_TOPICS: RangeInclusive<usize> = 2..=4;
/// What a broker of a group with an acting master asks for.
const ACTING_TIMEOUT_MILLIS: i64 = 10_000;

/// How a broker behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Release {
    /// 5.5.0 with everything as it comes.
    #[default]
    Five,
    /// 5.5.0 in a group with an acting master; its heartbeats are data version queries.
    ActingCompatible,
    /// 5.5.0 in a group with an acting master; its heartbeats are heartbeats.
    Acting,
    /// 5.5.0 that registers single topics by a request of their own.
    SingleTopic,
    /// 5.5.0 that asks whether its table is known before it sends it.
    Asking,
    /// 5.5.0 that registers its table in parts (Java: `BrokerController.registerBrokerAll`).
    Split,
    /// 4.9.7.
    Four,
    /// 4.9.7 that compresses its table.
    FourCompressed,
}

impl Release {
    pub(super) const ALL: [Self; 8] = [
        Self::Five,
        Self::ActingCompatible,
        Self::Acting,
        Self::SingleTopic,
        Self::Asking,
        Self::Split,
        Self::Four,
        Self::FourCompressed,
    ];

    pub(super) fn is_acting(self) -> bool {
        matches!(self, Self::ActingCompatible | Self::Acting)
    }

    pub(super) fn is_four(self) -> bool {
        matches!(self, Self::Four | Self::FourCompressed)
    }
}

/// One broker.
#[derive(Debug)]
pub(super) struct Broker {
    pub(super) group: usize,
    pub(super) cluster: String,
    pub(super) id: i64,
    pub(super) address: String,
    pub(super) release: Release,
    /// Topics in each registration, if it splits its table.
    part_topics: usize,
    /// Where it stands; what the last of a group to register says is true of all of it.
    pub(super) zone: Option<&'static str>,
    /// It said goodbye and is about to end.
    pub(super) is_leaving: bool,
    /// Decides conflicts for an identifier.
    pub(super) state: i64,
}

impl Cluster {
    /// A broker that does not run yet; its process is called `<group>.<id>`.
    pub(super) fn add_broker(&mut self, group: &str, id: i64, site: usize, cluster: &str, release: Release) -> usize {
        let name = format!("{group}.{id}");
        let address = format!("10.{site}.{}.{id}:10911", self.processes.len());
        let group = self.group(group, cluster);
        let cluster = cluster.to_owned();
        let part_topics = if release == Release::Split { self.random.usize(PART_TOPICS) } else { usize::MAX };
        let broker =
            Broker { group, cluster, id, address, release, part_topics, zone: None, is_leaving: false, state: 0 };
        self.add_peer(&name, site, Kind::Broker(broker))
    }

    pub(super) fn broker(&self, peer: usize) -> Option<&Broker> {
        match &self.peers[peer].kind {
            Kind::Broker(broker) => Some(broker),
            Kind::Client(_) | Kind::Admin(_) | Kind::Stranger | Kind::Judge(_) | Kind::Puppet => None,
        }
    }

    pub(super) fn broker_mut(&mut self, peer: usize) -> &mut Broker {
        match &mut self.peers[peer].kind {
            Kind::Broker(broker) => broker,
            Kind::Client(_) | Kind::Admin(_) | Kind::Stranger | Kind::Judge(_) | Kind::Puppet => {
                panic!("peer {peer} is no broker")
            }
        }
    }

    pub(super) fn start_broker(&mut self, peer: usize) {
        let broker = self.broker_mut(peer);
        broker.is_leaving = false;
        let release = broker.release;
        if !release.is_four() && !self.faults.is_calm {
            let zone = ZONES[self.random.usize(..ZONES.len())];
            self.broker_mut(peer).zone = zone;
        }
        self.perform(peer, Duty::RegisterFirst, 100);
        self.perform(peer, Duty::Register, SECOND_REGISTER_MILLIS);
        if !release.is_four() {
            self.perform(peer, Duty::ClusterInfo, 2 * CLUSTER_INFO_MILLIS);
        }
        if release.is_acting() {
            self.perform(peer, Duty::Heartbeat, HEARTBEAT_MILLIS);
        }
        let delay = self.random.u64(20_000..120_000);
        self.perform(peer, Duty::ChangeTopics, delay);
    }

    pub(super) fn broker_works(&mut self, peer: usize, duty: Duty) {
        match duty {
            Duty::RegisterFirst => self.register_unless_leaving(peer),
            Duty::Register => {
                self.register_unless_leaving(peer);
                self.perform(peer, Duty::Register, REGISTER_MILLIS);
            }
            Duty::Heartbeat => {
                self.send_heartbeats(peer);
                self.perform(peer, Duty::Heartbeat, HEARTBEAT_MILLIS);
            }
            Duty::ClusterInfo => {
                if let Some(server) = self.servers_up(peer).first() {
                    self.ask(peer, *server, Request::new(106), Told::Nothing, Some(Subject::Clusters));
                }
                self.perform(peer, Duty::ClusterInfo, CLUSTER_INFO_MILLIS);
            }
            Duty::ChangeTopics => {
                if !self.faults.is_calm {
                    self.change_topics(peer);
                }
                let delay = self.random.u64(20_000..240_000);
                self.perform(peer, Duty::ChangeTopics, delay);
            }
            Duty::Probe | Duty::Poll | Duty::Administer | Duty::Annoy | Duty::Exit => {}
        }
    }

    pub(super) fn register_unless_leaving(&mut self, peer: usize) {
        if !self.broker_mut(peer).is_leaving {
            self.register_everywhere(peer);
        }
    }

    pub(super) fn identity(&self, peer: usize) -> Identity {
        let broker = self.broker(peer).expect("a broker");
        Identity {
            cluster: broker.cluster.clone(),
            name: self.groups[broker.group].name.clone(),
            id: broker.id,
            address: broker.address.clone(),
        }
    }

    /// What a broker says of itself, with these topics.
    pub(super) fn registration(&self, peer: usize, topics: Vec<Topic>) -> Registration {
        let broker = self.broker(peer).expect("a broker");
        let group = &self.groups[broker.group];
        let mut registration = Registration::new(&group.name, broker.id);
        registration.cluster = Some(broker.cluster.clone());
        registration.address = Some(broker.address.clone());
        registration.ha_address = broker.address.replace(":10911", ":10912");
        registration.version = Some(Version { state: broker.state, ..group.version });
        registration.mapping_version = Version { timestamp: EPOCH_MILLIS + self.now() as i64, ..Version::counter(0) };
        registration.zone = broker.zone.map(str::to_owned);
        if broker.release.is_four() {
            registration.generation = Generation::Four;
        }
        if broker.release == Release::FourCompressed {
            registration.compression = Compression::Announced;
        }
        if broker.release.is_acting() {
            registration.acting_master = true;
            registration.timeout = Some(ACTING_TIMEOUT_MILLIS);
        }
        if broker.release == Release::Asking {
            let topic = "SELF_TEST_TOPIC".to_owned();
            registration.mappings = vec![Mapping { topic, total_queues: 2, epoch: 1, queues: vec![(0, 0)] }];
        }
        registration.topics = Some(topics);
        registration
    }

    /// The whole table goes to every server that is reachable; one broker asks first whether that is needed.
    pub(super) fn register_everywhere(&mut self, peer: usize) {
        let broker = self.broker(peer).expect("a broker");
        let (release, part_topics) = (broker.release, broker.part_topics);
        let topics: Vec<_> = self.groups[broker.group].topics.values().cloned().collect();
        if release == Release::Split {
            return self.register_in_parts(peer, &topics, part_topics);
        }
        let registration = self.registration(peer, topics);
        for server in self.servers_up(peer) {
            let asks = release == Release::Asking && self.random.bool();
            if asks {
                let request = self.named(peer, 322).body(registration.version.expect("a version").json().to_string());
                let told = Told::Alive(self.identity(peer));
                self.ask(peer, server, request, told, None);
            }
            self.send_registration(peer, server, registration.clone(), false);
        }
    }

    /// Every full part goes out as soon as it is full, then what is left, even if that is nothing.
    fn register_in_parts(&mut self, peer: usize, topics: &[Topic], part_topics: usize) {
        let mut parts = topics.chunks_exact(part_topics);
        let full: Vec<_> = parts.by_ref().map(<[Topic]>::to_vec).collect();
        for part in full.into_iter().chain([parts.remainder().to_vec()]) {
            self.announce(peer, part);
        }
    }

    pub(super) fn send_registration(
        &mut self,
        peer: usize,
        server: usize,
        registration: Registration,
        is_oneway: bool,
    ) {
        let request = registration.request();
        let request = if is_oneway { request.oneway() } else { request };
        self.ask(peer, server, request, Told::Register(Box::new(registration)), None);
    }

    /// A request that names a broker.
    pub(super) fn named(&self, peer: usize, code: i32) -> Request {
        let broker = self.broker(peer).expect("a broker");
        let version = if broker.release.is_four() { VERSION_4_9_7 } else { VERSION_5_5_0 };
        Request::new(code)
            .version(version)
            .field("brokerId", broker.id)
            .field("clusterName", &broker.cluster)
            .field("brokerAddr", &broker.address)
            .field("brokerName", &self.groups[broker.group].name)
    }

    /// Every second, in a group with an acting master: a sign of life to all, and a look at the group at one.
    fn send_heartbeats(&mut self, peer: usize) {
        let compatible = self.broker_mut(peer).release == Release::ActingCompatible;
        let group = &self.groups[self.broker(peer).expect("a broker").group];
        let (name, version) = (group.name.clone(), group.version);
        for server in self.servers_up(peer) {
            let request =
                if compatible { self.named(peer, 322).body(version.json().to_string()) } else { self.named(peer, 904) };
            let told = Told::Alive(self.identity(peer));
            self.ask(peer, server, request.oneway(), told, None);
        }
        let Some(server) = self.servers_up(peer).first().copied() else { return };
        if compatible {
            let topic = format!("rmq_sys_SYNC_BROKER_MEMBER_{name}");
            let request = Request::new(105).field("topic", &topic);
            self.ask(peer, server, request, Told::Nothing, Some(Subject::Route { topic, zone: None }));
        } else {
            let request = self.named(peer, 901);
            self.ask(peer, server, request, Told::Nothing, None);
        }
    }

    /// Somebody creates or changes topics on a master.
    fn change_topics(&mut self, peer: usize) {
        let now = self.now();
        let broker = self.broker_mut(peer);
        if broker.id != 0 || broker.is_leaving {
            return;
        }
        let (at, release) = (broker.group, broker.release);
        let queues = self.random.i32(1..16);
        if release == Release::SingleTopic {
            let name = format!("S{}", self.random.u8(0..6));
            if !self.groups[at].topics.contains_key(&name) {
                let topic = self.groups[at].set_topic(&name, queues, 6, now);
                self.register_single_topic(peer, &topic);
            }
            return;
        }
        let name = format!("T{}", self.random.u8(0..8));
        let topic = self.groups[at].set_topic(&name, queues, if self.random.bool() { 6 } else { 4 }, now);
        match self.random.u8(0..10) {
            // A consumer group appears: a 4.x broker sends all that it has and waits for no answer.
            0..5 if release.is_four() => {
                let topics = self.groups[at].topics.values().cloned().collect();
                let registration = self.registration(peer, topics);
                for server in self.servers_up(peer) {
                    self.send_registration(peer, server, registration.clone(), true);
                }
            }
            0 => self.register_everywhere(peer),
            // Two topics change so quickly that both announcements say the later version.
            1 | 2 => {
                let second = format!("T{}", self.random.u8(0..8));
                let second = self.groups[at].set_topic(&second, queues, 6, now);
                let first = self.groups[at].topics.get(&topic.name).cloned().unwrap_or(topic);
                self.announce(peer, vec![first]);
                self.announce(peer, vec![second]);
            }
            _ => self.announce(peer, vec![topic]),
        }
    }

    /// A registration with only what changed goes to every server that is reachable.
    pub(super) fn announce(&mut self, peer: usize, topics: Vec<Topic>) {
        let registration = self.registration(peer, topics);
        for server in self.servers_up(peer) {
            self.send_registration(peer, server, registration.clone(), false);
        }
    }

    fn register_single_topic(&mut self, peer: usize, topic: &Topic) {
        let group = self.identity(peer).name;
        let entry = json!({
            "brokerName": group, "perm": topic.perm, "readQueueNums": topic.read_queues,
            "topicSysFlag": topic.flags, "writeQueueNums": topic.write_queues,
        });
        let body = json!({"brokerDatas": [], "filterServerTable": {}, "queueDatas": [entry]}).to_string();
        for server in 0..self.servers.len() {
            let request = Request::new(217).field("topic", &topic.name).body(body.clone());
            let told = Told::RegisterTopic { topic: topic.name.clone(), group: group.clone() };
            self.ask(peer, server, request, told, None);
        }
    }

    /// A broker says goodbye to all servers and ends some seconds later.
    pub(super) fn stop_broker(&mut self, peer: usize) {
        self.broker_mut(peer).is_leaving = true;
        let broker = self.identity(peer);
        for server in 0..self.servers.len() {
            let request = self.named(peer, 104);
            self.ask(peer, server, request, Told::Unregister(broker.clone()), None);
        }
        let delay = self.random.u64(5000..8000);
        self.perform(peer, Duty::Exit, delay);
    }
}
