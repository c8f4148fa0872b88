//! Whole runs of a server, compared with what the model predicts. Whatever happens, two servers show no difference if
//! they differ in their secret, so neither shows the order of a hash table, and if the brokers of one never send the
//! same bytes twice, so recognising a registration that repeats the one before is a shortcut and nothing else.

use crate::model::invariants::{self, answers_in, in_a_row, in_order, questions};
use crate::model::{self, Observation, Switches};
use crate::plain_json::Json;
use crate::step::words::{CONNECTIONS, MARK, SETTINGS};
use crate::step::{Disk, Draw, Message, Scope, Step};
use crate::world::{Happening, SECRET, World};
use namesrv_core::kv::KvTable;
use std::collections::{BTreeMap, BTreeSet};

/// A run has no more steps.
const STEPS_MAX: usize = 64;

/// The first two bytes are switches, the others make the steps.
pub(super) fn registry(data: &[u8]) {
    let Some((switches, bytes)) = data.split_first_chunk::<2>() else { return };
    let switches = u16::from_le_bytes(*switches);
    let is_set = |bit: usize| switches >> bit & 1 != 0;
    let settings = std::array::from_fn(is_set);
    let scope = if is_set(9) { Scope::Everything } else { Scope::Model };
    let mut draw = Draw::new(bytes, scope);
    let steps: Vec<_> = std::iter::from_fn(|| (!draw.is_empty()).then(|| draw.step())).take(STEPS_MAX).collect();
    if scope == Scope::Model {
        model::check(settings, is_set(8), &steps);
    } else {
        check_twins(settings, is_set(8), &steps);
    }
}

/// Takes steps with two servers of different secrets. The registrations that the second one gets all differ.
///
/// # Panics
/// The servers differ, or an invariant does not hold.
pub fn check_twins(switches: Switches, binary: bool, steps: &[Step]) {
    let form = if binary { "ROCKETMQ" } else { "JSON" };
    let settings = SETTINGS.into_iter().zip(switches.map(|on| if on { "true" } else { "false" }));
    let properties = settings.chain([("rocketmq.serialize.type", form)]);
    let properties: Vec<_> = properties.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let world = |secret| World::with(&properties, KvTable::default(), model::limits(), secret);
    let mut twins = Twins {
        worlds: [world(SECRET), world(*b"the other secret")],
        opaque: 0,
        owed: BTreeMap::new(),
        observation: Observation::default(),
    };
    twins.observe(Vec::new());
    steps.iter().for_each(|step| twins.take(step));
    twins.take(&Step::Disk(Disk::Works));
    assert!(twins.owed.values().all(|owed| owed.requests.is_empty()), "without a reply: {:?}", twins.owed);
}

/// Two servers that are told the same.
struct Twins {
    worlds: [World; 2],
    opaque: i32,
    /// What is not answered yet, by connection.
    owed: BTreeMap<usize, Owed>,
    observation: Observation,
}

/// What one connection waits for.
#[derive(Debug, Default)]
struct Owed {
    /// Numbers of requests that must be answered.
    requests: BTreeSet<i32>,
    /// Damaged requests, which may be answered under any number.
    damaged: usize,
}

impl Twins {
    fn take(&mut self, step: &Step) {
        let frames: Vec<_> = step.messages().iter().map(|message| self.frames(message)).collect();
        for (index, world) in self.worlds.iter_mut().enumerate() {
            let frames = frames.iter().map(|(connection, frames)| (connection.clone(), frames[index].clone()));
            world.take_step(step, &frames.collect::<Vec<_>>());
        }
        let [happenings, others] = self.worlds.each_mut().map(World::take_happenings);
        assert_eq!(format!("{happenings:?}"), format!("{others:?}"), "the servers differ");
        for happening in &happenings {
            if let Happening::Closed { connection, written, .. } = happening
                && let Ok(connection) = connection.parse()
            {
                self.note_answers(connection, written);
                self.owed.remove(&connection);
            }
        }
        for connection in 0..CONNECTIONS {
            let [written, other] = self.worlds.each_mut().map(|world| world.take_output(&connection.to_string()));
            assert_eq!(written, other, "the servers differ");
            match written {
                Some(written) => self.note_answers(connection, &written),
                None => drop(self.owed.remove(&connection)),
            }
        }
        self.observe(happenings);
        if matches!(step, Step::Restart { .. }) {
            self.observation.restart();
        } else {
            invariants::check_tables(&self.observation, self.worlds[0].views_after_replies());
        }
    }

    /// The connection of a request, and its frame for each server.
    fn frames(&mut self, message: &Message) -> (String, [Vec<u8>; 2]) {
        self.opaque += 1;
        let owed = self.owed.entry(message.connection).or_default();
        match &message.defect {
            Some(_) => owed.damaged += 1,
            None if !message.oneway => drop(owed.requests.insert(self.opaque)),
            None => {}
        }
        let frame = message.frame(&MARK.to_string(), self.opaque);
        let other = self.another(message).unwrap_or_else(|| frame.clone());
        (message.connection.to_string(), [frame, other])
    }

    /// The same registration with a body that no other has, if it is one in JSON and not damaged.
    fn another(&self, message: &Message) -> Option<Vec<u8>> {
        let mut request = message.request(&MARK.to_string()).opaque(self.opaque);
        let is_json = request.body.starts_with(b"{\"") && request.body.ends_with(b"}");
        if request.code != 103 || message.defect.is_some() || !is_json {
            return None;
        }
        // At the end, so that errors name the same column.
        request.body.pop();
        request.body.extend(format!(",\"number\":{}}}", self.opaque).into_bytes());
        let checksum = request.fields.iter_mut().flatten().find(|(name, _)| name == "bodyCrc32")?;
        // Zero means that the body is not to be checked.
        checksum.1 = "0".to_owned();
        Some(request.encode())
    }

    /// Every request is answered once, and nothing else is.
    fn note_answers(&mut self, connection: usize, written: &[u8]) {
        let owed = self.owed.entry(connection).or_default();
        for answer in answers_in(written) {
            if !owed.requests.remove(&answer.opaque) {
                owed.damaged = owed.damaged.checked_sub(1).unwrap_or_else(|| panic!("nobody waits for {answer:?}"));
            }
            assert_eq!(answer.flag, 1);
            assert!(answer.code == 0 || answer.remark.is_some(), "{answer:?}");
            if answer.body.first() == Some(&b'{') {
                Json::parse(&answer.text()).unwrap_or_else(|error| panic!("{error}"));
            }
        }
    }

    fn observe(&mut self, happenings: Vec<Happening>) {
        let questions = questions();
        let [output, other] = self.worlds.each_mut().map(|world| {
            world.receive("observer", &in_a_row(&questions));
            world.take_output("observer")
        });
        assert_eq!(output, other, "the servers differ");
        let [digests, others] = self.worlds.each_ref().map(|world| world.view().digests());
        assert_eq!(digests, others, "the servers differ");
        // A server that has stopped answers nothing.
        let Some(output) = output else { return };
        self.observation.note(Vec::new(), happenings);
        self.observation.see(&questions.iter().zip(answers_in(&in_order(&output))).collect::<Vec<_>>());
    }
}
