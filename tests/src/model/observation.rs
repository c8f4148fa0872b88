//! What is seen of a server around one step.

use crate::answer::Answer;
use crate::plain_json::{Json, bare};
use crate::request::Request;
use crate::world::Happening;
use namesrv_core::event::{BrokerIdentity, Event};
use namesrv_core::save::SaveFile;
use std::collections::{BTreeMap, BTreeSet};

/// What was seen of one step.
#[derive(Debug, Default)]
pub(crate) struct Observation {
    /// Everything besides answers, as lines.
    pub(crate) told: Vec<String>,
    pub(super) events: Vec<Event>,
    /// KV files that it wanted saved.
    pub(super) saved: Vec<Vec<u8>>,
    pub(super) before: Seen,
    /// Members from a snapshot that have not registered, and those among them that just did.
    kept: BTreeSet<Member>,
    pub(super) returned: BTreeSet<Member>,
    pub(super) after: Seen,
}

/// The answers to all questions.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Bodies of answers that succeeded, by the question in words.
    pub(super) bodies: BTreeMap<String, String>,
    pub(super) members: BTreeSet<Member>,
}

impl Observation {
    pub(crate) fn note(&mut self, told: Vec<String>, happenings: Vec<Happening>) {
        self.told = told;
        self.events.clear();
        self.saved.clear();
        self.returned.clear();
        for happening in happenings {
            match happening {
                Happening::Event(event) => {
                    if let Event::BrokerRegistered { broker, .. } = &event {
                        self.returned.extend(self.kept.take(&member(broker)));
                    }
                    self.events.push(event);
                }
                Happening::Saved { file: SaveFile::KvConfig, contents } => self.saved.push(contents),
                Happening::Saved { .. } | Happening::Closed { .. } | Happening::Notified { .. } => (),
            }
        }
    }

    /// The server started again: all that it shows is from a snapshot.
    pub(crate) fn restart(&mut self) {
        self.kept = self.after.members.clone();
    }

    pub(crate) fn see(&mut self, answers: &[(&Request, Answer)]) {
        let mut seen = Seen::default();
        for (request, answer) in answers.iter().filter(|(_, answer)| answer.code == 0) {
            seen.bodies.insert(words(request), answer.text());
        }
        for (name, group) in seen.body("106").member("brokerAddrTable").unwrap().members() {
            let name: String = serde_json::from_str(name).unwrap();
            for (id, address) in group.member("brokerAddrs").unwrap().members() {
                let address = serde_json::from_str(&address.to_string()).unwrap();
                seen.members.insert((name.clone(), bare(id).parse().unwrap(), address));
            }
        }
        self.before = std::mem::replace(&mut self.after, seen);
    }
}

impl Seen {
    pub(super) fn body(&self, question: &str) -> Json {
        Json::parse(&self.bodies[question]).unwrap()
    }
}

/// A question in words: code, fields, and the release of who asks for a route.
fn words(request: &Request) -> String {
    let fields = request.fields.iter().flatten().map(|(_, value)| format!(" {value}"));
    let release = if request.code == 105 { format!(" {}", request.version) } else { String::new() };
    format!("{}{}{release}", request.code, fields.collect::<String>())
}

/// A member as both events and answers name it: group, identifier, address.
pub(super) type Member = (String, i64, String);

pub(super) fn member(broker: &BrokerIdentity) -> Member {
    (broker.name.clone(), broker.id, broker.address.clone())
}
