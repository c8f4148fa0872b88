//! Sequences of steps from few names, so that things meet. Most of it is what real peers send.

use super::defect::Defect;
use super::step::{Act, Content, FULL_BODY_SINCE, Message, Step};
use super::words::{
    ADDRESSES, BINARY_BYTES, BODY_BYTES, BROKERS, CLUSTERS, CODES, FIELD_VALUES, HEADER_BYTES, MEMBER_VALUES,
    PROPERTIES, RELEASES, TOPICS, VALUES, ZONES,
};
use crate::registration::{Compression, Generation, Mapping, Registration, Topic, Version};
use crate::request::Request;
use namesrv_core::kv::ORDER_TOPIC_CONFIG;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

/// Connections of peers.
const CONNECTIONS: usize = 3;

/// A sequence of at most so many steps.
pub fn sequence(steps_max: usize) -> impl Strategy<Value = Vec<Step>> {
    let a_seat = prop_oneof![5 => Just(None), 3 => Just(Some(1)), 2 => Just(Some(2))];
    (vec(registration(), 1..5), a_seat, vec(plan(), 1..=steps_max)).prop_map(|(brokers, a_seat, plans)| {
        let brokers = a_seat.map_or_else(|| brokers.clone(), |a_seat| one_group(&brokers, a_seat));
        let step = |plan: Plan| Step { connection: plan.connection, act: plan.act(&brokers) };
        plans.into_iter().map(step).collect()
    })
}

/// The same brokers as members of one group that takes part in acting master, so many of them for each identifier.
fn one_group(brokers: &[Registration], a_seat: i64) -> Vec<Registration> {
    let (name, cluster) = BROKERS[0];
    let member = |(index, broker): (i64, &Registration)| Registration {
        cluster: Some(cluster.to_owned()),
        acting_master: true,
        generation: Generation::Five,
        broker: Some(name.to_owned()),
        id: Some(index / a_seat),
        address: Some(format!("{name}.{index}:10911")),
        ..broker.clone()
    };
    (0..).zip(brokers).map(member).collect()
}

/// A step that may still be about any of a sequence's brokers.
#[derive(Clone, Debug)]
struct Plan {
    connection: usize,
    deed: Deed,
    broker: usize,
    oneway: bool,
    binary: bool,
    defect: Option<Defect>,
}

#[derive(Clone, Debug)]
enum Deed {
    /// A broker registers, its table changed so many times, as another release than it is of, or as another registration.
    Register {
        changes: i64,
        release: Option<i32>,
    },
    /// A request that names a broker, some of it perhaps wrong.
    Named {
        code: i32,
        counter: i64,
        cluster: Option<&'static str>,
        address: Option<&'static str>,
    },
    Request(Request),
    Close,
}

impl Plan {
    fn act(self, brokers: &[Registration]) -> Act {
        let broker = &brokers[self.broker % brokers.len()];
        let mut release = None;
        let content = match self.deed {
            Deed::Close => return Act::Close,
            Deed::Request(request) => Content::Request(request),
            Deed::Named { code, counter, cluster, address } => {
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                let request = Request::new(code)
                    .field("brokerName", text(&broker.broker))
                    .field("brokerAddr", address.map_or_else(|| text(&broker.address), str::to_owned))
                    .field("clusterName", cluster.map_or_else(|| text(&broker.cluster), str::to_owned))
                    .field("brokerId", broker.id.unwrap_or_default());
                let body = if code == 322 { Version::counter(counter).json().to_string() } else { String::new() };
                Content::Request(request.body(body))
            }
            Deed::Register { changes, release: other } => {
                release = other;
                // There were no static topics then.
                let mappings = if other.is_some_and(|other| other < FULL_BODY_SINCE) {
                    Vec::new()
                } else {
                    broker.mappings.clone()
                };
                let version =
                    |version: Version| Version { state: version.state, ..Version::counter(version.counter + changes) };
                let version = broker.version.map(version);
                Content::Registration(Box::new(Registration { version, mappings, ..broker.clone() }))
            }
        };
        let defect = self.defect.filter(|defect| is_bearable(&content, self.binary, defect));
        let oneway = self.oneway && can_be_oneway(&content, defect.as_ref());
        Act::Send(Box::new(Message { content, oneway, binary: self.binary, release, defect }))
    }
}

/// What ours answers otherwise than Java is not sent one-way: what comes of it looks like a request that was lost. Neither is what
/// may not be readable: nobody can tell whether there will be an answer.
fn can_be_oneway(content: &Content, defect: Option<&Defect>) -> bool {
    let is_readable = matches!(defect, None | Some(Defect::Field { .. }));
    is_readable
        && match content {
            Content::Registration(registration) => registration.compression != Compression::Denied,
            Content::Request(request) => request.code != 318,
        }
}

/// Whether both servers can be compared after a request with this defect. One registration without broker name or address spoils a
/// Java server for good, and one of an old release that is none gets the time of the server for its data version.
fn is_bearable(content: &Content, binary: bool, defect: &Defect) -> bool {
    let is_registration = matches!(content, Content::Registration(_));
    match defect {
        Defect::Field { name, .. } => !is_registration || !["brokerName", "brokerAddr"].contains(name),
        Defect::Member { name, .. } => !(binary || is_registration && ["extFields", "version"].contains(name)),
        Defect::Header { bytes, .. } => !is_registration && binary == BINARY_BYTES.contains(bytes),
        Defect::Body { .. } => true,
    }
}

fn plan() -> impl Strategy<Value = Plan> {
    let defect = prop_oneof![10 => Just(None), 1 => defect().prop_map(Some)];
    let ways = (prop::bool::weighted(0.05), prop::bool::weighted(0.15));
    (deed(), 0..CONNECTIONS, 0..4_usize, ways, defect).prop_map(
        |(deed, connection, broker, (oneway, binary), defect)| {
            let is_binary = matches!(&defect, Some(Defect::Header { bytes, .. }) if BINARY_BYTES.contains(bytes));
            // A number that does not fit into a binary header would be another code there.
            let binary = (binary || is_binary)
                && !matches!(&deed, Deed::Request(request) if i16::try_from(request.code).is_err());
            Plan { connection, deed, broker, oneway, binary, defect }
        },
    )
}

fn deed() -> impl Strategy<Value = Deed> {
    let release = prop_oneof![30 => Just(None), 1 => select(&RELEASES[..]).prop_map(Some)];
    let register = (prop_oneof![6 => Just(0_i64), 4 => Just(1), 1 => Just(2), 1 => Just(-1)], release);
    let cluster = prop_oneof![40 => Just(None), 1 => select(&CLUSTERS[..]).prop_map(Some)];
    let address = prop_oneof![40 => Just(None), 1 => select(&ADDRESSES[..]).prop_map(Some)];
    let named = (prop_oneof![6 => Just(104), 2 => Just(904), 5 => Just(322)], 1_i64..5, cluster, address);
    prop_oneof![
        24 => register.prop_map(|(changes, release)| Deed::Register { changes, release }),
        8 => named.prop_map(|(code, counter, cluster, address)| Deed::Named { code, counter, cluster, address }),
        10 => route().prop_map(Deed::Request),
        6 => question().prop_map(Deed::Request),
        8 => change().prop_map(Deed::Request),
        5 => kv().prop_map(Deed::Request),
        3 => settings().prop_map(Deed::Request),
        2 => select(&CODES[..]).prop_map(|code| Deed::Request(Request::new(code))),
        3 => Just(Deed::Close),
    ]
}

fn broker() -> impl Strategy<Value = usize> {
    prop_oneof![5 => Just(0_usize), 4 => Just(1), 1 => Just(2)]
}

fn topic() -> impl Strategy<Value = &'static str> {
    select(&TOPICS[..])
}

fn version() -> impl Strategy<Value = Option<Version>> {
    let version =
        (prop_oneof![8 => Just(0_i64), 1 => Just(1), 1 => Just(2)], prop_oneof![4 => Just(1_i64), 1 => 0_i64..4]);
    let version = version.prop_map(|(state, counter)| Some(Version { state, ..Version::counter(counter) }));
    prop_oneof![30 => version, 1 => Just(None)]
}

fn topics() -> impl Strategy<Value = Option<Vec<Topic>>> {
    let queues = (
        prop_oneof![3 => Just(8), 1 => Just(4), 1 => Just(0)],
        prop_oneof![3 => Just(8), 1 => Just(1), 1 => Just(i32::MAX)],
    );
    let perm = prop_oneof![5 => Just(6), 1 => Just(4), 1 => Just(2), 1 => Just(7), 1 => Just(0), 1 => Just(-1)];
    let named = prop::bool::weighted(0.999);
    let shape = (queues, perm, 0..4_i32, named);
    let size = prop_oneof![12 => 2..=3_usize, 2 => 4..=5_usize, 1 => 0..=1_usize];
    let table = size.prop_flat_map(move |size| btree_map(0..TOPICS.len(), shape.clone(), size));
    let table = table.prop_map(|table| {
        let topic = |(topic, ((read_queues, write_queues), perm, flags, named)): (usize, _)| Topic {
            read_queues,
            write_queues,
            perm,
            flags,
            named,
            ..Topic::new(TOPICS[topic])
        };
        Some(table.into_iter().map(topic).collect())
    });
    prop_oneof![300 => table, 1 => Just(None)]
}

fn mappings() -> impl Strategy<Value = Vec<Mapping>> {
    let one = (topic(), 0..3_i64, vec((0..3_i32, 0..3_i32), 0..3)).prop_map(|(topic, epoch, queues)| {
        let mut queues = queues;
        queues.sort_unstable();
        queues.dedup_by_key(|(global, _)| *global);
        // 2^53 is the first number that one of the dialects quotes.
        Mapping { topic: topic.to_owned(), total_queues: 4, epoch: epoch << 52, queues }
    });
    let different = |mut all: Vec<Mapping>| {
        all.sort_by(|one, other| one.topic.cmp(&other.topic));
        all.dedup_by(|one, other| one.topic == other.topic);
        all
    };
    prop_oneof![8 => Just(Vec::new()), 1 => vec(one, 1..3).prop_map(different)]
}

fn registration() -> impl Strategy<Value = Registration> {
    let identity = (
        broker(),
        prop_oneof![20 => Just(0_i64), 12 => Just(1), 6 => Just(2), 1 => Just(-1), 1 => Just(i64::MAX)],
        prop_oneof![12 => Just(None), 1 => select(&ADDRESSES[..]).prop_map(Some)],
        prop_oneof![50 => Just(None), 1 => select(&CLUSTERS[..]).prop_map(Some)],
    );
    let role = (
        prop_oneof![2 => Just((Generation::Four, false)), 4 => Just((Generation::Five, false)), 4 => Just((Generation::Five, true))],
        prop_oneof![4 => Just(None), 1 => select(&ZONES[..]).prop_map(Some)],
        prop_oneof![60 => Just(None), 30 => Just(Some(600_000)), 1 => select(vec![0, -1, i64::MAX, i64::MIN]).prop_map(Some)],
        prop_oneof![120 => Just(Compression::None), 30 => Just(Compression::Announced), 1 => Just(Compression::Denied)],
    );
    let filters = prop_oneof![
        6 => Just(Some(Vec::new())),
        1 => Just(None),
        2 => vec(select(vec!["f:1".to_owned(), String::new(), "g~\"/".to_owned()]), 1..3).prop_map(Some)
    ];
    (identity, role, version(), topics(), filters, mappings()).prop_map(
        |(
            (broker, id, address, cluster),
            (kind, zone, timeout, compression),
            version,
            topics,
            filter_servers,
            mappings,
        )| {
            let (generation, acting_master) = kind;
            // Before 5.0 a data version had no state.
            let version = version.map(|version| match generation {
                Generation::Four => Version { state: 0, ..version },
                Generation::Five => version,
            });
            let (name, home) = BROKERS[broker];
            Registration {
                cluster: Some(cluster.unwrap_or(home).to_owned()),
                address: Some(address.map_or_else(|| format!("{name}.{id}:10911"), str::to_owned)),
                timeout,
                acting_master,
                generation,
                zone: zone.map(str::to_owned),
                compression,
                version,
                topics,
                filter_servers,
                mappings: if generation == Generation::Four { Vec::new() } else { mappings },
                ..Registration::new(name, id)
            }
        },
    )
}

fn route() -> impl Strategy<Value = Request> {
    let release = prop_oneof![4 => Just(513), 2 => Just(400), 1 => Just(401), 1 => select(&RELEASES[..])];
    let standard = prop_oneof![6 => Just(None), 1 => select(vec!["true", "TRUE", "false", "1"]).prop_map(Some)];
    let zone = prop_oneof![
        4 => Just(None),
        2 => select(&ZONES[..]).prop_map(|zone| Some((zone, "true"))),
        1 => select(&ZONES[..]).prop_map(|zone| Some((zone, "false"))),
    ];
    (topic(), release, standard, zone).prop_map(|(topic, release, standard, zone)| {
        let request =
            Request::new(105).version(release).field("topic", topic).optional("acceptStandardJsonOnly", standard);
        match zone {
            Some((zone, mode)) => request.field("__ZONE_NAME", zone).field("__ZONE_MODE", mode),
            None => request,
        }
    })
}

/// Questions besides routes.
fn question() -> impl Strategy<Value = Request> {
    let release = prop_oneof![Just(513), Just(400)];
    let all = prop_oneof![
        3 => Just(Request::new(106)),
        3 => (broker(), select(&CLUSTERS[..])).prop_map(|(broker, cluster)| {
            Request::new(901).field("clusterName", cluster).field("brokerName", BROKERS[broker].0)
        }),
        1 => Just(Request::new(206)),
        2 => select(&CLUSTERS[..]).prop_map(|cluster| Request::new(224).field("cluster", cluster)),
        1 => Just(Request::new(304)),
        3 => (311..=313).prop_map(Request::new),
        1 => Just(Request::new(319)),
    ];
    (all, release).prop_map(|(request, release)| request.version(release))
}

/// Changes that administrators make.
fn change() -> impl Strategy<Value = Request> {
    let entry = (broker(), prop_oneof![Just(6), Just(4), Just(15)], 0..4_i32, 1..9_i32).prop_map(|(broker, perm, flags, queues)| {
        json!({"brokerName": BROKERS[broker].0, "perm": perm, "readQueueNums": queues, "topicSysFlag": flags, "writeQueueNums": queues})
    });
    prop_oneof![
        2 => (broker(), prop_oneof![Just(205), Just(327)])
            .prop_map(|(broker, code)| Request::new(code).field("brokerName", BROKERS[broker].0)),
        2 => (topic(), prop_oneof![Just(None), select(&CLUSTERS[..]).prop_map(Some)])
            .prop_map(|(topic, cluster)| Request::new(216).field("topic", topic).optional("clusterName", cluster)),
        2 => (topic(), vec(entry, 0..3)).prop_map(|(topic, entries)| {
            Request::new(217).field("topic", topic).body(json!({"brokerDatas": [], "filterServerTable": {}, "queueDatas": entries}).to_string())
        }),
    ]
}

fn kv() -> impl Strategy<Value = Request> {
    let namespace = prop_oneof![Just(ORDER_TOPIC_CONFIG), Just("n~"), Just("odd \"\u{1}\u{e9}~")];
    let code = prop_oneof![4 => Just(100), 3 => Just(101), 2 => Just(102), 2 => Just(219)];
    (code, namespace, topic(), select(&VALUES[..])).prop_map(|(code, namespace, topic, value)| {
        let request = Request::new(code).field("namespace", namespace);
        let request = if code == 219 { request } else { request.field("key", topic) };
        if code == 100 { request.field("value", value) } else { request }
    })
}

fn settings() -> impl Strategy<Value = Request> {
    vec(select(&PROPERTIES[..]), 1..3).prop_map(|lines| Request::new(318).body(lines.join("\n")))
}

fn defect() -> impl Strategy<Value = Defect> {
    let (names, values): (Vec<_>, Vec<_>) = MEMBER_VALUES.iter().copied().unzip();
    let member = (0..names.len()).prop_flat_map(move |index| (Just(names[index]), select(values[index])));
    prop_oneof![
        4 => select(&FIELD_VALUES[..]).prop_map(|(name, value)| Defect::Field { name, value }),
        3 => member.prop_map(|(name, value)| Defect::Member { name, value }),
        2 => (any::<u16>(), select(&HEADER_BYTES[..])).prop_map(|(place, bytes)| Defect::Header { place, bytes }),
        1 => (prop_oneof![any::<u16>(), Just(u16::MAX)], select(&BINARY_BYTES[..])).prop_map(|(place, bytes)| Defect::Header { place, bytes }),
        3 => (any::<u16>(), select(&BODY_BYTES[..])).prop_map(|(place, bytes)| Defect::Body { place, bytes }),
    ]
}
