//! What can happen to a registry, from few names so that things meet; made of any bytes, and the same bytes make the same.

use crate::registration::{self, Compression, Generation, Mapping, Version};
use crate::request::Request;
use arbitrary::{Arbitrary, Result, Unstructured};
use namesrv_core::kv::ORDER_TOPIC_CONFIG;

/// Names of broker groups. The last is seldom right.
const BROKERS: [&str; 3] = ["a", "b", "\u{e9}\"\u{2}"];
/// Names of clusters.
const CLUSTERS: [&str; 2] = ["DefaultCluster", "Other"];
/// Identifiers within a group.
const IDS: [i64; 4] = [0, 1, 2, -1];
/// Names of topics.
pub(super) const TOPICS: [&str; 4] = ["T", "U", "rmq_sys_SYNC_BROKER_MEMBER_a", "\u{e9}\"\u{1}"];
/// Names of zones.
pub(super) const ZONES: [&str; 2] = ["z1", "Z1"];
/// Heartbeat timeouts in milliseconds.
const TIMEOUTS: [i64; 6] = [1000, 30_000, 0, -1, i64::MAX, i64::MIN];
/// Pauses in milliseconds.
pub(super) const PAUSES: [u64; 6] = [0, 1, 500, 999, 30_001, 130_000];
/// Keys that can be changed at run time, and some that cannot.
const KEYS: [&str; 9] = [
    "orderMessageEnable",
    "returnOrderTopicConfigToBroker",
    "supportActingMaster",
    "enableAllTopicList",
    "notifyMinBrokerIdChanged",
    "needWaitForService",
    "deleteTopicWithBrokerRegistration",
    "listenPort",
    "productEnvName",
];
const KV_VALUES: [&str; 4] = ["a:4;b:8", "", "malformed", "\u{e9}\"\u{1}\u{1f600}"];
const FIELDS: [&str; 8] =
    ["brokerName", "brokerAddr", "clusterName", "brokerId", "topic", "namespace", "key", "cluster"];
/// Every request code that the registry answers, and one that it does not.
const CODES: [i32; 20] =
    [100, 101, 102, 103, 104, 205, 206, 216, 217, 219, 224, 311, 312, 313, 318, 319, 322, 327, 904, 105];

/// An index below `N`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pick<const N: usize>(pub(super) usize);

impl<const N: usize> Pick<N> {
    fn of<T: Copy>(self, values: [T; N]) -> T {
        values[self.0]
    }
}

impl<'a, const N: usize> Arbitrary<'a> for Pick<N> {
    fn arbitrary(input: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self(usize::from(u8::arbitrary(input)?) % N))
    }
}

/// One input of a registry, or something that it depends on.
#[derive(Clone, Debug, Arbitrary)]
pub(super) enum Action {
    /// A request comes over a connection.
    Ask { connection: Pick<3>, oneway: bool, binary: bool, question: Question },
    /// A connection is lost, and the next one takes its place.
    Disconnect { connection: Pick<3> },
    /// Time passes, and timers fire when they are due.
    Pass { pause: Pick<6> },
    /// Time passes, and no timer fires before its end.
    Freeze { pause: Pick<6> },
    /// The wall clock is set.
    SetClock { wall: u64 },
    /// The oldest save ends.
    Saved { fails: bool },
    /// The server is about to stop.
    ShutDown,
}

/// A request.
#[derive(Clone, Debug, Arbitrary)]
pub(super) enum Question {
    Register(Register),
    RegisterAgain,
    Unregister(Named),
    Heartbeat(Named),
    QueryDataVersion { named: Named, counter: Pick<5> },
    Permission { broker: Pick<3>, add: bool },
    DeleteTopic { topic: Pick<4>, cluster: Option<Pick<2>> },
    RegisterTopic { topic: Pick<4>, brokers: Vec<Pick<3>>, perm: u8 },
    Kv { code: Pick<4>, in_order_config: bool, key: Option<Pick<4>>, value: Option<Pick<4>> },
    Configure { key: Pick<9>, on: bool },
    List { code: Pick<6> },
    Raw { code: Pick<20>, version: i32, fields: Vec<(Pick<8>, String)>, body: Vec<u8> },
}

/// Which broker a request means.
#[derive(Clone, Debug, Arbitrary)]
pub(super) struct Named {
    broker: Pick<3>,
    address: Pick<4>,
    cluster: Pick<2>,
}

/// A registration.
#[derive(Clone, Debug, Arbitrary)]
pub(super) struct Register {
    named: Named,
    id: Pick<4>,
    topics: Option<u8>,
    perm: u8,
    flags: u8,
    state: Pick<2>,
    counter: Option<Pick<5>>,
    timeout: Option<Pick<6>>,
    zone: Option<Pick<2>>,
    filter_servers: Option<bool>,
    acting_master: bool,
    is_old: bool,
    mapped: Option<Pick<4>>,
    compression: Pick<3>,
    wrong_checksum: bool,
}

/// A run of a registry.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// Settings at start, each on or off.
    pub(super) settings: Vec<(String, String)>,
    /// Whether every save ends at once.
    pub(super) saves_at_once: bool,
    /// What happens, and whether outputs are carried out after it.
    pub(super) actions: Vec<(Action, bool)>,
}

impl Run {
    /// Actions are cut off after this many.
    const ACTIONS_MAX: usize = 64;

    /// The run that some bytes stand for.
    pub(super) fn new(data: &[u8]) -> Self {
        let mut input = Unstructured::new(data);
        let switches = u16::arbitrary(&mut input).unwrap_or_default();
        let is_set = |bit: usize| switches >> bit & 1 != 0;
        let mut settings: Vec<_> =
            KEYS[..7].iter().enumerate().map(|(bit, key)| ((*key).to_owned(), is_set(bit).to_string())).collect();
        if is_set(7) {
            settings.push(("rocketmq.serialize.type".to_owned(), "ROCKETMQ".to_owned()));
        }
        let mut actions = Vec::new();
        while actions.len() < Self::ACTIONS_MAX && !input.is_empty() {
            let Ok(action) = Arbitrary::arbitrary(&mut input) else { break };
            actions.push((action, is_set(8) || input.ratio(3, 4).unwrap_or(true)));
        }
        Self { settings, saves_at_once: is_set(9), actions }
    }
}

impl Question {
    /// The request, without correlation number; absent: the registration before is repeated.
    pub(super) fn request(&self) -> Option<Request> {
        Some(match self {
            Self::Register(register) => register.request(),
            Self::RegisterAgain => return None,
            Self::Unregister(named) => named.request(104),
            Self::Heartbeat(named) => named.request(904),
            Self::QueryDataVersion { named, counter } => {
                named.request(322).body(Version::counter(counter.0 as i64).json().to_string())
            }
            Self::Permission { broker, add } => {
                Request::new(if *add { 327 } else { 205 }).field("brokerName", broker.of(BROKERS))
            }
            Self::DeleteTopic { topic, cluster } => {
                let cluster = cluster.map(|cluster| cluster.of(CLUSTERS));
                Request::new(216).field("topic", topic.of(TOPICS)).optional("clusterName", cluster)
            }
            Self::RegisterTopic { topic, brokers, perm } => {
                let entry = |broker: &Pick<3>| serde_json::json!({"brokerName": broker.of(BROKERS), "perm": perm & 15});
                let entries: Vec<_> = brokers.iter().map(entry).collect();
                let body = serde_json::json!({"queueDatas": entries}).to_string();
                Request::new(217).field("topic", topic.of(TOPICS)).body(body)
            }
            Self::Kv { code, in_order_config, key, value } => Request::new(code.of([100, 101, 102, 219]))
                .field("namespace", if *in_order_config { ORDER_TOPIC_CONFIG } else { "n" })
                .optional("key", key.map(|key| key.of(TOPICS)))
                .optional("value", value.map(|value| value.of(KV_VALUES))),
            Self::Configure { key, on } => Request::new(318).body(format!("{}={on}", key.of(KEYS))),
            Self::List { code } => Request::new(code.of([206, 224, 311, 312, 313, 319])).field("cluster", CLUSTERS[0]),
            Self::Raw { code, version, fields, body } => {
                let request = Request::new(code.of(CODES)).version(*version).body(body.clone());
                let fields = fields.iter().take(super::limits().ext_fields_max);
                fields.fold(request, |request, (name, value)| request.field(name.of(FIELDS), value))
            }
        })
    }
}

impl Named {
    fn address(&self) -> String {
        format!("{}.{}:10911", self.broker.of(BROKERS), self.address.0)
    }

    fn request(&self, code: i32) -> Request {
        Request::new(code)
            .field("brokerName", self.broker.of(BROKERS))
            .field("brokerAddr", self.address())
            .field("clusterName", self.cluster.of(CLUSTERS))
            .field("brokerId", self.address.0)
    }
}

impl Register {
    fn request(&self) -> Request {
        let named = &self.named;
        let mut registration = registration::Registration::new(named.broker.of(BROKERS), self.id.of(IDS));
        registration.cluster = Some(named.cluster.of(CLUSTERS).to_owned());
        registration.address = Some(named.address());
        registration.timeout = self.timeout.map(|timeout| timeout.of(TIMEOUTS));
        registration.acting_master = self.acting_master;
        registration.zone = self.zone.map(|zone| zone.of(ZONES).to_owned());
        registration.generation = if self.is_old { Generation::Four } else { Generation::Five };
        registration.compression =
            self.compression.of([Compression::None, Compression::Announced, Compression::Denied]);
        let version = |counter: Pick<5>| Version { state: self.state.0 as i64, ..Version::counter(counter.0 as i64) };
        registration.version = self.counter.map(version);
        registration.topics = self.topics.map(|listed| self.topics(listed));
        registration.filter_servers =
            self.filter_servers.map(|some| if some { vec!["127.0.0.1:1".to_owned()] } else { Vec::new() });
        if let Some(topic) = self.mapped {
            let topic = ["T", "U", "V", "W"][topic.0].to_owned();
            registration.mappings = vec![Mapping { topic, total_queues: 2, epoch: 1, queues: vec![(1, 0)] }];
        }
        let mut request = registration.request();
        if self.wrong_checksum {
            request.body.push(b' ');
        }
        request
    }

    fn topics(&self, listed: u8) -> Vec<registration::Topic> {
        let listed = TOPICS.iter().enumerate().filter(|(bit, _)| listed >> bit & 1 != 0);
        let topic = |(bit, name): (usize, &&str)| registration::Topic {
            perm: i32::from(self.perm >> (2 * bit) & 3) << 1,
            flags: i32::from(self.flags >> (2 * bit) & 3),
            named: self.flags != 0xff,
            ..registration::Topic::new(name)
        };
        listed.map(topic).collect()
    }
}
