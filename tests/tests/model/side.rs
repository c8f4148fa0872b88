//! The pure core beside the model: carries steps out, asks everything, compares.

use crate::invariants::{self, Observation, Silences};
use crate::server::Server;
use crate::step::{
    Asked, CLUSTERS, CONNECTIONS, Demand, GROUPS, KV_BYTES_MAX, NAMESPACES, Named, SavingPolicy, Step, TOPICS,
    TOPICS_MAX,
};
use crate::storage::{KvRequest, Remark, Reply};
use crate::written::RouteFor;
use namesrv_core::config::Limits;
use namesrv_core::kv::KvTable;
use namesrv_core::registry::SaveFile;
use namesrv_tests::answer::Answer;
use namesrv_tests::request::Request;
use namesrv_tests::scenario::render;
use namesrv_tests::world::{Happening, Saving, World};
use std::collections::BTreeMap;
use std::time::Duration;

/// The wall clock of a fresh world, in milliseconds.
pub(crate) const WALL: u64 = 1_750_000_000_000;

/// The core, and what was seen of it.
pub(crate) struct Side {
    world: World,
    /// What every registration of a 5.x broker says of the time: never the same twice.
    time: i64,
    observation: Observation,
    silences: Silences,
    /// How often what was told.
    pub(crate) told: BTreeMap<String, usize>,
}

/// A question that changes nothing, and the answer of the model.
struct Question {
    request: Request,
    expected: Reply,
}

impl Side {
    pub(crate) fn new(model: &Server) -> Self {
        let settings = model.storage.settings.iter().map(|(name, on)| ((*name).to_owned(), on.to_string()));
        let form = if model.binary { "ROCKETMQ" } else { "JSON" };
        let others = [("serverChannelMaxIdleTimeSeconds", "0"), ("rocketmq.serialize.type", form)];
        let others = others.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let properties: Vec<_> = settings.chain(others).collect();
        let limits =
            Limits { topics_per_registration_max: TOPICS_MAX, kv_bytes_max: KV_BYTES_MAX, ..Limits::default() };
        let world = World::with(&properties, KvTable::default(), limits);
        assert_eq!(world.now().wall.as_millis(), WALL);
        let mut side = Self {
            world,
            time: 1_600_000_000_000,
            observation: Observation::default(),
            silences: Silences::default(),
            told: BTreeMap::new(),
        };
        side.ask_everything(model);
        side
    }

    /// Carries a step out and compares what comes of it.
    pub(crate) fn carry_out(&mut self, step: &Step, model: &Server) {
        let frames: Vec<_> = model.last.asked.iter().map(|(opaque, asked)| self.frame(*opaque, asked)).collect();
        match step {
            Step::Ask(_) => frames.iter().for_each(|(connection, frame)| self.world.receive(connection, frame)),
            Step::Together(_) => self.world.receive_together(&frames),
            Step::Disconnect { connection } => self.world.disconnect(&connection.to_string()),
            Step::Garbage { connection } => self.world.receive(&connection.to_string(), b"GET / HTTP/1.1\r\n"),
            Step::Advance { millis } => self.world.advance(Duration::from_millis(*millis)),
            Step::Freeze { millis, .. } => self.world.freeze(Duration::from_millis(*millis), &frames),
            Step::WallClock { millis } => self.world.step_wall_clock(*millis),
            Step::Saving(policy) => self.world.set_saving(match policy {
                SavingPolicy::Succeeds => Saving::Succeeds,
                SavingPolicy::Fails => Saving::Fails("disk full".to_owned()),
                SavingPolicy::Waits => Saving::Waits,
            }),
        }
        let happenings = self.world.take_happenings();
        let written = self.written(&happenings);
        let told: Vec<_> = happenings.iter().map(line).collect();
        for kind in happenings.iter().filter_map(invariants::kind) {
            *self.told.entry(kind).or_default() += 1;
        }
        self.observation.note(told, happenings);
        let mut sorted = self.observation.told.clone();
        sorted.sort();
        assert_eq!(sorted, model.last.told, "what the server tells, closes, sends and saves");
        for connection in 0..CONNECTIONS {
            let expected = model.last.replies.get(&connection).map(Vec::as_slice).unwrap_or_default();
            compare_all(written.get(&connection).map(Vec::as_slice).unwrap_or_default(), expected, model.binary);
        }
    }

    fn frame(&mut self, opaque: i32, asked: &Asked) -> (String, Vec<u8>) {
        self.time += 7;
        (asked.connection.to_string(), asked.request(opaque, self.time).encode())
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
    pub(crate) fn ask_everything(&mut self, model: &Server) {
        let questions = questions(model);
        let input: Vec<_> = (1..)
            .zip(&questions)
            .flat_map(|(opaque, question)| question.request.clone().opaque(opaque).encode())
            .collect();
        self.world.receive("observer", &input);
        let output = self.world.take_output("observer").unwrap();
        let expected: Vec<_> = (1..).zip(questions.iter().map(|question| question.expected.clone())).collect();
        let answers = compare_all(&output, &expected, model.binary);
        self.observation.see(&questions.iter().map(|question| &question.request).zip(answers).collect::<Vec<_>>());
    }

    pub(crate) fn check_invariants(&mut self, model: &Server) {
        let now = self.world.now().monotonic.as_millis();
        let asked = model.last.asked.iter().map(|(_, asked)| asked);
        self.silences.note(now, asked, &self.observation);
        invariants::check(&self.observation, &self.silences, now, self.world.views_after_replies());
    }

    /// Asks for the data version of everybody, which is a sign of life, so it comes last.
    pub(crate) fn ask_for_versions(&mut self, mut model: Server) {
        let named = |address, group, cluster| Named { group, cluster, address };
        let all = (0..4).flat_map(|address| {
            (0..GROUPS.len())
                .flat_map(move |group| (0..CLUSTERS.len()).map(move |cluster| named(address, group, cluster)))
        });
        let queries = all.map(|named| Asked {
            connection: 0,
            oneway: false,
            binary: false,
            demand: Demand::Query { named, version: None },
        });
        let step = Step::Ask(queries.collect());
        model.apply(&step);
        self.carry_out(&step, &model);
    }
}

/// Something besides an answer, as a line; of the runtime configuration only that it is saved, and fields in order.
fn line(happening: &Happening) -> String {
    let line = render::happening(happening);
    match happening {
        Happening::Saved { file: SaveFile::RuntimeConfig, .. } => "saves the runtime configuration".to_owned(),
        Happening::Notified { address, .. } => {
            let (front, fields) = line.split_once(&format!(" to {address}: ")).unwrap();
            let mut fields: Vec<_> = fields.split(' ').collect();
            fields.sort_unstable();
            format!("{front} to {address}: {}", fields.join(" "))
        }
        Happening::Event(_) | Happening::Closed { .. } | Happening::Saved { .. } => line,
    }
}

fn questions(model: &Server) -> Vec<Question> {
    let ok = |body: String| Reply { body, ..Reply::default() };
    let mut all = vec![
        (Request::new(106), ok(model.clusters())),
        (Request::new(304), ok(model.names())),
        (Request::new(206), gated(model, "enableAllTopicList", model.topics())),
        (Request::new(311), gated(model, "enableTopicList", model.topics_with(|flags| flags & 1 != 0))),
        (Request::new(312), gated(model, "enableTopicList", model.topics_with(|flags| flags & 2 != 0))),
        (Request::new(313), gated(model, "enableTopicList", model.topics_with(|flags| flags & 3 == 2))),
    ];
    for cluster in CLUSTERS.into_iter().chain(["nowhere"]) {
        let expected = gated(model, "enableTopicList", model.topics_of_cluster(cluster));
        all.push((Request::new(224).field("cluster", cluster), expected));
    }
    for group in GROUPS {
        let request = Request::new(901).field("brokerName", group).field("clusterName", "echo");
        let remark = Remark::Exactly("not set any response code".to_owned());
        all.push((request, Reply { remark, ..ok(model.members(group, "echo")) }));
    }
    for topic in TOPICS.into_iter().chain(["absent"]) {
        let request = Request::new(105).field("topic", topic);
        let standard = request.clone().version(400).field("acceptStandardJsonOnly", "True");
        let zoned = |zone| request.clone().field("__ZONE_MODE", true).field("__ZONE_NAME", zone);
        for (request, quoted, zone) in [
            (request.clone(), true, None),
            (request.clone().binary(), true, None),
            (request.clone().version(400), false, None),
            (standard, true, None),
            (zoned("Z"), true, Some("z")),
            (zoned("other"), true, Some("Other")),
        ] {
            all.push((request, route(model, topic, RouteFor { quoted, zone })));
        }
    }
    // Questions about the KV table wait behind its changes.
    if model.storage.is_idle() {
        for namespace in NAMESPACES {
            all.push(kv_question(model, 219, namespace, None));
            all.extend(TOPICS.map(|key| kv_question(model, 101, namespace, Some(key))));
        }
    }
    all.into_iter().map(|(request, expected)| Question { request, expected }).collect()
}

fn gated(model: &Server, setting: &str, body: String) -> Reply {
    if model.storage.is_on(setting) {
        Reply { body, ..Reply::default() }
    } else {
        Reply::error(Remark::Exactly("disable".to_owned()))
    }
}

fn route(model: &Server, topic: &str, whom: RouteFor) -> Reply {
    if !model.is_ready() {
        return Reply::error(Remark::Exactly("name server not ready".to_owned()));
    }
    match model.route(topic, whom) {
        Some(body) => Reply { body, ..Reply::default() },
        None => {
            let faq = "See https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.";
            let remark = format!("No topic route info in name server for the topic: {topic}\n{faq}");
            Reply { code: 17, remark: Remark::Exactly(remark), ..Reply::default() }
        }
    }
}

fn kv_question(model: &Server, code: i32, namespace: &'static str, key: Option<&'static str>) -> (Request, Reply) {
    let request = Request::new(code).field("namespace", namespace).optional("key", key);
    let expected = KvRequest { code, namespace: Some(namespace), key, value: None }.answer(&model.storage.kv);
    (request, expected)
}

/// Compares what was written to one connection, and returns it as answers.
fn compare_all(mut written: &[u8], expected: &[(i32, Reply)], binary: bool) -> Vec<Answer> {
    let mut answers = Vec::new();
    while let Some(length) = written.first_chunk::<4>() {
        let (frame, rest) = written.split_at(4 + u32::from_be_bytes(*length) as usize);
        answers.push(Answer::decode(frame).unwrap());
        written = rest;
    }
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
