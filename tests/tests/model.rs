//! Random conversations with the pure core and with a model of it in plain maps: both answer alike after every step.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "model/tables.rs"]
mod tables;

use namesrv_core::event::Event;
use namesrv_tests::answer::Answer;
use namesrv_tests::plain_json::{Json, bare};
use namesrv_tests::registration::{Generation, Mapping, Registration, Topic, Version};
use namesrv_tests::request::Request;
use namesrv_tests::world::{Happening, World};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Map, Value, json};
use std::time::Duration;
use tables::{Effects, Queue, Tables};

const GROUPS: [&str; 3] = ["a", "b", "never"];
const TOPICS: [&str; 3] = ["T", "U", "V"];
const CLUSTERS: [&str; 2] = ["c1", "c2"];
const ADDRESSES: [&str; 4] = ["w:1", "x:1", "y:1", "z:1"];
const QUEUES: [Queue; 4] = [(8, 8, 6, 0), (8, 8, 4, 0), (4, 4, 7, 1), (8, 8, 6, 2)];

#[derive(Clone, Debug)]
enum Step {
    Register {
        registration: Box<Registration>,
        connection: usize,
    },
    /// The registration so many before the last one once more, perhaps over another connection.
    Repeat {
        back: usize,
        connection: Option<usize>,
    },
    Unregister {
        group: usize,
        cluster: usize,
        address: usize,
    },
    Heartbeat {
        group: usize,
        cluster: usize,
        address: usize,
    },
    Query {
        group: usize,
        cluster: usize,
        address: usize,
        version: Version,
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
        entries: Vec<(usize, usize)>,
    },
    Disconnect {
        connection: usize,
    },
    Advance {
        seconds: u64,
    },
    DeleteUnlisted {
        on: bool,
    },
}

fn version() -> impl Strategy<Value = Version> {
    (prop_oneof![8 => Just(0_i64), 1 => Just(1)], 1_i64..6)
        .prop_map(|(state, counter)| Version { state, ..Version::counter(counter) })
}

fn cluster() -> impl Strategy<Value = usize> {
    prop_oneof![7 => Just(0_usize), 1 => Just(1)]
}

fn topics() -> impl Strategy<Value = Vec<Topic>> {
    proptest::collection::btree_map(0..TOPICS.len(), 0..QUEUES.len(), 0..4).prop_map(|topics| {
        let topic = |(topic, queue): (usize, usize)| {
            let (read_queues, write_queues, perm, flags) = QUEUES[queue];
            Topic { read_queues, write_queues, perm, flags, ..Topic::new(TOPICS[topic]) }
        };
        topics.into_iter().map(topic).collect()
    })
}

fn registration() -> impl Strategy<Value = Registration> {
    let identity = (0_usize..2, 0_i64..3, prop_oneof![4 => Just(None), 1 => (0_usize..4).prop_map(Some)], cluster());
    let role = (0..3, prop_oneof![3 => Just(None), 1 => Just(Some("z"))], prop_oneof![Just(10_000_i64), Just(30_000)]);
    let filters = prop_oneof![
        3 => Just(Some(vec![])),
        1 => Just(None),
        1 => Just(Some(vec!["f:1".to_owned()])),
    ];
    let content = (prop_oneof![9 => version().prop_map(Some), 1 => Just(None)], topics(), filters, 0_i64..8);
    (identity, role, content).prop_map(|(identity, role, content)| {
        let (group, id, address, cluster) = identity;
        let (kind, zone, timeout) = role;
        let (version, topics, filter_servers, epoch) = content;
        let generation = if kind == 0 { Generation::Four } else { Generation::Five };
        let mapping = Mapping { topic: "T".into(), total_queues: 4, epoch, queues: vec![(0, 0), (2, 1)] };
        Registration {
            cluster: Some(CLUSTERS[cluster].to_owned()),
            address: Some(ADDRESSES[address.unwrap_or(id as usize)].to_owned()),
            timeout: Some(timeout),
            acting_master: kind == 2,
            generation,
            zone: zone.map(str::to_owned),
            version: version.map(|version| Version { state: if kind == 0 { 0 } else { version.state }, ..version }),
            topics: Some(topics),
            filter_servers,
            mappings: if kind != 0 && epoch < 2 { vec![mapping] } else { Vec::new() },
            ..Registration::new(GROUPS[group], id)
        }
    })
}

fn step() -> impl Strategy<Value = Step> {
    let address = || (0_usize..3, cluster(), 0_usize..4);
    prop_oneof![
        10 => (registration(), 0_usize..4)
            .prop_map(|(registration, connection)| Step::Register { registration: Box::new(registration), connection }),
        14 => (0_usize..4, prop_oneof![3 => Just(None), 1 => (0_usize..4).prop_map(Some)])
            .prop_map(|(back, connection)| Step::Repeat { back, connection }),
        3 => address().prop_map(|(group, cluster, address)| Step::Unregister { group, cluster, address }),
        2 => address().prop_map(|(group, cluster, address)| Step::Heartbeat { group, cluster, address }),
        1 => (address(), version())
            .prop_map(|((group, cluster, address), version)| Step::Query { group, cluster, address, version }),
        3 => (0_usize..3, any::<bool>()).prop_map(|(group, writable)| Step::Permission { group, writable }),
        2 => (0_usize..3, prop_oneof![2 => Just(None), 1 => (0_usize..2).prop_map(Some)])
            .prop_map(|(topic, cluster)| Step::DeleteTopic { topic, cluster }),
        2 => (0_usize..3, proptest::collection::vec((0_usize..3, 0_usize..4), 0..3))
            .prop_map(|(topic, entries)| Step::RegisterTopic { topic, entries }),
        2 => (0_usize..4).prop_map(|connection| Step::Disconnect { connection }),
        3 => (1_u64..25).prop_map(|seconds| Step::Advance { seconds }),
        1 => any::<bool>().prop_map(|on| Step::DeleteUnlisted { on }),
    ]
}

/// Both, side by side.
struct Pair {
    world: World,
    tables: Tables,
    sent: Vec<(Registration, usize)>,
    /// Digits of the time that every registration of a 5.x broker carries.
    time: u64,
}

impl Pair {
    fn new() -> Self {
        let on = |key: &str| (key.to_owned(), "true".to_owned());
        let idle = ("serverChannelMaxIdleTimeSeconds".to_owned(), "0".to_owned());
        let world = World::new(&[on("supportActingMaster"), on("notifyMinBrokerIdChanged"), idle]);
        Self { world, tables: Tables::default(), sent: Vec::new(), time: 1_700_000_000_000 }
    }

    fn ask(&mut self, connection: &str, request: &Request) -> Answer {
        self.world.receive(connection, &request.encode());
        Answer::decode(&self.world.take_output(connection).unwrap()).unwrap()
    }

    fn carry_out(&mut self, step: &Step) {
        match step {
            Step::Register { registration, connection } => self.register((**registration).clone(), *connection),
            Step::Repeat { back, connection } => {
                let Some(at) = self.sent.len().checked_sub(1 + back) else { return };
                let (registration, before) = self.sent[at].clone();
                self.register(registration, connection.unwrap_or(before));
            }
            Step::Unregister { group, cluster, address } => {
                self.ask("client", &identified(104, *group, *cluster, *address));
                self.tables.unregister(GROUPS[*group], CLUSTERS[*cluster], ADDRESSES[*address]);
            }
            Step::Heartbeat { group, cluster, address } => {
                self.ask("client", &identified(904, *group, *cluster, *address));
                self.tables.hear(GROUPS[*group], CLUSTERS[*cluster], ADDRESSES[*address]);
            }
            Step::Query { group, cluster, address, version } => {
                let request = identified(322, *group, *cluster, *address).body(version.json().to_string());
                let answer = self.ask("client", &request);
                let known = self.tables.hear(GROUPS[*group], CLUSTERS[*cluster], ADDRESSES[*address]);
                let (known, is_owed) = known.last().copied().unwrap_or_default();
                let changed = known != Some(*version) || is_owed;
                assert_eq!(answer.field("changed"), Some(changed.to_string().as_str()));
                assert_eq!(answer.text(), known.map(|known| known.json().to_string()).unwrap_or_default());
            }
            Step::Permission { group, writable } => {
                let (code, field) = if *writable { (327, "addTopicCount") } else { (205, "wipeTopicCount") };
                let answer = self.ask("client", &Request::new(code).field("brokerName", GROUPS[*group]));
                let count = self.tables.change_permission(GROUPS[*group], *writable);
                assert_eq!(answer.field(field), Some(count.to_string().as_str()));
            }
            Step::DeleteTopic { topic, cluster } => {
                let cluster = cluster.map(|cluster| CLUSTERS[cluster]);
                let request = Request::new(216).field("topic", TOPICS[*topic]).optional("clusterName", cluster);
                self.ask("client", &request);
                self.tables.delete_topic(TOPICS[*topic], cluster);
            }
            Step::RegisterTopic { topic, entries } => self.register_topic(TOPICS[*topic], entries),
            Step::Disconnect { connection } => {
                self.world.disconnect(&connection.to_string());
                self.tables.disconnect(*connection);
            }
            Step::Advance { seconds } => {
                self.world.advance(Duration::from_secs(*seconds));
                self.tables.advance(seconds * 1000);
            }
            Step::DeleteUnlisted { on } => {
                self.ask("client", &Request::new(318).body(format!("deleteTopicWithBrokerRegistration={on}\n")));
                self.tables.delete_unlisted = *on;
            }
        }
    }

    /// Sends a registration as a broker does: with the time of sending, and with the checksum that belongs to it.
    fn register(&mut self, registration: Registration, connection: usize) {
        self.time += 7;
        let mut request = registration.request();
        let body = registration.json_body();
        let body = body.replacen(
            &Version::counter(0).json().to_string(),
            &Version { timestamp: self.time as i64, ..Version::counter(0) }.json().to_string(),
            1,
        );
        request.fields.as_mut().unwrap().retain(|(name, _)| name != "bodyCrc32");
        let request = request.field("bodyCrc32", crc32fast::hash(body.as_bytes()) & 0x7fff_ffff).body(body);
        let answer = self.ask(&connection.to_string(), &request);
        let (code, master) = self.tables.register(&registration, connection);
        assert_eq!(answer.code, code, "{:?}", answer.remark);
        let named = answer.field("masterAddr").zip(answer.field("haServerAddr"));
        assert_eq!(named.map(|(master, ha_server)| format!("{master} {ha_server}")), master);
        self.sent.push((registration, connection));
    }

    fn register_topic(&mut self, topic: &str, entries: &[(usize, usize)]) {
        let entries: Vec<_> =
            entries.iter().map(|(group, queue)| (GROUPS[*group].to_owned(), QUEUES[*queue])).collect();
        let entry = |(name, (read, write, perm, flags)): &(String, Queue)| {
            json!({
                "brokerName": name, "perm": perm, "readQueueNums": read, "topicSysFlag": flags, "writeQueueNums": write,
            })
        };
        let body = json!({ "queueDatas": entries.iter().map(entry).collect::<Vec<_>>() }).to_string();
        self.ask("client", &Request::new(217).field("topic", topic).body(body));
        self.tables.register_topic(topic, &entries);
    }

    /// Everything that can be asked is answered alike, and the same happened.
    fn compare(&mut self) {
        assert_eq!(effects(self.world.take_happenings()), std::mem::take(&mut self.tables.effects));
        assert_eq!(value(&self.ask("client", &Request::new(106)).text()), self.tables.clusters());
        for topic in TOPICS {
            let route = Request::new(105).field("topic", topic);
            let zoned = route.clone().field("__ZONE_MODE", true).field("__ZONE_NAME", "Z");
            for (request, zone) in [(&route, None), (&route.clone().version(400), None), (&zoned, Some("z"))] {
                let answer = self.ask("client", request);
                let expected = self.tables.route(topic, zone);
                assert_eq!((answer.code == 0).then(|| value(&answer.text())), expected, "{topic} {zone:?}");
            }
        }
        let names: Vec<_> = self.tables.topics.keys().cloned().collect();
        assert_eq!(value(&self.ask("client", &Request::new(206)).text()), json!({ "topicList": names }));
        for cluster in CLUSTERS {
            let answer = self.ask("client", &Request::new(224).field("cluster", cluster));
            assert_eq!(value(&answer.text()), json!({ "topicList": self.tables.topics_of_cluster(cluster) }));
        }
    }
}

fn identified(code: i32, group: usize, cluster: usize, address: usize) -> Request {
    let request = Request::new(code).field("brokerName", GROUPS[group]).field("clusterName", CLUSTERS[cluster]);
    request.field("brokerAddr", ADDRESSES[address]).field("brokerId", 0)
}

/// JSON of either dialect.
fn value(text: &str) -> Value {
    fn convert(json: &Json) -> Value {
        match json {
            Json::Bare(bare) => bare.parse().unwrap(),
            Json::Text(text) => Value::from(text.as_str()),
            Json::List(elements) => elements.iter().map(convert).collect(),
            Json::Object(members) => {
                members.iter().map(|(key, value)| (bare(key).to_owned(), convert(value))).collect::<Map<_, _>>().into()
            }
        }
    }
    convert(&Json::parse(text).unwrap())
}

fn effects(happenings: Vec<Happening>) -> Effects {
    let mut effects = Effects::default();
    for happening in happenings {
        match happening {
            Happening::Event(Event::BrokerEvicted { broker, .. }) => {
                effects.evicted.insert((broker.name, broker.id, broker.address));
            }
            Happening::Notified { address, frame } => {
                let mut fields = Answer::decode(&frame).unwrap().fields.unwrap_or_default();
                fields.sort();
                effects.notified.insert((address, fields));
            }
            Happening::Closed { connection, .. } => {
                effects.closed.insert(connection.parse().unwrap());
            }
            Happening::Event(_) | Happening::Saved { .. } => {}
        }
    }
    effects
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_core_answers_as_the_model_does(steps in proptest::collection::vec(step(), 1..60)) {
        let mut pair = Pair::new();
        for step in &steps {
            pair.carry_out(step);
            pair.compare();
        }
    }
}
