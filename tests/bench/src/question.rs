//! Route queries, and the check of what comes back.

use anyhow::{Context, Result, bail, ensure};
use namesrv_tests::answer::{Answer, Parts};
use namesrv_tests::request::Request;
use serde_json::Value;

/// Requests carry correlation numbers of ten digits, so that one prepared frame serves for all.
pub const OPAQUE_MIN: u32 = 1_000_000_000;
/// How many correlation numbers there are before they start again.
pub const OPAQUES: u32 = 1_000_000_000;
/// Topics differ in their number of queues, by their number modulo this.
pub const CLASSES: usize = 4;
/// One answer of so many is compared byte for byte.
pub const SAMPLE: u64 = 64;

const OPAQUE_DIGITS: usize = 10;
const TOPIC_DIGITS: usize = 7;
const GET_ROUTEINFO_BY_TOPIC: i32 = 105;

/// Name of a topic; all have the same length.
#[must_use]
pub fn topic_name(topic: usize) -> String {
    format!("topic-{topic:0width$}", width = TOPIC_DIGITS)
}

/// Queues of a topic, read and write alike.
#[must_use]
pub fn topic_queues(topic: usize) -> i32 {
    4 + (topic % CLASSES) as i32
}

/// A prepared route query.
#[derive(Clone, Debug)]
pub struct Question {
    frame: Vec<u8>,
    opaque_at: usize,
    topic_at: usize,
}

impl Question {
    /// As a 5.5.0 client asks it.
    ///
    /// # Errors
    /// None in practice: the frame is ours.
    pub fn new() -> Result<Self> {
        let frame =
            Request::new(GET_ROUTEINFO_BY_TOPIC).opaque(OPAQUE_MIN as i32).field("topic", topic_name(0)).encode();
        let topic = topic_name(0);
        let opaque_at = position(&frame, OPAQUE_MIN.to_string().as_bytes()).context("no correlation number")?;
        let topic_at = position(&frame, topic.as_bytes()).context("no topic")? + topic.len() - TOPIC_DIGITS;
        Ok(Self { frame, opaque_at, topic_at })
    }

    /// Appends the query for a topic.
    pub fn write(&self, topic: usize, opaque: u32, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.frame);
        if let Some(frame) = out.get_mut(start..) {
            write_digits(frame, self.opaque_at, OPAQUE_DIGITS, opaque as usize);
            write_digits(frame, self.topic_at, TOPIC_DIGITS, topic);
        }
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

/// What is known of an answer as it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Belongs {
    /// To the request with this correlation number.
    To(u32),
    /// To the oldest one: constant answers say nothing.
    ToOldest,
}

/// What answers have to look like.
#[derive(Clone, Debug)]
pub enum Expected {
    /// Those of a NameServer: one frame for each class of topics.
    Routes(Routes),
    /// Those of an echo server: always the same bytes.
    Constant(Vec<u8>),
}

/// Verified answers of one server.
#[derive(Clone, Debug)]
pub struct Routes {
    /// By class.
    frames: Vec<Vec<u8>>,
    /// Where the ten digits of the correlation number stand in all of them.
    opaque_at: usize,
    /// Bytes before the body.
    head_bytes: usize,
}

impl Routes {
    /// Takes one answer for each class as the measure of all later ones, after it was understood and found right: as many
    /// brokers as there are, with as many queues as the topic has.
    ///
    /// # Errors
    /// An answer is wrong.
    pub fn learn(frames: Vec<Vec<u8>>, brokers: usize) -> Result<Self> {
        ensure!(frames.len() == CLASSES, "{} answers", frames.len());
        for (class, frame) in frames.iter().enumerate() {
            verify(frame, topic_queues(class), brokers).with_context(|| String::from_utf8_lossy(frame).into_owned())?;
        }
        let first = frames.first().context("no answer")?;
        let head_bytes = 8 + Parts::split(first).map_err(anyhow::Error::msg)?.header.len();
        let digits = OPAQUE_MIN.to_string();
        let opaque_at = position(first, digits.as_bytes()).context("no correlation number in the answer")?;
        ensure!(frames.iter().all(|frame| frame.len() == first.len()), "answers of several lengths");
        Ok(Self { frames, opaque_at, head_bytes })
    }

    fn belongs(&self, frame: &[u8]) -> Option<Belongs> {
        let digits = self.opaque_at..self.opaque_at + OPAQUE_DIGITS;
        let model = self.frames.first()?;
        let same = |range: std::ops::Range<usize>| frame.get(range.clone()) == model.get(range);
        // A header in the known form has the right code; any other is read in full.
        if same(4..digits.start) && same(digits.end..self.head_bytes) {
            let number = frame.get(digits)?.iter().try_fold(0u32, |number, digit| {
                digit.is_ascii_digit().then(|| number.wrapping_mul(10).wrapping_add(u32::from(digit - b'0')))
            });
            return number.map(Belongs::To);
        }
        let answer = Answer::decode(frame).ok()?;
        (answer.code == 0 && answer.flag & 1 == 1).then_some(Belongs::To(answer.opaque as u32))
    }

    fn is_right(&self, frame: &[u8], class: usize) -> bool {
        let Some(model) = self.frames.get(class) else { return false };
        let body = |frame: &[u8]| frame.get(self.head_bytes..).map(<[u8]>::to_vec);
        body(frame) == body(model) || same_route(frame, model).unwrap_or(false)
    }
}

impl Expected {
    /// Bytes of every answer.
    #[must_use]
    pub fn answer_bytes(&self) -> usize {
        match self {
            Self::Routes(routes) => routes.frames.first().map_or(0, Vec::len),
            Self::Constant(bytes) => bytes.len(),
        }
    }

    /// Checks length and code of a whole frame and says whose answer it is.
    ///
    /// # Errors
    /// It is not a right answer.
    pub fn check(&self, frame: &[u8]) -> Result<Belongs> {
        match self {
            Self::Constant(_) if frame.len() == self.answer_bytes() => Ok(Belongs::ToOldest),
            Self::Routes(routes) if frame.len() == self.answer_bytes() => {
                routes.belongs(frame).with_context(|| wrong("an answer with a wrong header", frame))
            }
            Self::Constant(_) | Self::Routes(_) => {
                bail!(wrong(&format!("{} bytes instead of {}", frame.len(), self.answer_bytes()), frame))
            }
        }
    }

    /// Compares everything in an answer for a topic of this class.
    ///
    /// # Errors
    /// It is not the right answer.
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

fn verify(frame: &[u8], queues: i32, brokers: usize) -> Result<()> {
    let answer = Answer::decode(frame).map_err(anyhow::Error::msg)?;
    ensure!(answer.code == 0 && answer.flag & 1 == 1, "code {}, flag {}", answer.code, answer.flag);
    let route: Value = serde_json::from_slice(&answer.body).context("the body is not JSON")?;
    let list = |name: &str| route.get(name).and_then(Value::as_array).with_context(|| format!("no {name}"));
    ensure!(list("brokerDatas")?.len() == brokers, "{} brokers", list("brokerDatas")?.len());
    let right = |data: &&Value| {
        let number = |name: &str| data.get(name).and_then(Value::as_i64);
        number("readQueueNums") == Some(queues.into()) && number("writeQueueNums") == Some(queues.into())
    };
    ensure!(list("queueDatas")?.iter().filter(right).count() == brokers, "wrong queues");
    Ok(())
}

/// Whether two routes hold the same, whatever the order of their lists: hash maps of other servers have none.
fn same_route(one: &[u8], other: &[u8]) -> Option<bool> {
    let route = |frame: &[u8]| {
        let mut route: Value = serde_json::from_slice(Parts::split(frame).ok()?.body).ok()?;
        for list in route.as_object_mut()?.values_mut().filter_map(Value::as_array_mut) {
            list.sort_by_key(Value::to_string);
        }
        Some(route)
    };
    Some(route(one)? == route(other)?)
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
        Question::new().unwrap().write(123_456, 1_999_999_999, &mut out);
        let request = Answer::decode(&out[1..]).unwrap();
        assert_eq!((request.code, request.opaque), (105, 1_999_999_999));
        assert_eq!(request.field("topic"), Some(topic_name(123_456).as_str()));
    }

    #[test]
    fn right_answers_pass() {
        let frame = answer(OPAQUE_MIN + 5, 0, 6, &["a", "b"]);
        assert_eq!(routes().check(&frame).unwrap(), Belongs::To(OPAQUE_MIN + 5));
        routes().compare(&frame, 2).unwrap();
        routes().compare(&answer(OPAQUE_MIN + 5, 0, 6, &["b", "a"]), 2).unwrap();
    }

    #[test]
    fn wrong_answers_do_not() {
        assert!(routes().check(&answer(OPAQUE_MIN, 1, 4, &["a", "b"])).is_err(), "a wrong code");
        assert!(routes().check(&answer(OPAQUE_MIN, 0, 4, &["a"])).is_err(), "a wrong length");
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
    fn constant_answers_are_compared_too() {
        let expected = Expected::Constant(vec![0, 0, 0, 1, 9]);
        assert_eq!(expected.check(&[0, 0, 0, 1, 8]).unwrap(), Belongs::ToOldest);
        assert!(expected.compare(&[0, 0, 0, 1, 8], 0).is_err());
        assert!(expected.check(&[0, 0, 0, 0]).is_err());
    }
}
