//! The pure core beside the model: carries steps out, asks everything, compares.

use super::answers::{self, RouteFor};
use super::invariants::{self, answers_in, in_a_row, in_order, questions};
use super::limits::{Switches, limits};
use super::listings;
use super::observation::Observation;
use super::server::Server;
use super::silences::Silences;
use super::storage::{KvRequest, Remark, Reply};
use super::tables::Member;
use crate::answer::Answer;
use crate::request::Request;
use crate::scenario::render;
use crate::step::words::{CONNECTIONS, MARK, NAMESPACES, SETTINGS, TOPICS};
use crate::step::{Access, Broker, Content, Disk, Message, Signer, Step};
use crate::world::{Happening, SECRET, World};
use namesrv_core::event::Event;
use namesrv_core::kv::KvTable;
use namesrv_core::save::SaveFile;
use std::collections::BTreeMap;

/// The core with the model beside it.
#[derive(Debug)]
pub struct Beside {
    world: World,
    model: Server,
    /// What every registration of a 5.x broker says of the time: never the same twice.
    time: i64,
    observation: Observation,
    silences: Silences,
    /// How often what was told.
    told: BTreeMap<String, usize>,
}

impl Beside {
    /// Both at their start. With `binary`, answers have binary headers.
    ///
    /// # Panics
    /// They already differ.
    #[must_use]
    pub fn new(switches: Switches, binary: bool) -> Self {
        let form = if binary { "ROCKETMQ" } else { "JSON" };
        let others = [("serverChannelMaxIdleTimeSeconds", "0"), ("rocketmq.serialize.type", form)];
        let settings = SETTINGS.into_iter().zip(switches.map(|on| if on { "true" } else { "false" }));
        let properties = settings.chain(others).map(|(name, value)| (name.to_owned(), value.to_owned()));
        let world = World::with(&properties.collect::<Vec<_>>(), KvTable::default(), limits(), SECRET);
        let model = Server::new(switches, binary, world.now().wall.as_millis());
        let mut beside = Self {
            world,
            model,
            time: 1_600_000_000_000,
            observation: Observation::default(),
            silences: Silences::default(),
            told: BTreeMap::new(),
        };
        beside.ask_everything();
        beside
    }

    /// Takes a step with both, compares what comes of it and every answer after it, and checks the invariants.
    ///
    /// # Panics
    /// They differ, or an invariant does not hold.
    pub fn take(&mut self, step: &Step) {
        if matches!(step, Step::Restart { .. }) {
            self.carry_out(&Step::Disk(Disk::Works));
            self.carry_out(step);
            self.ask_everything();
            self.observation.restart();
            return self.silences.restart(self.world.now().monotonic.as_millis(), &self.observation);
        }
        self.carry_out(step);
        self.ask_everything();
        self.check_invariants();
    }

    /// Asks for the data versions of all brokers, which is a sign of life, so it comes last. Returns how often what was
    /// told.
    ///
    /// # Panics
    /// They differ.
    pub fn finish(mut self) -> BTreeMap<String, usize> {
        let groups = self.model.tables.groups.iter();
        let members = groups.flat_map(|(name, group)| group.members.iter().map(move |member| (name, member)));
        let query = |(name, (id, member)): (&String, (&i64, &Member))| {
            let (cluster, address) = (member.cluster.clone(), member.address.clone());
            let broker = Broker { cluster, group: name.clone(), id: *id, address };
            Message::new(0, Content::QueryVersion { broker, version: None })
        };
        let step = Step::Send(members.map(query).collect());
        self.carry_out(&step);
        self.told
    }

    fn carry_out(&mut self, step: &Step) {
        self.model.apply(step);
        let asked = self.model.last.asked.clone();
        let frames: Vec<_> = asked.iter().map(|(opaque, asked)| self.frame(*opaque, asked)).collect();
        self.world.take_step(step, &frames);
        let happenings = self.world.take_happenings();
        let written = self.written(&happenings);
        let told: Vec<_> = happenings.iter().filter_map(line).collect();
        for kind in happenings.iter().filter_map(invariants::kind) {
            *self.told.entry(kind).or_default() += 1;
        }
        self.observation.note(told, happenings);
        let mut sorted = self.observation.told.clone();
        sorted.sort();
        let last = &self.model.last;
        assert_eq!(sorted, last.told, "what the server tells, closes, sends and saves");
        for connection in 0..CONNECTIONS {
            let expected = last.replies.get(&connection).map(Vec::as_slice).unwrap_or_default();
            let written = written.get(&connection).map(Vec::as_slice).unwrap_or_default();
            compare_all(written, expected, self.model.binary);
        }
    }

    fn frame(&mut self, opaque: i32, asked: &Message) -> (String, Vec<u8>) {
        self.time += 7;
        let mut asked = asked.clone();
        if let Content::Register(registration) = &mut asked.content {
            registration.mapping_version.timestamp = self.time;
        }
        (asked.connection.to_string(), asked.frame(&MARK.to_string(), opaque))
    }

    /// What was written to each connection, those that are closed now included.
    fn written(&mut self, happenings: &[Happening]) -> BTreeMap<usize, Vec<u8>> {
        let mut all = BTreeMap::new();
        for happening in happenings {
            if let Happening::Closed { connection, written, .. } = happening {
                all.insert(connection.parse().unwrap(), written.clone());
            }
        }
        for connection in 0..CONNECTIONS {
            if let Some(written) = self.world.take_output(&connection.to_string()) {
                all.insert(connection, written);
            }
        }
        all
    }

    /// Asks every question that changes nothing and compares the answers, byte for byte where they have a body.
    fn ask_everything(&mut self) {
        let signs = self.model.access == Access::ChangesAndReads;
        let signed = |question| if signs { Signer::Reader.sign(question) } else { question };
        let mut questions = questions();
        // Questions about the KV table wait behind its changes.
        if self.model.storage.is_idle() {
            for namespace in NAMESPACES.map(|namespace| Request::new(219).field("namespace", namespace)) {
                let of_key = |key| Request { code: 101, ..namespace.clone() }.field("key", key);
                questions.extend(TOPICS.map(of_key));
                questions.push(namespace);
            }
        }
        let sent: Vec<_> = questions.iter().cloned().map(signed).collect();
        self.world.receive("observer", &in_a_row(&sent));
        let output = in_order(&self.world.take_output("observer").unwrap());
        let expected: Vec<_> = (1..).zip(questions.iter().map(|question| expected(&self.model, question))).collect();
        let answers = compare_all(&output, &expected, self.model.binary);
        self.observation.see(&questions.iter().zip(answers).collect::<Vec<_>>());
        listings::check(&self.model, self.world.view());
    }

    fn check_invariants(&mut self) {
        let now = self.world.now().monotonic.as_millis();
        let asked = self.model.last.asked.iter().map(|(_, asked)| asked);
        self.silences.note(now, asked, &self.observation);
        invariants::check_tables(&self.observation, self.world.views_after_replies());
        invariants::check_silences(&self.observation, &self.silences, now);
    }
}

/// Something besides an answer, as a line; of the runtime configuration only that it is saved, and fields in order.
fn line(happening: &Happening) -> Option<String> {
    if let Happening::Event(Event::RequestRefused(refused)) = happening {
        return Some(format!("refused {}: {}", refused.code, refused.refusal.cause));
    }
    let line = render::happening(happening)?;
    Some(match happening {
        Happening::Saved { file: SaveFile::RuntimeConfig, .. } => "saves the runtime configuration".to_owned(),
        Happening::Notified { address, frame } => {
            let mut fields = Answer::decode(frame).unwrap().fields.unwrap_or_default();
            fields.sort_unstable();
            let fields: Vec<_> = fields.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
            let (front, _) = line.split_once(&format!(" to {address}: ")).unwrap();
            format!("{front} to {address}: {}", fields.join(" "))
        }
        Happening::Event(_) | Happening::Closed { .. } | Happening::Saved { .. } => line,
    })
}

/// What the model answers.
fn expected(model: &Server, request: &Request) -> Reply {
    let ok = |body: String| Reply { body, ..Reply::default() };
    let field =
        |name: &str| request.fields.iter().flatten().find(|(field, _)| field == name).map(|(_, value)| &**value);
    match request.code {
        106 => ok(answers::clusters(model)),
        304 => ok(answers::names(model)),
        206 => gated(model, "enableAllTopicList", answers::topics(model)),
        311 => gated(model, "enableTopicList", answers::topics_with(model, |flags| flags & 1 != 0)),
        312 => gated(model, "enableTopicList", answers::topics_with(model, |flags| flags & 2 != 0)),
        313 => gated(model, "enableTopicList", answers::topics_with(model, |flags| flags & 3 == 2)),
        224 => gated(model, "enableTopicList", answers::topics_of_cluster(model, field("cluster").unwrap())),
        901 => {
            let body = answers::members(model, field("brokerName").unwrap(), field("clusterName").unwrap());
            Reply { remark: Remark::Exactly("not set any response code".to_owned()), ..ok(body) }
        }
        105 => {
            let quoted = request.version != 400 || field("acceptStandardJsonOnly").is_some();
            route(model, field("topic").unwrap(), RouteFor { quoted, zone: field("__ZONE_NAME") })
        }
        code => {
            let find = |names: &[&'static str], name| names.iter().copied().find(|known| field(name) == Some(*known));
            let (namespace, key) = (find(&NAMESPACES, "namespace"), find(&TOPICS, "key"));
            KvRequest { code, namespace, key, value: None }.answer(&model.storage.kv)
        }
    }
}

fn gated(model: &Server, setting: &str, body: String) -> Reply {
    if model.storage.is_on(setting) {
        Reply { body, ..Reply::default() }
    } else {
        Reply::error(Remark::Exactly("disable".to_owned()))
    }
}

fn route(model: &Server, topic: &str, whom: RouteFor<'_>) -> Reply {
    if !model.is_ready() {
        return Reply::error(Remark::Exactly("name server not ready".to_owned()));
    }
    match answers::route(model, topic, whom) {
        Some(body) => Reply { body, ..Reply::default() },
        None => {
            let faq = "See https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.";
            let remark = format!("No topic route info in name server for the topic: {topic}\n{faq}");
            Reply { code: 17, remark: Remark::Exactly(remark), ..Reply::default() }
        }
    }
}

/// Compares what was written to one connection, and returns it as answers.
fn compare_all(written: &[u8], expected: &[(i32, Reply)], binary: bool) -> Vec<Answer> {
    let answers = answers_in(written);
    let numbers = |all: &[Answer]| all.iter().map(|answer| answer.opaque).collect::<Vec<_>>();
    assert_eq!(numbers(&answers), expected.iter().map(|(opaque, _)| *opaque).collect::<Vec<_>>(), "who is answered");
    for (answer, (_, reply)) in answers.iter().zip(expected) {
        compare(answer, reply, binary);
    }
    answers
}

fn compare(answer: &Answer, expected: &Reply, binary: bool) {
    assert_eq!((answer.serialization, answer.flag, answer.version), (u8::from(binary), 1, 513));
    assert_eq!(answer.code, expected.code, "{answer:?}");
    match &expected.remark {
        Remark::None => assert_eq!(answer.remark, None),
        Remark::Exactly(remark) => assert_eq!(answer.remark.as_ref(), Some(remark)),
        Remark::Any => assert!(answer.remark.is_some(), "{answer:?}"),
    }
    let fields: Option<Vec<_>> = answer
        .fields
        .as_ref()
        .map(|fields| fields.iter().map(|(name, value)| (name.as_str(), value.clone())).collect());
    // A binary header does not tell an empty list from none.
    let wanted = expected.fields.clone().filter(|fields| !(binary && fields.is_empty()));
    assert_eq!(fields.filter(|fields| !(binary && fields.is_empty())), wanted);
    if expected.lines.is_empty() {
        assert_eq!(answer.text(), expected.body);
    } else {
        let text = answer.text();
        let missing: Vec<_> = expected.lines.iter().filter(|line| !text.lines().any(|got| got == **line)).collect();
        assert!(missing.is_empty(), "{missing:?} not in {text}");
    }
}
