//! Recorded traffic, replayed against a server and compared with what the Java NameServer answered.

use super::{What, decode, folder, read};
use crate::answer::{Answer, is_unanswered};
use crate::differences;
use crate::golden::cases::read_entries;
use crate::golden::compare::{Likeness, compare};
use crate::server::{Reaction, Server};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;

/// The Java release whose answers are ours.
const RELEASE: &str = "5.5.0";
/// What an exception without a difference is called.
const ANOTHER_ORDER: &str = "another order";
/// The flag of requests that want no answer.
const ONE_WAY: i32 = 2;

/// Captures that were recorded with one NameServer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// What was recorded.
    pub name: String,
    /// The release of the NameServer.
    pub server: String,
    /// The captures; their clocks began together.
    pub captures: Vec<String>,
    /// Entries of the configuration file of the NameServer.
    #[serde(default)]
    pub config: BTreeMap<String, String>,
    /// Words of answers that depend on what was not recorded: addresses of brokers, mostly.
    #[serde(default)]
    unrecorded: Vec<String>,
    /// Codes whose answers depend on it without such a word.
    #[serde(default)]
    pub not_compared: Vec<i32>,
    #[serde(default)]
    exceptions: Vec<Exception>,
}

/// Answers that are others than Java's.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    code: i32,
    /// Identifier of an entry of DIFFERENCES.md. `None`: requests over other connections were recorded in another order
    /// than that in which they were handled.
    difference: Option<String>,
    times: usize,
}

/// All runs.
pub fn runs() -> Vec<Run> {
    let text = std::fs::read_to_string(folder().join("runs.toml")).expect("runs.toml can be read");
    read_entries("runs.toml", &text)
}

/// What came of one run.
#[derive(Debug, Default)]
pub struct Report {
    name: String,
    likeness: BTreeMap<Likeness, usize>,
    unanswered: usize,
    /// Requests that were refused.
    pub refused: usize,
    decoded: usize,
    deliberate: BTreeMap<String, usize>,
    /// Requests whose answer is not what it should be, and exceptions that are none.
    pub failures: Vec<String>,
}

impl Run {
    /// Replays everything. Time does not pass: what the recorder left out as a repetition would be missed as a sign of
    /// life.
    pub fn replay(&self, server: &mut impl Server) -> Report {
        self.replay_where(server, |_| false)
    }

    /// Replays everything to a server that refuses some requests.
    pub fn replay_where(&self, server: &mut impl Server, is_refused: impl Fn(&Answer) -> bool) -> Report {
        let mut report = Report { name: self.name.clone(), ..Report::default() };
        let mut exceptions: Vec<_> = self.exceptions.iter().map(|exception| (exception, 0)).collect();
        let mut all: Vec<_> = self.captures.iter().flat_map(|name| read(name)).collect();
        all.sort_by_key(|recorded| recorded.at);
        for recorded in all {
            match recorded.what {
                What::Ended => server.disconnect(&recorded.connection),
                What::Exchange { request, response } => {
                    let got = server.exchange(&recorded.connection, &request);
                    let plain = Answer::decode(&request).expect("requests were decoded before");
                    let verdict = if is_refused(&plain) {
                        judge_refusal(&plain, &got)
                    } else {
                        self.judge(&request, response.as_deref(), &got, server.own_keys())
                    };
                    report.note(verdict, &mut exceptions, || {
                        let java = response.as_deref().map_or_else(|| "nothing".to_owned(), show);
                        let ours = if let Reaction::Answer(answer) = &got { show(answer) } else { format!("{got:?}") };
                        format!("{} at {} ms\n  Java {java}\n  ours {ours}", recorded.connection, recorded.at)
                    });
                }
            }
        }
        let known = differences::identifiers();
        for (Exception { code, difference, times }, seen) in exceptions {
            let difference = difference.as_deref().unwrap_or(ANOTHER_ORDER);
            // What is refused cannot make a difference later.
            if seen > *times || (seen < *times && report.refused == 0) {
                report
                    .failures
                    .push(format!("{difference}: {seen} answers to {code} are others than Java's, not {times}"));
            }
            if difference != ANOTHER_ORDER && !known.iter().any(|known| known == difference) {
                report.failures.push(format!("no entry `{difference}` in DIFFERENCES.md"));
            }
        }
        report
    }

    /// What is to be said of one exchange.
    fn judge(&self, request: &[u8], response: Option<&[u8]>, got: &Reaction, own_keys: &[&str]) -> Verdict {
        if let Err(difference) = decode::agrees(request) {
            return Verdict::ReadOtherwise(difference);
        }
        let code = Answer::decode(request).expect("requests were decoded before").code;
        let text = response.map(|response| String::from_utf8_lossy(response).into_owned()).unwrap_or_default();
        let is_unknown = self.server != RELEASE
            || self.not_compared.contains(&code)
            || self.unrecorded.iter().any(|word| text.contains(word.as_str()));
        if is_unknown {
            return Verdict::DecodedOnly;
        }
        match (response, got) {
            (None, Reaction::Silent) if is_unanswered(request) => Verdict::Unanswered,
            (Some(response), Reaction::Answer(answer)) => {
                let likeness = compare(request, response, answer, own_keys);
                if likeness == Likeness::Different { Verdict::Different(code) } else { Verdict::Alike(likeness) }
            }
            (Some(_) | None, Reaction::Answer(_) | Reaction::Silent | Reaction::Closed) => Verdict::Different(code),
        }
    }
}

/// What is to be said of a request that is refused: a two-way one is told so.
fn judge_refusal(request: &Answer, got: &Reaction) -> Verdict {
    match got {
        Reaction::Answer(answer) if Answer::decode(answer).is_ok_and(|answer| answer.code == 16) => Verdict::Refused,
        Reaction::Silent if request.flag & ONE_WAY != 0 => Verdict::Refused,
        Reaction::Answer(_) | Reaction::Silent | Reaction::Closed => Verdict::Different(request.code),
    }
}

/// What is to be said of one exchange.
#[derive(Debug)]
enum Verdict {
    /// It is refused, as it has to be.
    Refused,
    /// The answer is the recorded one.
    Alike(Likeness),
    /// Nothing is to be answered, and nothing was.
    Unanswered,
    /// The answer depends on what was not recorded; the request is read as it was written.
    DecodedOnly,
    /// The answer to a request of this code is another one.
    Different(i32),
    /// The request is not read as it was written.
    ReadOtherwise(String),
}

/// A frame for people.
fn show(frame: &[u8]) -> String {
    String::from_utf8_lossy(frame.get(8..).unwrap_or(frame)).into_owned()
}

impl Report {
    fn note(&mut self, verdict: Verdict, exceptions: &mut [(&Exception, usize)], place: impl FnOnce() -> String) {
        match verdict {
            Verdict::Alike(likeness) => *self.likeness.entry(likeness).or_default() += 1,
            Verdict::Unanswered => self.unanswered += 1,
            Verdict::Refused => self.refused += 1,
            Verdict::DecodedOnly => self.decoded += 1,
            Verdict::ReadOtherwise(difference) => self.failures.push(format!("{difference}\n{}", place())),
            Verdict::Different(code) => match exceptions.iter_mut().find(|(exception, _)| exception.code == code) {
                Some((exception, times)) => {
                    *times += 1;
                    match &exception.difference {
                        Some(difference) => *self.deliberate.entry(difference.clone()).or_default() += 1,
                        None => self.decoded += 1,
                    }
                }
                None => self.failures.push(format!("another answer to {code}: {}", place())),
            },
        }
    }

    /// Answers that were compared, requests of which only the decoding was, and answers that differ on purpose.
    pub fn counts(&self) -> [usize; 3] {
        let compared = self.likeness.values().sum::<usize>() + self.unanswered;
        [compared, self.decoded, self.deliberate.values().sum()]
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [compared, decoded, deliberate] = self.counts();
        write!(f, "{}: {compared} compared", self.name)?;
        let count = |likeness| self.likeness.get(&likeness).copied().unwrap_or_default();
        if compared > 0 {
            let [identical, ordered] = [Likeness::Identical, Likeness::UpToOrder].map(count);
            let [worded, located] = [Likeness::OwnWords, Likeness::OwnPaths].map(count);
            write!(f, " ({identical} identical, {ordered} up to hash order, {worded} with our own words, ")?;
            write!(f, "{located} with our own paths, {} without an answer)", self.unanswered)?;
        }
        write!(f, ", {decoded} decoded only, {deliberate} different on purpose")?;
        for (difference, count) in &self.deliberate {
            write!(f, "\n  {count} {difference}")?;
        }
        for failure in &self.failures {
            write!(f, "\nFAILED {failure}")?;
        }
        Ok(())
    }
}
