//! The requests of clients, and the check of the answers.

use anyhow::{Context, Result, ensure};
use namesrv_tests::answer::{Answer, Parts};
use namesrv_tests::plain_json::Json;
use namesrv_tests::request::Request;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Correlation numbers have ten digits, so that all requests can use one prepared frame.
pub const OPAQUE_MIN: u32 = 1_000_000_000;
/// Number of correlation numbers before they repeat.
pub const OPAQUES: u32 = 1_000_000_000;
/// The number of queues of a topic depends on the topic's number modulo this.
pub const CLASSES: usize = 4;
/// One of this many answers is compared byte for byte.
pub const SAMPLE: u64 = 64;

const OPAQUE_DIGITS: usize = 10;
const TOPIC_DIGITS: usize = 7;
/// The cluster of all brokers.
const CLUSTER: &str = "DefaultCluster";

/// Returns the name of a topic; all have the same length.
pub fn topic_name(topic: usize) -> String {
    format!("topic-{topic:0width$}", width = TOPIC_DIGITS)
}

/// Returns the number of read queues of a topic, and of write queues.
pub fn topic_queues(topic: usize) -> i32 {
    4 + (topic % CLASSES) as i32
}

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// 105: the route of a topic.
    Route,
    /// 106: all brokers of all clusters.
    Cluster,
    /// 206: the names of all topics.
    Topics,
    /// 224: the names of the topics of one cluster.
    ClusterTopics,
}

impl Ask {
    /// All kinds, in the order of their classes.
    pub const ALL: [Self; 4] = [Self::Route, Self::Cluster, Self::Topics, Self::ClusterTopics];

    /// Returns which of the known answers is the right one.
    pub fn class(self, topic: usize) -> usize {
        match self {
            Self::Route => topic % CLASSES,
            Self::Cluster => CLASSES,
            Self::Topics => CLASSES + 1,
            Self::ClusterTopics => CLASSES + 2,
        }
    }

    /// Returns the title that reports show.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Route => "route of a topic (105)",
            Self::Cluster => "brokers of all clusters (106)",
            Self::Topics => "all topics (206)",
            Self::ClusterTopics => "topics of a cluster (224)",
        }
    }

    fn request(self) -> Request {
        match self {
            Self::Route => Request::new(105).field("topic", topic_name(0)),
            Self::Cluster => Request::new(106),
            Self::Topics => Request::new(206),
            Self::ClusterTopics => Request::new(224).field("cluster", CLUSTER),
        }
    }
}

/// The proportions of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mix {
    /// One kind of request, for random topics.
    Only(Ask),
    /// What the metrics exporter sends: all topics, the brokers, then the route of each topic, and again.
    Exporter,
    /// Routes of random topics, and the brokers once in this many requests.
    Cluster {
        /// How many.
        one_in: u64,
    },
}

impl Mix {
    /// Returns the request with this number.
    pub fn ask(self, number: u64, topics: usize, random: u64) -> (Ask, usize) {
        let any = (random % topics.max(1) as u64) as usize;
        match self {
            Self::Only(ask) => (ask, any),
            Self::Cluster { one_in } if number % one_in == one_in - 1 => (Ask::Cluster, 0),
            Self::Cluster { .. } => (Ask::Route, any),
            Self::Exporter => match (number % (topics as u64 + 2)) as usize {
                0 => (Ask::Topics, 0),
                1 => (Ask::Cluster, 0),
                topic => (Ask::Route, topic - 2),
            },
        }
    }

    /// Returns the requests other than routes.
    pub const fn lists(self) -> &'static [Ask] {
        match self {
            Self::Only(Ask::Route) => &[],
            Self::Only(Ask::Cluster) | Self::Cluster { .. } => &[Ask::Cluster],
            Self::Only(Ask::Topics) => &[Ask::Topics],
            Self::Only(Ask::ClusterTopics) => &[Ask::ClusterTopics],
            Self::Exporter => &[Ask::Cluster, Ask::Topics],
        }
    }

    /// Whether there are requests other than routes.
    pub const fn has_lists(self) -> bool {
        !self.lists().is_empty()
    }

    /// Returns the title that reports show.
    pub fn title(self) -> &'static str {
        match self {
            Self::Only(ask) => ask.title(),
            Self::Exporter => "a round of the exporter: 206, 106, then 105 for each topic",
            Self::Cluster { .. } => "routes, and the brokers of all clusters",
        }
    }
}

/// Prepared requests.
#[derive(Clone, Debug)]
pub struct Question {
    prepared: Vec<Prepared>,
}

#[derive(Clone, Debug)]
struct Prepared {
    frame: Vec<u8>,
    opaque_at: usize,
    topic_at: Option<usize>,
}

impl Question {
    /// Prepares requests as 5.5.0 clients send them.
    pub fn new() -> Result<Self> {
        Ok(Self { prepared: Ask::ALL.into_iter().map(Prepared::new).collect::<Result<_>>()? })
    }

    /// Appends a request; `topic` matters only for routes.
    pub fn write(&self, ask: Ask, topic: usize, opaque: u32, out: &mut Vec<u8>) {
        let start = out.len();
        let Some(prepared) = self.prepared.get(ask as usize) else { return };
        out.extend_from_slice(&prepared.frame);
        if let Some(frame) = out.get_mut(start..) {
            write_digits(frame, prepared.opaque_at, OPAQUE_DIGITS, opaque as usize);
            if let Some(at) = prepared.topic_at {
                write_digits(frame, at, TOPIC_DIGITS, topic);
            }
        }
    }
}

impl Prepared {
    fn new(ask: Ask) -> Result<Self> {
        let frame = ask.request().opaque(OPAQUE_MIN as i32).encode();
        let topic = topic_name(0);
        let opaque_at = position(&frame, OPAQUE_MIN.to_string().as_bytes()).context("no correlation number")?;
        let topic_at = position(&frame, topic.as_bytes()).map(|at| at + topic.len() - TOPIC_DIGITS);
        Ok(Self { frame, opaque_at, topic_at })
    }
}

fn write_digits(frame: &mut [u8], at: usize, digits: usize, mut number: usize) {
    for digit in frame.iter_mut().skip(at).take(digits).rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// Which request an answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Belongs {
    /// To the request with this correlation number.
    To(u32),
    /// To the oldest request: constant answers do not tell.
    ToOldest,
}

/// The expected answers.
#[derive(Clone, Debug)]
pub enum Expected {
    /// Those of a NameServer.
    Routes(Routes),
    /// Those of an echo server, which are always the same bytes.
    Constant(Vec<u8>),
}

/// Verified answers of one server.
#[derive(Clone, Debug)]
pub struct Routes {
    /// By class; empty if unknown.
    frames: Vec<Vec<u8>>,
    /// The offset of the correlation number in all of them.
    opaque_at: usize,
    /// Number of bytes before the body.
    head_bytes: usize,
}

impl Routes {
    /// Takes one answer of each class as the expectation for all later ones, after checking that it is right: as
    /// many brokers as there are, with as many queues as the topic has.
    ///
    /// # Errors
    /// An answer is wrong.
    pub fn learn(frames: Vec<Vec<u8>>, brokers: usize) -> Result<Self> {
        ensure!(frames.len() == CLASSES, "{} answers", frames.len());
        for (class, frame) in frames.iter().enumerate() {
            verify(frame, topic_queues(class), brokers).with_context(|| wrong("a wrong route", frame))?;
        }
        let first = frames.first().context("no answer")?;
        let head_bytes = 8 + Parts::split(first).map_err(anyhow::Error::msg)?.header.len();
        let digits = OPAQUE_MIN.to_string();
        let opaque_at = position(first, digits.as_bytes()).context("no correlation number in the answer")?;
        ensure!(frames.iter().all(|frame| frame.len() == first.len()), "answers of several lengths");
        let mut frames = frames;
        frames.resize(CLASSES + Ask::ALL.len() - 1, Vec::new());
        Ok(Self { frames, opaque_at, head_bytes })
    }

    /// Takes an answer other than a route as the expectation for all later ones, after checking that it is complete.
    ///
    /// # Errors
    /// The answer is wrong.
    pub fn learn_list(&mut self, ask: Ask, frame: Vec<u8>, brokers: usize, topics: usize) -> Result<()> {
        // Java writes numeric keys without quotes.
        let body = Json::parse(&success(&frame)?.text()).map_err(anyhow::Error::msg)?;
        let (known, wanted) = match ask {
            Ask::Cluster => (body.member("brokerAddrTable").map(|table| table.members().len()), brokers),
            Ask::Route | Ask::Topics | Ask::ClusterTopics => {
                (body.member("topicList").map(|list| list.elements().len()), topics)
            }
        };
        let known = known.context("no list")?;
        ensure!(known >= wanted, "{known} of {wanted}");
        if let Some(place) = self.frames.get_mut(ask.class(0)) {
            *place = frame;
        }
        Ok(())
    }

    fn belongs(&self, frame: &[u8]) -> Option<Belongs> {
        let digits = self.opaque_at..self.opaque_at + OPAQUE_DIGITS;
        let model = self.frames.first()?;
        let same =
            |range: std::ops::Range<usize>| frame.get(range.clone()).is_some_and(|part| model.get(range) == Some(part));
        // A header in the known form has the right code; any other form is read in full.
        if same(4..digits.start) && same(digits.end..self.head_bytes) {
            let number = frame.get(digits)?.iter().try_fold(0u32, |number, digit| {
                digit.is_ascii_digit().then(|| number.wrapping_mul(10).wrapping_add(u32::from(digit - b'0')))
            });
            return number.map(Belongs::To);
        }
        Some(Belongs::To(success(frame).ok()?.opaque as u32))
    }

    fn is_right(&self, frame: &[u8], class: usize) -> bool {
        let Some(model) = self.frames.get(class) else { return false };
        let same = frame.get(self.head_bytes..).is_some_and(|body| model.get(self.head_bytes..) == Some(body));
        same || same_json(frame, model).unwrap_or(false)
    }
}

impl Expected {
    /// Returns the length of an answer of this class in bytes.
    pub fn answer_bytes(&self, class: usize) -> usize {
        match self {
            Self::Routes(routes) => routes.frames.get(class).map_or(0, Vec::len),
            Self::Constant(bytes) => bytes.len(),
        }
    }

    /// Checks the code of a whole frame and returns the request that it answers.
    ///
    /// # Errors
    /// The frame is not an answer, or refuses the request.
    pub fn belongs(&self, frame: &[u8]) -> Result<Belongs> {
        match self {
            Self::Constant(_) => Ok(Belongs::ToOldest),
            Self::Routes(routes) => {
                routes.belongs(frame).with_context(|| wrong("an answer with a wrong header", frame))
            }
        }
    }

    /// Checks the length of an answer of this class.
    ///
    /// # Errors
    /// The answer is wrong.
    pub fn check(&self, frame: &[u8], class: usize) -> Result<()> {
        let bytes = self.answer_bytes(class);
        ensure!(frame.len() == bytes, wrong(&format!("{} bytes instead of {bytes}", frame.len()), frame));
        Ok(())
    }

    /// Compares the whole answer with that of this class.
    ///
    /// # Errors
    /// The answer is wrong.
    pub fn compare(&self, frame: &[u8], class: usize) -> Result<()> {
        let right = match self {
            Self::Routes(routes) => routes.is_right(frame, class),
            Self::Constant(bytes) => frame == bytes,
        };
        ensure!(right, wrong("the answer to another question", frame));
        Ok(())
    }
}

fn wrong(what: &str, frame: &[u8]) -> String {
    let start = frame.get(8..frame.len().min(400)).unwrap_or_default();
    format!("{what}: {}", String::from_utf8_lossy(start))
}

/// Reads an answer that refuses nothing.
fn success(frame: &[u8]) -> Result<Answer> {
    let answer = Answer::decode(frame).map_err(anyhow::Error::msg)?;
    ensure!(answer.code == 0 && answer.flag & 1 == 1, "code {}, flag {}", answer.code, answer.flag);
    Ok(answer)
}

fn verify(frame: &[u8], queues: i32, brokers: usize) -> Result<()> {
    let route: Value = serde_json::from_slice(&success(frame)?.body).context("the body is not JSON")?;
    let list = |name: &str| route.get(name).and_then(Value::as_array).with_context(|| format!("no {name}"));
    ensure!(list("brokerDatas")?.len() == brokers, "{} brokers", list("brokerDatas")?.len());
    let right = |data: &&Value| {
        let number = |name: &str| data.get(name).and_then(Value::as_i64);
        number("readQueueNums") == Some(queues.into()) && number("writeQueueNums") == Some(queues.into())
    };
    ensure!(list("queueDatas")?.iter().filter(right).count() == brokers, "wrong queues");
    Ok(())
}

/// Whether two bodies are equal but for the order of their lists: hash maps of other servers have none.
fn same_json(one: &[u8], other: &[u8]) -> Option<bool> {
    let sorted = |frame: &[u8]| {
        let mut body: Value = serde_json::from_slice(Parts::split(frame).ok()?.body).ok()?;
        for list in body.as_object_mut()?.values_mut().filter_map(Value::as_array_mut) {
            list.sort_by_key(Value::to_string);
        }
        Some(body)
    };
    Some(sorted(one)? == sorted(other)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use namesrv_tests::request::frame;

    fn answer(opaque: u32, code: i32, queues: i32, brokers: &[&str]) -> Vec<u8> {
        let header = format!(r#"{{"code":{code},"flag":1,"language":"JAVA","opaque":{opaque},"version":513}}"#);
        let list = |text: &dyn Fn(&&str) -> String| brokers.iter().map(text).collect::<Vec<_>>().join(",");
        let datas = list(&|name| format!(r#"{{"brokerName":"{name}"}}"#));
        let queues =
            list(&|name| format!(r#"{{"brokerName":"{name}","readQueueNums":{queues},"writeQueueNums":{queues}}}"#));
        let body = format!(r#"{{"brokerDatas":[{datas}],"queueDatas":[{queues}]}}"#);
        frame(0, header.as_bytes(), body.as_bytes())
    }

    fn routes() -> Expected {
        let frames = (0..CLASSES).map(|class| answer(OPAQUE_MIN, 0, topic_queues(class), &["a", "b"])).collect();
        Expected::Routes(Routes::learn(frames, 2).unwrap())
    }

    #[test]
    fn question_is_a_frame_for_every_topic() {
        let mut out = vec![7];
        Question::new().unwrap().write(Ask::Route, 123_456, 1_999_999_999, &mut out);
        let request = Answer::decode(&out[1..]).unwrap();
        assert_eq!((request.code, request.opaque), (105, 1_999_999_999));
        assert_eq!(request.field("topic"), Some(topic_name(123_456).as_str()));
    }

    #[test]
    fn right_answers_pass() {
        let frame = answer(OPAQUE_MIN + 5, 0, 6, &["a", "b"]);
        assert_eq!(routes().belongs(&frame).unwrap(), Belongs::To(OPAQUE_MIN + 5));
        routes().check(&frame, 2).unwrap();
        routes().compare(&frame, 2).unwrap();
        routes().compare(&answer(OPAQUE_MIN + 5, 0, 6, &["b", "a"]), 2).unwrap();
    }

    #[test]
    fn wrong_answers_do_not() {
        assert!(routes().belongs(&answer(OPAQUE_MIN, 1, 4, &["a", "b"])).is_err(), "a wrong code");
        assert!(routes().check(&answer(OPAQUE_MIN, 0, 4, &["a"]), 0).is_err(), "a wrong length");
        assert!(routes().compare(&answer(OPAQUE_MIN, 0, 6, &["a", "b"]), 1).is_err(), "another topic");
        assert!(routes().compare(&answer(OPAQUE_MIN, 0, 4, &["a", "c"]), 0).is_err(), "another broker");
    }

    #[test]
    fn wrong_first_answers_are_not_learnt() {
        let frames = |queues: i32| (0..CLASSES).map(|_| answer(OPAQUE_MIN, 0, queues, &["a"])).collect();
        assert!(Routes::learn(frames(4), 1).is_err());
        assert!(Routes::learn(Vec::new(), 1).is_err());
    }

    #[test]
    fn lists_are_learnt_when_they_name_everyone() {
        let list = |body: &str| frame(0, br#"{"code":0,"flag":1,"opaque":1000000000}"#, body.as_bytes());
        let Expected::Routes(mut known) = routes() else { unreachable!() };
        assert!(known.learn_list(Ask::Topics, list(r#"{"topicList":["a"]}"#), 2, 2).is_err());
        assert!(known.learn_list(Ask::Cluster, list(r#"{"brokerAddrTable":{"a":{}}}"#), 2, 2).is_err());
        known.learn_list(Ask::Cluster, list(r#"{"brokerAddrTable":{"a":{0:""},"b":{}}}"#), 2, 2).unwrap();
        known.learn_list(Ask::Topics, list(r#"{"topicList":["a","b"]}"#), 2, 2).unwrap();
        let known = Expected::Routes(known);
        known.check(&list(r#"{"topicList":["b","a"]}"#), Ask::Topics.class(0)).unwrap();
        known.compare(&list(r#"{"topicList":["b","a"]}"#), Ask::Topics.class(0)).unwrap();
        assert!(known.compare(&list(r#"{"topicList":["b","c"]}"#), Ask::Topics.class(0)).is_err());
        assert!(known.check(&list(r#"{"topicList":["b","a"]}"#), Ask::Cluster.class(0)).is_err());
    }

    #[test]
    fn exporter_asks_for_each_topic_once_in_a_round() {
        let round: Vec<_> = (0..5).map(|number| Mix::Exporter.ask(number, 3, 99)).collect();
        let routes = [0, 1, 2].map(|topic| (Ask::Route, topic));
        assert_eq!(round, [&[(Ask::Topics, 0), (Ask::Cluster, 0)][..], &routes].concat());
        assert_eq!(Mix::Exporter.ask(5, 3, 99), (Ask::Topics, 0));
    }

    #[test]
    fn constant_answers_are_compared_too() {
        let expected = Expected::Constant(vec![0, 0, 0, 1, 9]);
        assert_eq!(expected.belongs(&[0, 0, 0, 1, 8]).unwrap(), Belongs::ToOldest);
        expected.check(&[0, 0, 0, 1, 8], 3).unwrap();
        assert!(expected.compare(&[0, 0, 0, 1, 8], 0).is_err());
        assert!(expected.check(&[0, 0, 0, 0], 0).is_err());
    }
}
