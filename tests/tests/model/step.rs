//! What can happen to a server, from few names so that things meet, and the requests that belong to it.

use namesrv_tests::registration::{Compression, Generation, Mapping, Registration, Topic, Version};
use namesrv_tests::request::Request;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

/// Names of broker groups; nobody registers under the last.
pub(crate) const GROUPS: [&str; 4] = ["a", "b", "\u{e9}\"\u{2}", "never"];
pub(crate) const CLUSTERS: [&str; 2] = ["c1", "c2"];
pub(crate) const ADDRESSES: [&str; 4] = ["w:1", "x:1", "y:1", "z:1"];
pub(crate) const TOPICS: [&str; 4] = ["T", "U", "rmq_sys_SYNC_BROKER_MEMBER_a", "\u{e9}\"\u{1}"];
pub(crate) const NAMESPACES: [&str; 2] = ["n", "ORDER_TOPIC_CONFIG"];
/// Values of KV entries; only the first and the last are order configurations that clients can read.
pub(crate) const VALUES: [&str; 4] = ["a:4;b:8", "malformed", "\u{e9}\"\u{1}\u{1f600}", ""];
/// Settings that change while the server runs.
pub(crate) const SETTINGS: [&str; 8] = [
    "deleteTopicWithBrokerRegistration",
    "enableAllTopicList",
    "enableTopicList",
    "needWaitForService",
    "notifyMinBrokerIdChanged",
    "orderMessageEnable",
    "returnOrderTopicConfigToBroker",
    "supportActingMaster",
];
/// Other keys: one that cannot change at run time, and one that nobody knows.
pub(crate) const OTHER_KEYS: [&str; 2] = ["listenPort", "unknown"];
/// Connections that requests come over.
pub(crate) const CONNECTIONS: usize = 5;
/// A registration of all topics is over the limit.
pub(crate) const TOPICS_MAX: usize = TOPICS.len() - 1;
/// A few KV entries are over the limit.
pub(crate) const KV_BYTES_MAX: usize = 100;

const QUEUES: [(i32, i32, i32, i32); 5] = [(8, 8, 6, 0), (8, 8, 4, 0), (4, 4, 7, 1), (8, 8, 6, 2), (1, 2, 15, 3)];

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Requests arrive one after the other, each when the one before is done.
    Ask(Vec<Asked>),
    /// Requests arrive so close to each other that they are worked on in one batch.
    Together(Vec<Asked>),
    /// The peer closes a connection.
    Disconnect { connection: usize },
    /// Bytes of another protocol arrive.
    Garbage { connection: usize },
    /// Time passes.
    Advance { millis: u64 },
    /// Time passes while the server stands still; it finds what arrived meanwhile.
    Freeze { millis: u64, arrived: Vec<Asked> },
    /// The wall clock is set.
    WallClock { millis: i64 },
    /// Whether files can be saved from now on: at once, not at all, or not yet.
    Saving(SavingPolicy),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SavingPolicy {
    Succeeds,
    Fails,
    Waits,
}

/// A request, and how it comes.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) connection: usize,
    pub(crate) oneway: bool,
    pub(crate) binary: bool,
    pub(crate) demand: Demand,
}

/// A broker as a request names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named {
    pub(crate) group: usize,
    pub(crate) cluster: usize,
    pub(crate) address: usize,
}

/// What a request wants.
#[derive(Clone, Debug)]
pub(crate) enum Demand {
    Register {
        registration: Box<Registration>,
        /// Its checksum is wrong.
        damaged: bool,
    },
    /// The registration so many before the last one once more.
    Repeat {
        back: usize,
    },
    Unregister(Named),
    Heartbeat(Named),
    Query {
        named: Named,
        version: Option<Version>,
    },
    Permission {
        group: usize,
        writable: bool,
    },
    DeleteTopic {
        topic: usize,
        cluster: Option<usize>,
    },
    RegisterTopic {
        topic: usize,
        /// Group and queues.
        entries: Vec<(usize, usize)>,
    },
    Kv {
        code: i32,
        namespace: Option<usize>,
        key: Option<usize>,
        value: Option<usize>,
    },
    Configure {
        /// Keys, settings first, and their values.
        entries: Vec<(usize, bool)>,
    },
    ShowConfiguration,
}

impl Demand {
    /// The registration that a repetition repeats; anything else is what it is.
    pub(crate) fn resolved(&self, sent: &[Demand]) -> Option<Self> {
        match self {
            Self::Repeat { back } => sent.len().checked_sub(1 + back).map(|at| sent[at].clone()),
            other => Some(other.clone()),
        }
    }
}

/// Read queues, write queues, permission, flags.
pub(crate) fn queues(choice: usize) -> (i32, i32, i32, i32) {
    QUEUES[choice]
}

/// The name of a key of the configuration.
pub(crate) fn key(choice: usize) -> &'static str {
    SETTINGS.iter().chain(&OTHER_KEYS).nth(choice).unwrap()
}

impl Asked {
    /// The request as it is sent; `time` is what every registration of a 5.x broker says.
    pub(crate) fn request(&self, opaque: i32, time: i64) -> Request {
        let mut request = self.demand.request(time).opaque(opaque);
        request.flag = if self.oneway { 2 } else { 0 };
        if self.binary { request.binary() } else { request }
    }
}

impl Demand {
    fn request(&self, time: i64) -> Request {
        match self {
            Self::Register { registration, damaged } => register_request(registration, *damaged, time),
            Self::Repeat { .. } => panic!("a repetition is resolved before it is sent"),
            Self::Unregister(named) => named.request(104),
            Self::Heartbeat(named) => named.request(904),
            Self::Query { named, version } => {
                named.request(322).body(version.map(|version| version.json().to_string()).unwrap_or_default())
            }
            Self::Permission { group, writable } => {
                Request::new(if *writable { 327 } else { 205 }).field("brokerName", GROUPS[*group])
            }
            Self::DeleteTopic { topic, cluster } => {
                let cluster = cluster.map(|cluster| CLUSTERS[cluster]);
                Request::new(216).field("topic", TOPICS[*topic]).optional("clusterName", cluster)
            }
            Self::RegisterTopic { topic, entries } => {
                let entry = |(group, choice): &(usize, usize)| {
                    let (read, write, perm, flags) = queues(*choice);
                    json!({
                        "brokerName": GROUPS[*group], "perm": perm, "readQueueNums": read, "topicSysFlag": flags,
                        "writeQueueNums": write,
                    })
                };
                let body = json!({ "queueDatas": entries.iter().map(entry).collect::<Vec<_>>() });
                Request::new(217).field("topic", TOPICS[*topic]).body(body.to_string())
            }
            Self::Kv { code, namespace, key, value } => Request::new(*code)
                .optional("namespace", namespace.map(|namespace| NAMESPACES[namespace]))
                .optional("key", key.map(|key| TOPICS[key]))
                .optional("value", value.map(|value| VALUES[value])),
            Self::Configure { entries } => {
                let lines = entries.iter().map(|(choice, on)| format!("{}={on}\n", key(*choice)));
                Request::new(318).body(lines.collect::<String>())
            }
            Self::ShowConfiguration => Request::new(319),
        }
    }
}

impl Named {
    fn request(self, code: i32) -> Request {
        Request::new(code)
            .field("brokerName", GROUPS[self.group])
            .field("clusterName", CLUSTERS[self.cluster])
            .field("brokerAddr", ADDRESSES[self.address])
            .field("brokerId", 0)
    }
}

/// As a broker sends it: with the time of sending, and with the checksum that belongs to it.
fn register_request(registration: &Registration, damaged: bool, time: i64) -> Request {
    let mut request = registration.request();
    if registration.compression == Compression::None {
        let never = Version::counter(0).json().to_string();
        let now = Version { timestamp: time, ..Version::counter(0) }.json().to_string();
        let body = String::from_utf8(request.body).unwrap();
        request.body = match body.split_once("\"mappingDataVersion\":") {
            Some((front, rest)) => {
                format!("{front}\"mappingDataVersion\":{}", rest.replacen(&never, &now, 1)).into_bytes()
            }
            None => body.into_bytes(),
        };
    }
    request.fields.as_mut().unwrap().retain(|(name, _)| name != "bodyCrc32");
    let checksum = crc32fast::hash(&request.body) ^ u32::from(damaged);
    // 0 would say that there is none.
    request.field("bodyCrc32", (checksum & 0x7fff_ffff).max(1))
}

/// Everything that can happen next to a server that knows some brokers.
pub(crate) fn step(known: &[Named]) -> impl Strategy<Value = Step> + use<> {
    let asked = || asked(known);
    let millis =
        || prop_oneof![6 => 1_u64..25_000, 1 => Just(120_001), 1 => select(vec![999, 1000, 9_999, 10_000, 10_001])];
    prop_oneof![
        24 => asked().prop_map(|asked| Step::Ask(vec![asked])),
        3 => split().prop_map(Step::Ask),
        5 => proptest::collection::vec(asked(), 2..6).prop_map(Step::Together),
        3 => connection().prop_map(|connection| Step::Disconnect { connection }),
        1 => connection().prop_map(|connection| Step::Garbage { connection }),
        5 => millis().prop_map(|millis| Step::Advance { millis }),
        2 => (millis(), proptest::collection::vec(asked(), 0..3)).prop_map(|(millis, arrived)| Step::Freeze { millis, arrived }),
        1 => select(vec![-3_600_000_i64, 1, 31_536_000_000]).prop_map(|millis| Step::WallClock { millis }),
        2 => select(vec![SavingPolicy::Succeeds, SavingPolicy::Succeeds, SavingPolicy::Fails, SavingPolicy::Waits])
            .prop_map(Step::Saving),
    ]
}

fn connection() -> impl Strategy<Value = usize> {
    0..CONNECTIONS
}

fn asked(known: &[Named]) -> impl Strategy<Value = Asked> + use<> {
    (connection(), prop::bool::weighted(0.1), prop::bool::weighted(0.2), demand(known))
        .prop_map(|(connection, oneway, binary, demand)| Asked { connection, oneway, binary, demand })
}

/// A table in pieces, all of the same version, as a broker with `enableSplitRegistration` sends it.
fn split() -> impl Strategy<Value = Vec<Asked>> {
    (registration(), 1_usize..3, connection(), any::<bool>()).prop_map(|(registration, size, connection, binary)| {
        let topics = registration.topics.clone().unwrap_or_default();
        let piece = |topics: &[Topic]| {
            let registration = Box::new(Registration { topics: Some(topics.to_vec()), ..registration.clone() });
            Asked { connection, oneway: false, binary, demand: Demand::Register { registration, damaged: false } }
        };
        topics.chunks(size).map(piece).collect()
    })
}

fn demand(known: &[Named]) -> impl Strategy<Value = Demand> + use<> {
    let named = || named(known);
    let settings = (0..SETTINGS.len() + OTHER_KEYS.len(), any::<bool>());
    let option = |choices: usize| proptest::option::weighted(0.9, 0..choices);
    let kv = (
        select(vec![100, 100, 100, 101, 102, 219]),
        option(NAMESPACES.len()),
        option(TOPICS.len()),
        option(VALUES.len()),
    );
    prop_oneof![
        10 => (registration(), prop::bool::weighted(0.05))
            .prop_map(|(registration, damaged)| Demand::Register { registration: Box::new(registration), damaged }),
        10 => (0_usize..4).prop_map(|back| Demand::Repeat { back }),
        3 => named().prop_map(Demand::Unregister),
        3 => named().prop_map(Demand::Heartbeat),
        2 => (named(), proptest::option::weighted(0.8, version())).prop_map(|(named, version)| Demand::Query { named, version }),
        3 => (0..GROUPS.len(), any::<bool>()).prop_map(|(group, writable)| Demand::Permission { group, writable }),
        2 => (0..TOPICS.len(), proptest::option::weighted(0.3, cluster()))
            .prop_map(|(topic, cluster)| Demand::DeleteTopic { topic, cluster }),
        2 => (0..TOPICS.len(), proptest::collection::vec((0..GROUPS.len(), 0..QUEUES.len()), 0..3))
            .prop_map(|(topic, entries)| Demand::RegisterTopic { topic, entries }),
        5 => kv.prop_map(|(code, namespace, key, value)| Demand::Kv { code, namespace, key, value }),
        2 => proptest::collection::vec(settings, 1..3).prop_map(|entries| Demand::Configure { entries }),
        1 => Just(Demand::ShowConfiguration),
    ]
}

/// Mostly a broker that is known.
fn named(known: &[Named]) -> impl Strategy<Value = Named> + use<> {
    let any = (0..GROUPS.len(), cluster(), 0..ADDRESSES.len()).prop_map(|(group, cluster, address)| Named {
        group,
        cluster,
        address,
    });
    if known.is_empty() { any.boxed() } else { prop_oneof![1 => any, 3 => select(known.to_vec())].boxed() }
}

fn cluster() -> impl Strategy<Value = usize> {
    prop_oneof![7 => Just(0_usize), 1 => Just(1)]
}

fn version() -> impl Strategy<Value = Version> {
    (prop_oneof![3 => Just(0_i64), 2 => Just(1)], 1_i64..6)
        .prop_map(|(state, counter)| Version { state, ..Version::counter(counter) })
}

fn topics() -> impl Strategy<Value = Vec<Topic>> {
    let named = prop::bool::weighted(0.95);
    let count = prop_oneof![2 => Just(0), 1 => Just(1), 5 => Just(2), 4 => Just(3), 1 => Just(TOPICS.len())];
    let choose = move |count| proptest::collection::btree_map(0..TOPICS.len(), (0..QUEUES.len(), named), count);
    count.prop_flat_map(choose).prop_map(|topics| {
        let topic = |(topic, (choice, named)): (usize, (usize, bool))| {
            let (read_queues, write_queues, perm, flags) = queues(choice);
            Topic { read_queues, write_queues, perm, flags, named, name: TOPICS[topic].to_owned() }
        };
        topics.into_iter().map(topic).collect()
    })
}

fn registration() -> impl Strategy<Value = Registration> {
    let some_address = prop_oneof![2 => Just(None), 1 => (0..ADDRESSES.len()).prop_map(Some)];
    let identity = (0..GROUPS.len() - 1, prop_oneof![9 => 0_i64..3, 1 => Just(-1)], some_address, cluster());
    let zone = prop_oneof![3 => Just(None), 1 => Just(Some("z")), 1 => Just(Some("Other"))];
    let timeout = prop_oneof![
        6 => select(vec![Some(10_000_i64), Some(30_000)]),
        1 => select(vec![None, Some(0), Some(-1), Some(i64::MAX)]),
    ];
    let filters = prop_oneof![3 => Just(Some(vec![])), 1 => Just(None), 1 => Just(Some(vec!["f:1".to_owned(), "f:2".to_owned()]))];
    let role = (0_usize..3, zone, timeout, filters);
    let content = (proptest::option::weighted(0.9, version()), topics(), 0_i64..8, 0_usize..4, 0_usize..150);
    (identity, role, content).prop_map(
        |((group, id, address, cluster), (kind, zone, timeout, filter_servers), content)| {
            let (version, topics, epoch, compression, missing) = content;
            let generation = if kind == 0 { Generation::Four } else { Generation::Five };
            let epoch = if epoch == 1 { 1 << 60 } else { epoch };
            let mapping = Mapping { topic: "T".into(), total_queues: 4, epoch, queues: vec![(2, 1), (0, 0)] };
            let is_mapped = generation == Generation::Five && (epoch == 0 || epoch > 7);
            let mut registration = Registration {
                cluster: Some(CLUSTERS[cluster].to_owned()),
                address: Some(ADDRESSES[address.unwrap_or(id.max(0) as usize)].to_owned()),
                timeout,
                acting_master: kind == 2,
                generation,
                zone: zone.map(str::to_owned),
                version: version.map(|version| Version { state: if kind == 0 { 0 } else { version.state }, ..version }),
                topics: Some(topics),
                filter_servers,
                mappings: if is_mapped { vec![mapping] } else { Vec::new() },
                compression: match (compression, generation) {
                    (0, Generation::Four) => Compression::Announced,
                    (0, Generation::Five) => Compression::Denied,
                    _ => Compression::None,
                },
                ..Registration::new(GROUPS[group], id)
            };
            match missing {
                0 => registration.cluster = None,
                1 => registration.address = None,
                2 => registration.broker = None,
                3 => registration.id = None,
                4 => registration.topics = None,
                _ => (),
            }
            registration
        },
    )
}
