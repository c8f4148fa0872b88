//! Two servers side by side: they are told the same, and their answers are compared after every step.

use super::cleaning;
use super::clusters::{Clusters, OBSERVER};
use super::recognise::first_by_name;
use super::run::{Difference, Done, Run};
use crate::golden::compare::{Likeness, compare};
use crate::request::Request;
use crate::server::{Reaction, Server};
use crate::step::words::{CLUSTERS, GROUPS, TOPICS};
use crate::step::{Step, salted};
use namesrv_core::kv::ORDER_TOPIC_CONFIG;
use std::collections::{BTreeMap, BTreeSet};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Requests that change nothing, so that they can be repeated until the answers are alike.
const QUESTIONS: [i32; 12] = [101, 105, 106, 206, 219, 224, 304, 311, 312, 313, 319, 901];

/// Requests that can change who is registered and which topics there are.
const SEEN: [i32; 4] = [103, 104, 216, 217];

/// Two servers, and what was compared between them.
#[derive(Debug)]
pub struct Pair<J, O> {
    java: J,
    ours: O,
    opaque: i32,
    runs: u32,
    /// The request that was sent last.
    pub asked: Vec<u8>,
    /// How many answers were how much alike.
    pub likeness: BTreeMap<Likeness, usize>,
    /// How many answers differ in whom they take for the first, see [`first_by_name`].
    pub first_by_name: usize,
}

/// The servers cannot be brought back to where they were, and have to be replaced.
#[derive(Debug)]
pub struct Spoiled(pub String);

impl<J: Server, O: Server> Pair<J, O> {
    /// Two servers that were just started.
    pub fn new(java: J, ours: O) -> Self {
        let mut pair =
            Self { java, ours, opaque: 0, runs: 0, asked: Vec::new(), likeness: BTreeMap::new(), first_by_name: 0 };
        // An emptied namespace stays, so that it has to be there from the beginning.
        for code in [100, 102] {
            let request =
                Request::new(code).field("namespace", ORDER_TOPIC_CONFIG).field("key", "k").field("value", "v:1");
            let frame = pair.frame(request);
            pair.both(OBSERVER, &frame);
        }
        pair
    }

    /// Runs a sequence up to the first difference, and cleans up. A difference counts when it lasts for `timeout`.
    ///
    /// # Errors
    /// The servers cannot be cleaned up.
    pub fn run(&mut self, steps: &[Step], timeout: Duration) -> Result<Run, Spoiled> {
        self.runs += 1;
        let salt = format!("-{:x}", self.runs);
        let mut run = Run { salt, own_keys: self.ours.own_keys(), done: Vec::new(), difference: None };
        for step in steps {
            run.difference = self.step(step, &mut run, timeout);
            if run.difference.is_some() {
                break;
            }
        }
        if run.difference.is_none() {
            run.difference = self.ask_all(steps, &run.salt, timeout);
        }
        let connections: BTreeSet<_> = run.done.iter().map(|done| done.step.connection().to_string()).collect();
        for connection in connections {
            self.java.disconnect(&connection);
            self.ours.disconnect(&connection);
        }
        cleaning::clean(&mut self.java, &run).map_err(|left| Spoiled(format!("Java keeps {left}")))?;
        cleaning::clean(&mut self.ours, &run).map_err(|left| Spoiled(format!("ours keeps {left}")))?;
        Ok(run)
    }

    /// Carries out one step and looks at what it changed.
    fn step(&mut self, step: &Step, run: &mut Run, timeout: Duration) -> Option<Difference> {
        let connection = step.connection().to_string();
        let before = run.done.last().map_or_else(|| Clusters::of(&mut self.ours), |done| done.after.clone());
        let index = run.done.len();
        let (frame, (java, ours, differs), is_seen) = match step.message() {
            None => {
                self.java.disconnect(&connection);
                self.ours.disconnect(&connection);
                (Vec::new(), (Reaction::Silent, Reaction::Silent, false), true)
            }
            Some(message) => {
                self.opaque += 1;
                let frame = message.frame(&run.salt, self.opaque);
                let is_question =
                    QUESTIONS.contains(&message.content.code()) && !message.oneway && message.defect.is_none();
                let timeout = if is_question { timeout } else { Duration::ZERO };
                let reactions = self.insist(&connection, &frame, timeout);
                if message.oneway {
                    self.await_oneway();
                }
                (frame, reactions, message.defect.is_some() || SEEN.contains(&message.content.code()))
            }
        };
        let own = Difference { step: index, request: frame.clone(), java: java.clone(), ours: ours.clone() };
        let (difference, after) = match (differs, is_seen) {
            (true, _) => (Some(own), Clusters::of(&mut self.ours)),
            (false, false) => (None, before.clone()),
            (false, true) => self.look(step, index, &run.salt, timeout),
        };
        run.done.push(Done { step: step.clone(), frame, java, ours, before, after });
        difference
    }

    /// Returns when everything that was asked before is done: this question waits for changes of the KV table, which
    /// wait for the disk.
    fn await_oneway(&mut self) {
        let frame = self.frame(Request::new(219).field("namespace", ORDER_TOPIC_CONFIG));
        self.both(OBSERVER, &frame);
    }

    /// Waits until the servers agree on who is registered and which topics there are.
    fn look(&mut self, step: &Step, index: usize, salt: &str, timeout: Duration) -> (Option<Difference>, Clusters) {
        if step.code().is_none_or(|code| code == 104) {
            cleaning::drain(&mut self.java, salt, Vec::new());
        }
        let (difference, ours) = self.ask(index, vec![Request::new(106), Request::new(206)], timeout);
        (difference, Clusters::read(&ours[0]))
    }

    /// Asks for everything that the names of sequences may be found in.
    fn ask_all(&mut self, steps: &[Step], salt: &str, timeout: Duration) -> Option<Difference> {
        let mut questions: Vec<_> = [304, 311, 312, 313, 319].map(Request::new).into();
        for topic in TOPICS.map(|topic| salted(topic, salt)) {
            questions.push(Request::new(105).field("topic", &topic));
            questions.push(Request::new(105).field("topic", &topic).version(400));
        }
        for (broker, cluster) in GROUPS {
            let request = Request::new(901).field("clusterName", salted(cluster, salt));
            questions.push(request.field("brokerName", salted(broker, salt)));
        }
        questions.extend(CLUSTERS.map(|cluster| Request::new(224).field("cluster", salted(cluster, salt))));
        for registration in steps.iter().filter_map(Step::registration) {
            let field = |text: &Option<String>| salted(text.as_deref().unwrap_or_default(), salt);
            let request = Request::new(322).field("clusterName", field(&registration.cluster)).body("null");
            let request = request.field("brokerName", field(&registration.broker));
            questions.push(request.field("brokerAddr", field(&registration.address)));
        }
        self.ask(steps.len(), questions, timeout).0
    }

    /// Asks all at once, and what differs again until it does not or timeout is at its end. Returns the first
    /// difference, and what ours answered.
    fn ask(&mut self, step: usize, requests: Vec<Request>, timeout: Duration) -> (Option<Difference>, Vec<Reaction>) {
        let frames: Vec<_> = requests.into_iter().map(|request| self.frame(request)).collect();
        let (java, mut ours) = (self.java.exchange_all(OBSERVER, &frames), self.ours.exchange_all(OBSERVER, &frames));
        for (index, frame) in frames.into_iter().enumerate() {
            if self.differs(&frame, &java[index], &ours[index]) {
                let (java, last, differs) = self.insist(OBSERVER, &frame, timeout);
                ours[index] = last.clone();
                if differs {
                    return (Some(Difference { step, request: frame, java, ours: last }), ours);
                }
            }
        }
        (None, ours)
    }

    /// Asks until the answers are alike or timeout is at its end, and says whether they still differ.
    fn insist(&mut self, connection: &str, frame: &[u8], timeout: Duration) -> (Reaction, Reaction, bool) {
        let end = Instant::now() + timeout;
        loop {
            let (java, ours) = self.both(connection, frame);
            let differs = self.differs(frame, &java, &ours);
            if !differs || Instant::now() >= end {
                return (java, ours, differs);
            }
            sleep(Duration::from_millis(2));
        }
    }

    fn both(&mut self, connection: &str, frame: &[u8]) -> (Reaction, Reaction) {
        self.asked = frame.to_vec();
        (self.java.exchange(connection, frame), self.ours.exchange(connection, frame))
    }

    /// Whether two reactions differ; counts how they do not.
    fn differs(&mut self, request: &[u8], java: &Reaction, ours: &Reaction) -> bool {
        let likeness = match (java, ours) {
            (Reaction::Silent, Reaction::Silent) | (Reaction::Closed, Reaction::Closed) => Likeness::Identical,
            (Reaction::Answer(java), Reaction::Answer(ours)) => compare(request, java, ours, self.ours.own_keys()),
            _ => Likeness::Different,
        };
        if likeness != Likeness::Different {
            *self.likeness.entry(likeness).or_default() += 1;
        } else if first_by_name(request, java, ours, &mut self.ours) {
            self.first_by_name += 1;
        } else {
            return true;
        }
        false
    }

    fn frame(&mut self, request: Request) -> Vec<u8> {
        self.opaque += 1;
        request.opaque(self.opaque).encode()
    }
}
