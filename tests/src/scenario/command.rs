//! The commands of a scenario, carried out.

use super::render::{Shape, answer, happening};
use super::words::{Words, broker, duration, host, mappings, millis, topics, version};
use crate::answer::{Answer, frames};
use crate::registration::{Compression, Generation, Registration};
use crate::request::Request;
use crate::step::{Content, Queues, WarmFrom};
use crate::users::{SECRET, rules, users};
use crate::world::{Happening, Saving, World};
use std::collections::BTreeMap;
use std::time::Duration;

/// The connection of requests that do not say which.
const CLIENT: &str = "client";

/// A world and what it still owes.
#[derive(Debug)]
pub(super) struct Runner {
    world: World,
    /// Requests without an answer so far, by their correlation number: where they were sent, and how the answer is
    /// shown.
    asked: BTreeMap<i32, (String, Shape)>,
    opaque: i32,
    /// Requests that will be found when the server wakes up.
    arrived: Option<Vec<(String, Vec<u8>)>>,
}

impl Runner {
    /// A server with these entries in its configuration file, and with [`users`].
    pub(super) fn new(properties: &[(String, String)]) -> Self {
        Self { world: World::with_users(properties, users()), asked: BTreeMap::new(), opaque: 0, arrived: None }
    }

    /// Carries out one command and returns what came of it.
    pub(super) fn run(&mut self, command: &str) -> Result<Vec<String>, String> {
        let mut words = Words::split(command)?;
        let verb = words.word("a command")?;
        if !self.act(&verb, &mut words)? {
            let (request, connection, shape) = request(&verb, &mut words)?;
            words.end()?;
            return self.ask(request, connection, shape);
        }
        words.end()?;
        let mut lines = self.answers(None)?;
        lines.extend(self.happenings());
        Ok(lines)
    }

    /// What the server did besides answering since this was asked last.
    pub(super) fn happenings(&mut self) -> Vec<String> {
        self.world.take_happenings().iter().filter_map(happening).collect()
    }

    fn ask(&mut self, request: Request, connection: String, shape: Shape) -> Result<Vec<String>, String> {
        self.opaque += 1;
        let opaque = self.opaque;
        let frame = request.opaque(opaque).encode();
        self.asked.insert(opaque, (connection.clone(), shape));
        if let Some(arrived) = &mut self.arrived {
            arrived.push((connection, frame));
            return Ok(Vec::new());
        }
        self.world.receive(&connection, &frame);
        let mut lines = self.answers(Some(opaque))?;
        if self.asked.contains_key(&opaque) {
            lines.push("(no answer)".to_owned());
        }
        lines.extend(self.happenings());
        Ok(lines)
    }

    /// Carries out a command that is no request; false when it is none.
    fn act(&mut self, verb: &str, words: &mut Words) -> Result<bool, String> {
        match verb {
            "connect" => {
                let connection = words.word("a connection")?;
                match words.option("from") {
                    Some(from) => self.world.connect_from(&connection, host(&from)?),
                    None => self.world.connect(&connection),
                };
            }
            "restart" => {
                self.asked.clear();
                self.world.restart(WarmFrom::ThisStop, Duration::ZERO);
            }
            "access" => {
                let lines = words.pairs()?.into_iter().map(|(key, value)| format!("{key}={value}\n"));
                self.world.replace_access(rules(&lines.collect::<String>()));
            }
            "disconnect" => self.world.disconnect(&words.word("a connection")?),
            "advance" => self.world.advance(duration(&words.word("a duration")?)?),
            "freeze" => {
                if self.arrived.is_some() {
                    return Err("frozen already".to_owned());
                }
                self.arrived = Some(Vec::new());
            }
            "wake" => {
                let arrived = self.arrived.take().ok_or("not frozen")?;
                let time = words.option("after").ok_or("after= is missing")?;
                self.world.freeze(duration(&time)?, &arrived);
            }
            "wall-clock" => self.world.step_wall_clock(millis(&words.word("a duration")?)?),
            "saves" => {
                let saving = match words.word("what saves do")?.as_str() {
                    "succeed" => Saving::Succeeds,
                    "fail" => Saving::Fails(words.word("a reason")?),
                    "wait" => Saving::Waits,
                    other => return Err(format!("saves cannot {other}")),
                };
                self.world.set_saving(saving);
            }
            "shutdown" => self.world.shut_down(),
            "send" => {
                let connection = words.word("a connection")?;
                let bytes = hex::decode(words.word("bytes in hexadecimal")?).map_err(|error| error.to_string())?;
                self.world.receive(&connection, &bytes);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The answers that arrived; that to request `asked` first and plain, others with their connection.
    fn answers(&mut self, asked: Option<i32>) -> Result<Vec<String>, String> {
        let mut own = Vec::new();
        let mut late = Vec::new();
        for output in self.outputs() {
            for frame in frames(&output)? {
                let frame = Answer::decode(frame)?;
                if (frame.flag, frame.version) != (1, 513) {
                    return Err(format!("an answer with flag {} and version {}", frame.flag, frame.version));
                }
                let (connection, shape) =
                    self.asked.remove(&frame.opaque).ok_or_else(|| format!("nobody asked for {frame:?}"))?;
                let lines = answer(&frame, &shape);
                if asked == Some(frame.opaque) {
                    own.extend(lines);
                } else {
                    late.extend(lines.into_iter().map(|line| format!("{connection} < {line}")));
                }
            }
        }
        own.extend(late);
        Ok(own)
    }

    /// What was written to every connection, those that were closed included.
    fn outputs(&mut self) -> Vec<Vec<u8>> {
        let mut connections: Vec<_> = self.asked.values().map(|(connection, _)| connection.clone()).collect();
        connections.sort();
        connections.dedup();
        let mut outputs: Vec<_> = connections.iter().filter_map(|name| self.world.take_output(name)).collect();
        outputs.extend(self.world.happenings().filter_map(|happening| match happening {
            Happening::Closed { written, .. } => Some(std::mem::take(written)),
            Happening::Event(_) | Happening::Notified { .. } | Happening::Saved { .. } => None,
        }));
        outputs
    }
}

/// The request that a command stands for, its connection, and how its answer is shown.
fn request(verb: &str, words: &mut Words) -> Result<(Request, String, Shape), String> {
    let via = words.option("via");
    let release = words.number("release")?;
    let signed = words.option("signed");
    let (oneway, binary, raw) = (words.flag("oneway"), words.flag("binary"), words.flag("raw"));
    let (mut request, connection, shape) = match broker_request(verb, words)? {
        Some((request, connection)) => (request, connection, Shape::Raw),
        None => {
            let (request, shape) = client_request(verb, words)?.ok_or("an unknown command")?;
            (request, CLIENT.to_owned(), shape)
        }
    };
    if oneway {
        request = request.oneway();
    }
    if binary {
        request = request.binary();
    }
    if let Some(release) = release {
        request.version = release;
    }
    if let Some(signed) = signed {
        let (user, secret) = signed.split_once('/').unwrap_or((&signed, SECRET));
        request = request.signed(user, secret);
    }
    Ok((request, via.unwrap_or(connection), if raw { Shape::Raw } else { shape }))
}

/// Requests of brokers, which come over the broker's own connection.
fn broker_request(verb: &str, words: &mut Words) -> Result<Option<(Request, String)>, String> {
    if verb == "register" {
        return registration(words).map(Some);
    }
    if !["unregister", "heartbeat", "query"].contains(&verb) {
        return Ok(None);
    }
    let connection = words.word("a broker")?;
    let (name, id) = broker(&connection)?;
    let cluster = words.option("cluster").unwrap_or_else(|| "DefaultCluster".to_owned());
    let address = words.option("address").unwrap_or_else(|| format!("{name}.{id}:10911"));
    let code = match verb {
        "unregister" => 104,
        "heartbeat" => 904,
        _ => 322,
    };
    let mut request = Request::new(code)
        .field("brokerName", name)
        .field("brokerAddr", address)
        .field("clusterName", cluster)
        .field("brokerId", words.option("id").unwrap_or_else(|| id.to_string()));
    if verb == "query" {
        let version = version(&words.option("version").unwrap_or_else(|| "1".to_owned()))?;
        request = request.body(version.map_or_else(|| "null".to_owned(), |version| version.json().to_string()));
    }
    Ok(Some((request, connection)))
}

fn registration(words: &mut Words) -> Result<(Request, String), String> {
    let connection = words.word("a broker")?;
    let (name, id) = broker(&connection)?;
    let mut registration = Registration::new(&name, id);
    for (field, option) in [
        (&mut registration.cluster, "cluster"),
        (&mut registration.address, "address"),
        (&mut registration.zone, "zone"),
    ] {
        if let Some(value) = words.option(option) {
            *field = Some(value).filter(|value| value != "missing");
        }
    }
    if let Some(address) = words.option("ha") {
        registration.ha_address = address;
    }
    if words.flag("nameless") {
        registration.broker = None;
    }
    registration.timeout = words.number("timeout")?;
    registration.acting_master = words.flag("acting");
    if words.flag("4.x") {
        registration.generation = Generation::Four;
    }
    registration.compression = match words.option("compressed").as_deref() {
        None => Compression::None,
        Some("announced") => Compression::Announced,
        Some("denied") => Compression::Denied,
        Some(other) => return Err(format!("compressed={other} is neither announced nor denied")),
    };
    if let Some(text) = words.option("version") {
        registration.version = version(&text)?;
    }
    if let Some(text) = words.option("topics") {
        registration.topics = if text == "null" { None } else { Some(topics(&text)?) };
    }
    if let Some(text) = words.option("filter-servers") {
        registration.filter_servers = (text != "null").then(|| text.split(',').map(str::to_owned).collect());
    }
    if let Some(text) = words.option("mappings") {
        registration.mappings = mappings(&text)?;
    }
    Ok((registration.request(), connection))
}

/// Requests of clients and of administrators.
fn client_request(verb: &str, words: &mut Words) -> Result<Option<(Request, Shape)>, String> {
    let request = match verb {
        "route" => {
            let request = Request::new(105).field("topic", words.word("a topic")?);
            let request = match words.option("zone") {
                Some(zone) => request.field("__ZONE_NAME", zone).field("__ZONE_MODE", "true"),
                None => request,
            };
            return Ok(Some((request, Shape::Route)));
        }
        "members" => {
            let name = words.word("a broker group")?;
            let cluster = words.option("cluster").unwrap_or_else(|| "DefaultCluster".to_owned());
            let request = Request::new(901).field("clusterName", cluster).field("brokerName", name);
            return Ok(Some((request, Shape::Members)));
        }
        "clusters" => return Ok(Some((Request::new(106), Shape::Clusters))),
        "topics" => {
            let cluster = words.option("cluster");
            let request = match cluster {
                Some(cluster) => Request::new(224).field("cluster", cluster),
                None => Request::new(206),
            };
            return Ok(Some((request, Shape::Names)));
        }
        "names" => return Ok(Some((Request::new(304), Shape::Names))),
        "unit-topics" => return Ok(Some((Request::new(311), Shape::Names))),
        "unit-sub-topics" => return Ok(Some((Request::new(312), Shape::Names))),
        "unit-sub-only-topics" => return Ok(Some((Request::new(313), Shape::Names))),
        "get-config" => return Ok(Some((Request::new(319), Shape::Setting(words.word("a key")?)))),
        "update-config" => {
            let lines: String = words.pairs()?.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
            Request::new(318).body(lines)
        }
        "wipe" => Request::new(205).field("brokerName", words.word("a broker group")?),
        "add" => Request::new(327).field("brokerName", words.word("a broker group")?),
        "delete-topic" => {
            let request = Request::new(216).field("topic", words.word("a topic")?);
            request.optional("clusterName", words.option("cluster"))
        }
        "register-topic" => register_topic(words)?,
        "put" => kv(100, words, true)?.field("value", words.word("a value")?),
        "get" => kv(101, words, true)?,
        "delete" => kv(102, words, true)?,
        "list" => kv(219, words, false)?,
        "request" => {
            let code = words.word("a code")?.parse().map_err(|_| "the code is no number")?;
            let body = words.option("body").unwrap_or_default();
            let request = Request::new(code).body(body);
            words.pairs()?.into_iter().fold(request, |request, (name, value)| request.field(&name, value))
        }
        _ => return Ok(None),
    };
    Ok(Some((request, Shape::Raw)))
}

fn kv(code: i32, words: &mut Words, with_key: bool) -> Result<Request, String> {
    let request = Request::new(code).field("namespace", words.word("a namespace")?);
    if with_key { Ok(request.field("key", words.word("a key")?)) } else { Ok(request) }
}

/// `register-topic T broker-a:8/8/6`: the topic, and the queue entries of its brokers.
fn register_topic(words: &mut Words) -> Result<Request, String> {
    let topic = words.word("a topic")?;
    let entries = topics(&words.word("queue entries")?)?;
    let entries = entries.into_iter().map(|entry| (entry.name.clone(), Queues::of(&entry))).collect();
    Ok(Content::RegisterTopic { topic, entries }.request())
}
