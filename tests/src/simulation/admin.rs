//! Administrators, as mqadmin and dashboards do it: KV entries, write permissions, topics, lists and configuration. And
//! strangers.

use super::agenda::Time;
use super::happening::Duty;
use super::invariant::Subject;
use super::ledger::Told;
use super::peer::Actor;
use super::population::BrokerGroup;
use crate::registration::{Compression, Registration, Topic};
use crate::request::{Request, frame};
use crate::step::{Content, Draw, STEP_BYTES, Scope};

/// Settings that do not change what the simulation expects of answers.
const SWITCHES: [&str; 5] = [
    "orderMessageEnable",
    "returnOrderTopicConfigToBroker",
    "enableTopicList",
    "notifyMinBrokerIdChanged",
    "listenPort",
];

/// No broker of the simulation has a name with it.
const OWN_SALT: &str = "~";

/// One administrator.
#[derive(Debug, Default)]
pub(super) struct Admin {
    values: u32,
}

impl Admin {
    pub(super) fn work(&mut self, groups: &mut [BrokerGroup], actor: &mut Actor<'_>) {
        let delay = actor.simulator.random.u64(500..8000);
        actor.perform(Duty::Administer, delay);
        let Some(server) = actor.any_server_up() else { return };
        match actor.simulator.random.u8(0..20) {
            0..9 => self.ask_about_kv(server, actor),
            9 | 10 if !actor.is_calm() => change_permission(server, groups, actor),
            11 if !actor.is_calm() => delete_topic(groups, actor),
            12 | 13 => configure(server, actor),
            _ => ask_anything(server, actor),
        }
    }

    fn ask_about_kv(&mut self, server: usize, actor: &mut Actor<'_>) {
        let random = &mut actor.simulator.random;
        let namespace = ["admin", "ORDER_TOPIC_CONFIG"][random.usize(..2)];
        let key = format!("T{}", random.u8(0..4));
        self.values += 1;
        let value = match (namespace, random.u8(0..8)) {
            ("admin", _) => format!("value {} of {}", self.values, actor.peer),
            (_, 0) => "no order".to_owned(),
            (_, queues) => format!("a:{queues}"),
        };
        let (code, change) = match random.u8(0..10) {
            0..5 => (100, Some(Some(value.clone()))),
            5 | 6 => (102, Some(None)),
            _ => (101, None),
        };
        // Several in a row wait for one save.
        let repeats = if random.u8(..) < 32 { 6 } else { 1 };
        for repeat in 0..repeats {
            let (change, value) = match &change {
                Some(Some(_)) => (Some(Some(format!("{value}{repeat}"))), Some(format!("{value}{repeat}"))),
                change => (change.clone(), None),
            };
            let request = Request::new(code).field("namespace", namespace).field("key", &key).optional("value", value);
            actor.ask(server, request, Told::Kv { key: (namespace.to_owned(), key.clone()), change }, None);
        }
    }
}

/// Takes the write permission from all topics of a group, or gives it back.
fn change_permission(server: usize, groups: &[BrokerGroup], actor: &mut Actor<'_>) {
    let group = groups[actor.simulator.random.usize(..groups.len())].name.clone();
    let writable = actor.simulator.random.bool();
    actor.tell(server, Content::Permission { group, writable });
}

/// Deletes a topic at a broker group, then at every server. Others with this topic bring it back.
fn delete_topic(groups: &mut [BrokerGroup], actor: &mut Actor<'_>) {
    let (now, random) = (actor.simulator.now(), &mut actor.simulator.random);
    let group = &mut groups[random.usize(..groups.len())];
    let topic = format!("T{}", random.u8(0..8));
    group.delete_topic(&topic, now);
    let cluster = random.bool().then(|| group.cluster.clone());
    for server in 0..actor.servers.len() {
        actor.tell(server, Content::DeleteTopic { topic: topic.clone(), cluster: cluster.clone() });
    }
}

fn configure(server: usize, actor: &mut Actor<'_>) {
    let random = &mut actor.simulator.random;
    let key = SWITCHES[random.usize(..SWITCHES.len())];
    let request = match random.u8(0..8) {
        0 => Request::new(318).body("\\u00zz=1"),
        1..5 => Request::new(318).body(format!("{key}={}\n", random.bool())),
        _ => Request::new(319),
    };
    actor.ask(server, request, Told::Nothing, None);
}

/// Asks anything that tells a server nothing: lists, routes, odd requests, and those of brokers that never registered.
fn ask_anything(server: usize, actor: &mut Actor<'_>) {
    let mut bytes = [0; STEP_BYTES];
    actor.simulator.random.fill(&mut bytes);
    let message = Draw::new(&bytes, Scope::Simulation).message();
    let request = message.request(OWN_SALT);
    let subject = match request.code {
        206 => Some(Subject::Topics),
        106 => Some(Subject::Clusters),
        _ => None,
    };
    let content = message.content;
    let is_of_routes = matches!(content, Content::Unregister(_) | Content::Heartbeat(_) | Content::QueryVersion { .. });
    let told = if is_of_routes { Told::OfRoutes(content) } else { Told::Nothing };
    actor.ask(server, request, told, subject);
}

/// A stranger sends what no peer should send. Returns for how long it stands still after that.
pub(super) fn annoy(actor: &mut Actor<'_>) -> Option<Time> {
    let delay = actor.simulator.random.u64(2000..30_000);
    actor.perform(Duty::Annoy, delay);
    let server = actor.any_server_up()?;
    let lot = actor.simulator.random.u8(0..26);
    let link = actor.link(server)?;
    match lot {
        20..23 => return flood(server, actor),
        23.. if !link.is_fouled => {
            half_close(server, actor);
            return None;
        }
        _ => {}
    }
    link.is_fouled = true;
    let socket = link.socket;
    let garbage: Vec<u8> = match lot {
        0 => b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        1 => vec![0xff; 9],
        2 => vec![0, 0, 0, 2, 0, 0],
        3 => frame(0, b"{", b""),
        4 => frame(1, b"short", b""),
        5 => frame(7, b"{}", b""),
        6 => [&40_u32.to_be_bytes()[..], &99_u32.to_be_bytes(), &[0; 40]].concat(),
        7 => {
            let fields = (0..1100).map(|number| (format!("f{number}"), String::new())).collect();
            Request { fields: Some(fields), ..Request::new(105).binary() }.encode()
        }
        // Half a frame, and then silence: another request would only be taken for the other half.
        8 => {
            link.sends_no_more = true;
            Request::new(106).encode()[..11].to_vec()
        }
        // An answer that nobody asked for.
        9 => Request { flag: 1, ..Request::new(0) }.encode(),
        other => {
            ask_oddly(server, other, actor);
            return None;
        }
    };
    actor.simulator.note(format_args!("nonsense to {server}"));
    actor.simulator.send_bytes(socket, garbage);
    None
}

/// Asks for more at once than fits into a socket, a window or the queue, and perhaps does not read the answers for a
/// while.
fn flood(server: usize, actor: &mut Actor<'_>) -> Option<Time> {
    for _ in 0..actor.simulator.random.usize(8..40) {
        let request = Request::new([319, 319, 106, 304][actor.simulator.random.usize(..4)]);
        actor.ask(server, request, Told::Nothing, None);
    }
    let stands_still = !actor.is_calm() && actor.simulator.random.bool();
    stands_still.then(|| actor.simulator.random.u64(100..60_000))
}

/// Asks some questions, ends its own side of the connection and waits for the answers.
fn half_close(server: usize, actor: &mut Actor<'_>) {
    for code in [319, 106, 206, 319, 304] {
        actor.ask(server, Request::new(code), Told::Nothing, None);
    }
    if let Some(link) = actor.link(server) {
        link.sends_no_more = true;
        let socket = link.socket;
        actor.simulator.end_sending(socket);
    }
}

/// Registrations that are refused, a topic that is deleted at one server alone, and whatever else can be asked.
fn ask_oddly(server: usize, which: u8, actor: &mut Actor<'_>) {
    let lone = Registration { topics: Some(vec![Topic::new("T0")]), ..Registration::new("nobody", 0) };
    let says = |content: Content| (content.request(), Told::OfRoutes(content));
    let asks = |request: Request| (request, Told::Nothing);
    let (request, told) = match which {
        10 => says(Content::Register(Box::new(lone))),
        11 => asks(Registration { topics: None, ..lone }.request()),
        12 => asks(Registration { compression: Compression::Denied, ..lone }.request()),
        13 => asks(Request { body: b"{}".to_vec(), ..lone.request() }),
        14 if !actor.is_calm() => says(Content::DeleteTopic { topic: "T0".to_owned(), cluster: None }),
        _ => return ask_anything(server, actor),
    };
    actor.ask(server, request, told, None);
}
