//! Steps from bytes: the same bytes make the same steps, and bytes of zero the simplest ones.

use super::beside_java::{can_be_oneway, is_bearable};
use super::defect::Defect;
use super::words::{
    ADDRESSES, BINARY_BYTES, BODY_BYTES, CLUSTERS, CODES, CONNECTIONS, FIELD_VALUES, GROUPS, HEADER_BYTES,
    MEMBER_VALUES, NAMESPACES, NO_GROUP, OTHER_KEYS, PROPERTIES, RELEASES, SETTINGS, TOPICS, VALUES, ZONES,
};
use super::{Access, Broker, Content, Disk, Message, Queues, Signer, Step, WarmFrom};
use crate::registration::{Compression, Generation, Mapping, Registration, Topic, Version, parts};
use crate::request::Request;
use arbitrary::Unstructured;
use proptest::prelude::*;

/// Bytes that are more than enough for a step.
pub const STEP_BYTES: usize = 96;

/// Which steps may be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// What the model predicts.
    Model,
    /// Everything that can happen to the registry.
    Everything,
    /// What can be compared between two servers over sockets: one request at a time, little that is deliberately
    /// different in Java, and nothing that depends on time.
    Java,
    /// Requests of administrators and of confused peers that tell a server nothing, for the simulation.
    Simulation,
}

/// How one kind is drawn, and how often in each scope.
type Kind<T> = (fn(&mut Draw<'_>) -> T, [u16; 4]);

/// Kinds of steps, and how often each is drawn in each scope: model, everything, Java, simulation.
const STEPS: [Kind<Step>; 12] = [
    (|draw| Step::Send(vec![draw.message()]), [48, 48, 66, 1]),
    (|draw| Step::Send(draw.split_registration()), [6, 6, 0, 0]),
    (|draw| Step::Batch(draw.messages(2, 5)), [10, 10, 0, 0]),
    (|draw| Step::Disconnect { connection: draw.connection() }, [6, 6, 3, 0]),
    (|draw| Step::Garbage { connection: draw.connection() }, [2, 2, 0, 0]),
    (|draw| Step::Advance { millis: draw.pause() }, [10, 10, 0, 0]),
    (|draw| Step::Freeze { millis: draw.pause(), arrived: draw.messages(0, 2) }, [4, 4, 0, 0]),
    (|draw| Step::SetClock { millis: draw.of(&[1, -3_600_000, 31_536_000_000]) }, [2, 2, 0, 0]),
    (|draw| Step::Disk(draw.of(&[Disk::Works, Disk::Works, Disk::Fails, Disk::Waits])), [4, 4, 0, 0]),
    (|draw| Step::Access(draw.access()), [5, 5, 0, 0]),
    (|draw| Step::Restart { from: draw.of(&WarmFrom::ALL), millis: draw.pause() }, [4, 2, 0, 0]),
    (|_| Step::Stop, [0, 1, 0, 0]),
];

/// Kinds of requests, and how often each is drawn in each scope: model, everything, Java, simulation.
const REQUESTS: [Kind<Content>; 14] = [
    (|draw| draw.register_again(), [20, 20, 20, 0]),
    (|draw| draw.register(), [20, 20, 8, 0]),
    (|draw| Content::Unregister(draw.broker()), [6, 6, 5, 1]),
    (|draw| Content::Heartbeat(draw.broker()), [6, 6, 2, 1]),
    (|draw| draw.query_version(), [4, 4, 4, 1]),
    (|draw| draw.permission(), [6, 6, 2, 0]),
    (|draw| draw.delete_topic(), [4, 4, 2, 0]),
    (|draw| draw.register_topic(), [4, 4, 2, 0]),
    (|draw| draw.kv(), [10, 10, 5, 0]),
    (|draw| draw.configure(), [4, 4, 0, 0]),
    (|_| Content::ShowConfiguration, [2, 2, 1, 1]),
    (|draw| draw.route(), [0, 2, 11, 2]),
    (|draw| draw.question(), [0, 2, 5, 8]),
    (|draw| draw.odd(), [0, 4, 5, 4]),
];

/// Draws steps from bytes.
#[derive(Debug)]
pub struct Draw<'a> {
    bytes: Unstructured<'a>,
    scope: Scope,
    /// Every broker that was drawn, for what happens to it next.
    brokers: Vec<Registration>,
}

impl<'a> Draw<'a> {
    /// Draws from these bytes.
    pub fn new(bytes: &'a [u8], scope: Scope) -> Self {
        Self { bytes: Unstructured::new(bytes), scope, brokers: Vec::new() }
    }

    /// Whether no bytes are left.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The next step.
    pub fn step(&mut self) -> Step {
        let column = self.scope as usize;
        self.weighted(&STEPS.map(|(_, weights)| weights[column]), |index| STEPS[index].0)(self)
    }

    /// A number below `count`.
    fn below(&mut self, count: usize) -> usize {
        self.bytes.int_in_range(0..=count - 1).unwrap_or(0)
    }

    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }

    /// True once in so many times.
    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    /// True once in so many times, beside Java in so many more: most servers differ there on purpose.
    fn seldom(&mut self, times: usize, beside_java: usize) -> bool {
        let times = if self.scope == Scope::Java { beside_java } else { times };
        self.once_in(times)
    }

    fn weighted<T>(&mut self, weights: &[u16], chosen: impl Fn(usize) -> T) -> T {
        let mut lot = self.below(weights.iter().map(|weight| usize::from(*weight)).sum());
        for (index, weight) in weights.iter().map(|weight| usize::from(*weight)).enumerate() {
            match lot.checked_sub(weight) {
                Some(rest) => lot = rest,
                None => return chosen(index),
            }
        }
        chosen(0)
    }

    fn connection(&mut self) -> usize {
        self.below(if self.scope == Scope::Java { 3 } else { CONNECTIONS })
    }

    fn pause(&mut self) -> u64 {
        match self.below(8) {
            0..6 => 1 + self.below(25_000) as u64,
            6 => self.of(&[0, 500, 999, 1000, 9999, 10_000, 10_001]),
            _ => self.of(&[120_001, 75_000, 30_001]),
        }
    }

    fn messages(&mut self, least: usize, most: usize) -> Vec<Message> {
        let count = least + self.below(most - least + 1);
        (0..count).map(|_| self.message()).collect()
    }

    /// A request, and how it is sent.
    pub fn message(&mut self) -> Message {
        let column = self.scope as usize;
        let connection = self.connection();
        let content = self.weighted(&REQUESTS.map(|(_, weights)| weights[column]), |index| REQUESTS[index].0)(self);
        let binary = self.once_in(6);
        let defect = self.defect(&content, binary);
        let can_be_oneway = self.scope != Scope::Java || can_be_oneway(&content, defect.as_ref());
        let oneway = self.seldom(10, 20) && can_be_oneway;
        let is_binary = matches!(&defect, Some(Defect::Header { bytes, .. }) if BINARY_BYTES.contains(bytes));
        // A code that does not fit into a binary header would be another one there.
        let binary = (binary || is_binary) && i16::try_from(content.code()).is_ok();
        let release = self.release(&content);
        let signer = self.signer();
        let content = content.sent_by(release);
        Message { connection, content, oneway, binary, release, defect, signer }
    }

    /// The questions that check a server in every step are signed where the model answers them only.
    fn access(&mut self) -> Access {
        match self.scope {
            Scope::Model => self.of(&[Access::Open, Access::Changes, Access::ChangesAndReads]),
            Scope::Everything | Scope::Java | Scope::Simulation => self.of(&[Access::Open, Access::Changes]),
        }
    }

    /// Nobody signs beside Java, which would take the fields for others, nor where there are no users.
    fn signer(&mut self) -> Option<Signer> {
        if matches!(self.scope, Scope::Java | Scope::Simulation) || !self.once_in(2) {
            return None;
        }
        let all = [Signer::Administrator, Signer::Rotating, Signer::Broker, Signer::Reader, Signer::Guesser];
        Some(if self.once_in(8) { Signer::Stranger } else { self.of(&all) })
    }

    /// An old release registers, which only Java and the fuzzer are told.
    fn release(&mut self, content: &Content) -> Option<i32> {
        let may = matches!(self.scope, Scope::Java | Scope::Everything) && matches!(content, Content::Register(_));
        (may && self.once_in(30)).then(|| self.of(&RELEASES))
    }

    /// A table in pieces of one version, as a broker with `enableSplitRegistration` sends it.
    fn split_registration(&mut self) -> Vec<Message> {
        let (registration, size) = (self.registration(), 1 + self.below(2));
        let (connection, binary) = (self.connection(), self.once_in(6));
        let topics = registration.topics.clone().unwrap_or_default();
        let piece = |topics: &[Topic]| {
            let piece = Registration { topics: Some(topics.to_vec()), ..registration.clone() };
            Message { binary, ..Message::new(connection, Content::Register(Box::new(piece))) }
        };
        parts(&topics, size).map(piece).collect()
    }

    fn register(&mut self) -> Content {
        Content::Register(Box::new(self.registration()))
    }

    /// One of the last brokers once more, perhaps with a later version.
    fn register_again(&mut self) -> Content {
        let Some(at) = self.recent_broker() else { return self.register() };
        let changes = self.of(&[0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, -1]);
        let topics = if self.scope != Scope::Java && self.once_in(6) { self.topics() } else { None };
        let broker = &mut self.brokers[at];
        broker.topics = topics.or(broker.topics.take());
        if let Some(version) = &mut broker.version {
            *version = Version { state: version.state, ..Version::counter(version.counter + changes) };
        }
        Content::Register(Box::new(broker.clone()))
    }

    fn recent_broker(&mut self) -> Option<usize> {
        let count = self.brokers.len().min(5);
        (count > 0).then(|| self.brokers.len() - 1 - self.below(count))
    }

    fn group(&mut self) -> (&'static str, &'static str) {
        GROUPS[self.of(&[0, 0, 0, 0, 0, 1, 1, 1, 1, 2])]
    }

    fn any_group(&mut self) -> String {
        if self.once_in(8) { NO_GROUP.to_owned() } else { self.group().0.to_owned() }
    }

    /// Mostly one that was drawn before.
    fn broker(&mut self) -> Broker {
        let from = self.recent_broker().filter(|_| !self.once_in(5)).map(|at| self.brokers[at].clone());
        let (group, cluster) = self.group();
        let from = from.unwrap_or_else(|| Registration::new(group, 0));
        let cluster =
            if from.cluster.as_deref() == Some("DefaultCluster") { Some(cluster.to_owned()) } else { from.cluster };
        let mut broker = Broker {
            cluster: cluster.unwrap_or_default(),
            group: from.broker.unwrap_or_default(),
            id: from.id.unwrap_or_default(),
            address: from.address.unwrap_or_default(),
        };
        if self.seldom(12, 40) {
            broker.cluster = self.of(&CLUSTERS).to_owned();
        }
        if self.seldom(12, 40) {
            broker.address = self.of(&ADDRESSES).to_owned();
        }
        broker
    }

    fn version(&mut self) -> Version {
        let state = self.of(&[0, 0, 0, 0, 0, 0, 1, 1, 2]);
        Version { state, ..Version::counter(self.of(&[1, 1, 1, 2, 2, 3, 4, 5])) }
    }

    fn queues(&mut self) -> Queues {
        Queues {
            read: self.of(&[8, 8, 8, 4, 0]),
            write: self.of(&[8, 8, 8, 1, i32::MAX]),
            perm: self.of(&[6, 6, 6, 6, 4, 2, 7, 15, 0, -1]),
            flags: self.of(&[0, 0, 1, 2, 3]),
        }
    }

    fn topics(&mut self) -> Option<Vec<Topic>> {
        if self.seldom(100, 300) {
            return None;
        }
        let count = self.of(&[2, 2, 2, 2, 2, 3, 3, 3, 3, 1, 0, 4, TOPICS.len()]);
        let first = self.below(TOPICS.len());
        let topic = |index: usize| {
            let Queues { read, write, perm, flags } = self.queues();
            let name = TOPICS[(first + index) % TOPICS.len()].to_owned();
            let named = !self.seldom(20, 1000);
            Topic { read_queues: read, write_queues: write, perm, flags, named, name }
        };
        let mut topics: Vec<_> = (0..count).map(topic).collect();
        topics.sort_by(|one, other| one.name.cmp(&other.name));
        Some(topics)
    }

    fn mappings(&mut self) -> Vec<Mapping> {
        if !self.once_in(6) {
            return Vec::new();
        }
        let mut queues: Vec<_> = (0..self.below(3)).map(|_| (self.below(3) as i32, self.below(3) as i32)).collect();
        queues.sort_unstable();
        queues.dedup_by_key(|(global, _)| *global);
        // 2^53 is the first number that one of the dialects quotes.
        let epoch = (self.below(3) as i64) << 52;
        vec![Mapping { topic: self.of(&TOPICS).to_owned(), total_queues: 4, epoch, queues }]
    }

    fn registration(&mut self) -> Registration {
        let (group, home) = self.group();
        let id = self.of(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, -1]);
        let generation = self.of(&[Generation::Five, Generation::Five, Generation::Five, Generation::Four]);
        let mut registration = Registration { generation, ..Registration::new(group, id) };
        let other_cluster = self.seldom(8, 100);
        registration.cluster = Some(if other_cluster { self.of(&CLUSTERS) } else { home }.to_owned());
        if self.seldom(4, 13) {
            registration.address = Some(self.of(&ADDRESSES).to_owned());
        }
        registration.version = (!self.seldom(10, 30)).then(|| self.version());
        registration.topics = self.topics();
        registration.zone = self.once_in(4).then(|| self.of(&ZONES).to_owned());
        registration.timeout = self.timeout();
        registration.compression = match self.below(5) {
            0..4 => Compression::None,
            _ if self.seldom(2, 30) => Compression::Denied,
            _ => Compression::Announced,
        };
        registration.filter_servers = match self.below(9) {
            0..6 => Some(Vec::new()),
            6 => None,
            _ => Some((0..=self.below(2)).map(|_| self.of(&["f:1", "", "g~\"/"]).to_owned()).collect()),
        };
        match generation {
            Generation::Five => {
                registration.acting_master = self.once_in(2);
                registration.mappings = self.mappings();
            }
            // Before 5.0 a data version had no state.
            Generation::Four => registration.version.iter_mut().for_each(|version| version.state = 0),
        }
        self.brokers.push(registration.clone());
        if self.scope != Scope::Java {
            self.leave_something_out(&mut registration);
        }
        registration
    }

    fn leave_something_out(&mut self, registration: &mut Registration) {
        match self.below(160) {
            156 => registration.cluster = None,
            157 => registration.address = None,
            158 => registration.broker = None,
            159 => registration.id = None,
            _ => {}
        }
    }

    fn timeout(&mut self) -> Option<i64> {
        if self.seldom(10, 90) {
            return Some(self.of(&[0, -1, i64::MAX, i64::MIN]));
        }
        match self.scope {
            Scope::Java => self.of(&[None, None, Some(600_000)]),
            _ => self.of(&[Some(10_000), Some(30_000), Some(10_000), Some(30_000), Some(1000), None]),
        }
    }

    fn query_version(&mut self) -> Content {
        let version = (!self.once_in(5)).then(|| self.version());
        Content::QueryVersion { broker: self.broker(), version }
    }

    fn permission(&mut self) -> Content {
        Content::Permission { group: self.any_group(), writable: self.once_in(2) }
    }

    fn topic(&mut self) -> &'static str {
        self.of(&TOPICS)
    }

    fn delete_topic(&mut self) -> Content {
        let cluster = self.once_in(3).then(|| self.of(&CLUSTERS).to_owned());
        Content::DeleteTopic { topic: self.topic().to_owned(), cluster }
    }

    fn register_topic(&mut self) -> Content {
        let entries = (0..self.below(3)).map(|_| (self.any_group(), self.queues())).collect();
        Content::RegisterTopic { topic: self.topic().to_owned(), entries }
    }

    fn kv(&mut self) -> Content {
        let code = self.of(&[100, 100, 100, 100, 101, 101, 102, 219]);
        let mut left_out = || self.scope != Scope::Java && self.bytes.int_in_range(0..=9_u8).unwrap_or(0) == 9;
        let lacks = [left_out(), left_out(), left_out()];
        let field = |lacks: bool, value: &'static str| (!lacks).then_some(value);
        Content::Kv {
            code,
            namespace: field(lacks[0], if self.once_in(2) { NAMESPACES[0] } else { self.of(&NAMESPACES) }),
            key: field(lacks[1], self.topic()),
            value: field(lacks[2], self.of(&VALUES)),
        }
    }

    fn configure(&mut self) -> Content {
        let count = 1 + self.below(2);
        let entry = |_| (self.below(SETTINGS.len() + OTHER_KEYS.len()), self.once_in(2));
        Content::Configure { entries: (0..count).map(entry).collect() }
    }

    fn route(&mut self) -> Content {
        let release = self.of(&[513, 513, 513, 513, 400, 400, 401]);
        let release = if self.once_in(8) { self.of(&RELEASES) } else { release };
        let standard = self.once_in(7).then(|| self.of(&["true", "TRUE", "false", "1"]));
        let request = Request::new(105).version(release).field("topic", self.topic());
        let request = request.optional("acceptStandardJsonOnly", standard);
        let mode = match self.below(7) {
            0..4 => return Content::Other(request),
            4 | 5 => "true",
            _ => "false",
        };
        Content::Other(request.field("__ZONE_NAME", self.of(&ZONES)).field("__ZONE_MODE", mode))
    }

    /// A question about anything but routes.
    fn question(&mut self) -> Content {
        let code = self.of(&[106, 206, 224, 304, 901, 311, 312, 313, 219]);
        let request = Request::new(code).version(self.of(&[513, 400]));
        Content::Other(match code {
            901 => request.field("clusterName", self.of(&CLUSTERS)).field("brokerName", self.any_group()),
            224 => request.field("cluster", self.of(&CLUSTERS)),
            219 => request.field("namespace", self.of(&NAMESPACES)),
            _ => request,
        })
    }

    /// Configuration in odd forms, codes that nobody answers, and requests that lack everything.
    fn odd(&mut self) -> Content {
        let request = match self.below(5) {
            0..3 if self.scope != Scope::Simulation => {
                let lines: Vec<_> = (0..=self.below(2)).map(|_| self.of(&PROPERTIES)).collect();
                Request::new(318).body(lines.join("\n"))
            }
            3 if self.scope != Scope::Java => {
                let code = self.of(&[100, 101, 102, 217, 322, 904]);
                Request::new(code).body("?")
            }
            _ => Request::new(self.of(&CODES)),
        };
        Content::Other(request)
    }

    fn defect(&mut self, content: &Content, binary: bool) -> Option<Defect> {
        if self.scope == Scope::Model {
            let is_wrong = matches!(content, Content::Register(_)) && self.once_in(20);
            return is_wrong.then_some(Defect::WRONG_CHECKSUM);
        }
        if self.scope == Scope::Simulation || !self.once_in(11) {
            return None;
        }
        let defect = self.any_defect();
        Some(defect).filter(|defect| self.scope != Scope::Java || is_bearable(content, binary, defect))
    }

    fn any_defect(&mut self) -> Defect {
        let place = |draw: &mut Self| draw.below(1 << 16) as u16;
        match self.below(13) {
            0..4 => {
                let (name, value) = self.of(&FIELD_VALUES);
                Defect::Field { name, value }
            }
            4..7 => {
                let (name, values) = self.of(&MEMBER_VALUES);
                Defect::Member { name, value: self.of(values) }
            }
            7 | 8 => Defect::Header { place: place(self), bytes: self.of(&HEADER_BYTES) },
            9 => {
                let place = if self.once_in(2) { u16::MAX } else { place(self) };
                Defect::Header { place, bytes: self.of(&BINARY_BYTES) }
            }
            _ => Defect::Body { place: place(self), bytes: self.of(&BODY_BYTES) },
        }
    }
}

/// Sequences of at most so many steps, for proptest. A shrunk one has fewer steps, made of smaller bytes.
pub fn sequence(scope: Scope, steps_max: usize) -> impl Strategy<Value = Vec<Step>> + use<> {
    let step = prop::collection::vec(any::<u8>(), STEP_BYTES);
    prop::collection::vec(step, 1..=steps_max).prop_map(move |steps| {
        let mut brokers = Vec::new();
        let draw = |bytes: &Vec<u8>| {
            let mut draw = Draw { bytes: Unstructured::new(bytes), scope, brokers: std::mem::take(&mut brokers) };
            let step = draw.step();
            brokers = draw.brokers;
            step
        };
        steps.iter().map(draw).collect()
    })
}
