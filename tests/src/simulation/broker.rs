//! Brokers of several releases, as far as NameServers see them.

use super::agenda::Time;
use super::happening::Duty;
use super::invariant::Subject;
use super::ledger::Told;
use super::peer::Actor;
use super::population::{BrokerGroup, EPOCH_MILLIS, ZONES};
use crate::registration::{Compression, Generation, Mapping, Registration, Topic, Version, parts};
use crate::request::Request;
use crate::step::{self, Content, Queues};
use fastrand::Rng;
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
    /// It has unregistered and is about to end.
    pub(super) is_leaving: bool,
    /// Decides conflicts for an identifier.
    pub(super) state: i64,
}

impl Broker {
    pub(super) fn new(
        group: usize,
        id: i64,
        cluster: &str,
        address: String,
        release: Release,
        random: &mut Rng,
    ) -> Self {
        let part_topics = if release == Release::Split { random.usize(PART_TOPICS) } else { usize::MAX };
        let cluster = cluster.to_owned();
        Self { group, cluster, id, address, release, part_topics, zone: None, is_leaving: false, state: 0 }
    }

    pub(super) fn start(&mut self, actor: &mut Actor<'_>) {
        self.is_leaving = false;
        if !self.release.is_four() && !actor.is_calm() {
            self.zone = ZONES[actor.simulator.random.usize(..ZONES.len())];
        }
        actor.perform(Duty::RegisterFirst, 100);
        actor.perform(Duty::Register, SECOND_REGISTER_MILLIS);
        if !self.release.is_four() {
            actor.perform(Duty::ClusterInfo, 2 * CLUSTER_INFO_MILLIS);
        }
        if self.release.is_acting() {
            actor.perform(Duty::Heartbeat, HEARTBEAT_MILLIS);
        }
        let delay = actor.simulator.random.u64(20_000..120_000);
        actor.perform(Duty::ChangeTopics, delay);
    }

    pub(super) fn work(&mut self, duty: Duty, group: &mut BrokerGroup, actor: &mut Actor<'_>) {
        match duty {
            Duty::RegisterFirst => self.register_unless_leaving(group, actor),
            Duty::Register => {
                self.register_unless_leaving(group, actor);
                actor.perform(Duty::Register, REGISTER_MILLIS);
            }
            Duty::Heartbeat => {
                self.send_heartbeats(group, actor);
                actor.perform(Duty::Heartbeat, HEARTBEAT_MILLIS);
            }
            Duty::ClusterInfo => {
                if let Some(server) = actor.servers_up().first() {
                    actor.ask(*server, Request::new(106), Told::Nothing, Some(Subject::Clusters));
                }
                actor.perform(Duty::ClusterInfo, CLUSTER_INFO_MILLIS);
            }
            Duty::ChangeTopics => {
                if !actor.is_calm() {
                    self.change_topics(group, actor);
                }
                let delay = actor.simulator.random.u64(20_000..240_000);
                actor.perform(Duty::ChangeTopics, delay);
            }
            Duty::Probe | Duty::Poll | Duty::Administer | Duty::Annoy | Duty::Exit => {}
        }
    }

    pub(super) fn register_unless_leaving(&self, group: &BrokerGroup, actor: &mut Actor<'_>) {
        if !self.is_leaving {
            self.register_everywhere(group, actor);
        }
    }

    /// What its requests name it.
    fn identity(&self, group: &BrokerGroup) -> step::Broker {
        let (cluster, group, address) = (self.cluster.clone(), group.name.clone(), self.address.clone());
        step::Broker { cluster, group, id: self.id, address }
    }

    /// What a broker says of itself, with these topics.
    pub(super) fn registration(&self, group: &BrokerGroup, topics: Vec<Topic>, now: Time) -> Registration {
        let mut registration = Registration::new(&group.name, self.id);
        registration.cluster = Some(self.cluster.clone());
        registration.address = Some(self.address.clone());
        registration.ha_address = self.address.replace(":10911", ":10912");
        registration.version = Some(Version { state: self.state, ..group.version });
        registration.mapping_version = Version { timestamp: EPOCH_MILLIS + now as i64, ..Version::counter(0) };
        registration.zone = self.zone.map(str::to_owned);
        if self.release.is_four() {
            registration.generation = Generation::Four;
        }
        if self.release == Release::FourCompressed {
            registration.compression = Compression::Announced;
        }
        if self.release.is_acting() {
            registration.acting_master = true;
            registration.timeout = Some(ACTING_TIMEOUT_MILLIS);
        }
        if self.release == Release::Asking {
            let topic = "SELF_TEST_TOPIC".to_owned();
            registration.mappings = vec![Mapping { topic, total_queues: 2, epoch: 1, queues: vec![(0, 0)] }];
        }
        registration.topics = Some(topics);
        registration
    }

    /// Sends the whole table to every server that is reachable; some brokers ask first whether that is needed.
    pub(super) fn register_everywhere(&self, group: &BrokerGroup, actor: &mut Actor<'_>) {
        let topics: Vec<_> = group.topics.values().cloned().collect();
        if self.release == Release::Split {
            return self.register_in_parts(&topics, group, actor);
        }
        let registration = self.registration(group, topics, actor.simulator.now());
        for server in actor.servers_up() {
            let asks = self.release == Release::Asking && actor.simulator.random.bool();
            if asks {
                actor.tell(server, self.query_version(group));
            }
            register(server, registration.clone(), false, actor);
        }
    }

    /// Sends each part of its table as a registration of its own.
    fn register_in_parts(&self, topics: &[Topic], group: &BrokerGroup, actor: &mut Actor<'_>) {
        for part in parts(topics, self.part_topics) {
            self.announce(part.to_vec(), group, actor);
        }
    }

    fn query_version(&self, group: &BrokerGroup) -> Content {
        let version = Version { state: self.state, ..group.version };
        Content::QueryVersion { broker: self.identity(group), version: Some(version) }
    }

    /// In a group with an acting master: sends a heartbeat to all servers, and asks one of them for the group.
    fn send_heartbeats(&self, group: &BrokerGroup, actor: &mut Actor<'_>) {
        let compatible = self.release == Release::ActingCompatible;
        for server in actor.servers_up() {
            let content = if compatible { self.query_version(group) } else { Content::Heartbeat(self.identity(group)) };
            actor.ask(server, content.request().oneway(), Told::OfRoutes(content), None);
        }
        let Some(server) = actor.servers_up().first().copied() else { return };
        if compatible {
            let topic = format!("rmq_sys_SYNC_BROKER_MEMBER_{}", group.name);
            let request = Request::new(105).field("topic", &topic);
            actor.ask(server, request, Told::Nothing, Some(Subject::Route { topic, zone: None }));
        } else {
            let request = Request::new(901).field("clusterName", &self.cluster).field("brokerName", &group.name);
            actor.ask(server, request, Told::Nothing, None);
        }
    }

    /// An operator creates or changes topics on a master.
    fn change_topics(&self, group: &mut BrokerGroup, actor: &mut Actor<'_>) {
        let now = actor.simulator.now();
        if self.id != 0 || self.is_leaving {
            return;
        }
        let random = &mut actor.simulator.random;
        let queues = random.i32(1..16);
        if self.release == Release::SingleTopic {
            let name = format!("S{}", random.u8(0..6));
            if !group.topics.contains_key(&name) {
                let topic = group.set_topic(&name, queues, 6, now);
                register_single_topic(&topic, &group.name, actor);
            }
            return;
        }
        let name = format!("T{}", random.u8(0..8));
        let topic = group.set_topic(&name, queues, if random.bool() { 6 } else { 4 }, now);
        match random.u8(0..10) {
            // A consumer group appears: a 4.x broker sends all that it has and waits for no answer.
            0..5 if self.release.is_four() => {
                let registration = self.registration(group, group.topics.values().cloned().collect(), now);
                for server in actor.servers_up() {
                    register(server, registration.clone(), true, actor);
                }
            }
            0 => self.register_everywhere(group, actor),
            // Two topics change so quickly that both announcements say the later version.
            1 | 2 => {
                let second = format!("T{}", random.u8(0..8));
                let second = group.set_topic(&second, queues, 6, now);
                let first = group.topics.get(&topic.name).cloned().unwrap_or(topic);
                self.announce(vec![first], group, actor);
                self.announce(vec![second], group, actor);
            }
            _ => self.announce(vec![topic], group, actor),
        }
    }

    /// Registers only what changed, at every server that is reachable.
    pub(super) fn announce(&self, topics: Vec<Topic>, group: &BrokerGroup, actor: &mut Actor<'_>) {
        let registration = self.registration(group, topics, actor.simulator.now());
        for server in actor.servers_up() {
            register(server, registration.clone(), false, actor);
        }
    }

    /// It has another address from now on, over the connections that it has.
    pub(super) fn move_away(&mut self, group: &BrokerGroup, actor: &mut Actor<'_>) {
        let host = actor.simulator.random.u16(..);
        let port = if self.address.ends_with(":10911") { 20_911 } else { 10_911 };
        self.address = format!("10.99.{host}.{}:{port}", self.id);
        self.register_everywhere(group, actor);
    }

    /// Unregisters from all servers and ends some seconds later.
    pub(super) fn stop(&mut self, group: &BrokerGroup, actor: &mut Actor<'_>) {
        self.is_leaving = true;
        for server in 0..actor.servers.len() {
            actor.tell(server, Content::Unregister(self.identity(group)));
        }
        let delay = actor.simulator.random.u64(5000..8000);
        actor.perform(Duty::Exit, delay);
    }
}

fn register(server: usize, registration: Registration, is_oneway: bool, actor: &mut Actor<'_>) {
    let request = registration.request();
    let request = if is_oneway { request.oneway() } else { request };
    actor.ask(server, request, Told::OfRoutes(Content::Register(Box::new(registration))), None);
}

fn register_single_topic(topic: &Topic, group: &str, actor: &mut Actor<'_>) {
    let entries = vec![(group.to_owned(), Queues::of(topic))];
    for server in 0..actor.servers.len() {
        actor.tell(server, Content::RegisterTopic { topic: topic.name.clone(), entries: entries.clone() });
    }
}
