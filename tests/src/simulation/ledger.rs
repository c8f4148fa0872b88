//! What one NameServer should know in this life: the [model](crate::model), which takes every step that the node takes,
//! and the moments that answers may show.

use super::agenda::Time;
use super::kv_ledger::KvKey;
use crate::model::{Shown, Tables};
use crate::step::Content;
use namesrv_core::ConnId;
use namesrv_core::time::Now;
use std::collections::{BTreeSet, VecDeque};

/// A number of a connection holds that of its I/O thread above so many bits of its own.
const SERIAL_BITS: u32 = 32;
/// Moments that are kept for answers on their way.
const MOMENTS_KEPT_MILLIS: Time = 45 * 60_000;

/// What a request tells a NameServer.
#[derive(Clone, Debug)]
pub(super) enum Told {
    /// Something about brokers or topics.
    OfRoutes(Content),
    /// A change of a KV entry; without one it is a question.
    Kv {
        key: KvKey,
        change: Option<Option<String>>,
    },
    Nothing,
}

/// A moment in the order of all.
#[derive(Clone, Debug)]
struct Recorded {
    number: u64,
    at: Time,
    /// It is the end of a batch: views show it. Within a batch only the registry itself answers.
    ends_batch: bool,
    moment: Tables,
}

/// The settings of a server that decide what the model does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) topics_max: usize,
    pub(super) deletes_unlisted: bool,
    pub(super) supports_acting: bool,
}

/// The ledger of one NameServer.
#[derive(Debug)]
pub(super) struct Ledger {
    /// Its time begins when the server starts.
    model: Tables,
    started_at: Time,
    rules: Rules,
    /// Groups whose permissions an operator changed.
    pub(super) wiped: BTreeSet<String>,
    moments: VecDeque<Recorded>,
}

impl Ledger {
    pub(super) fn new(rules: Rules, now: Now) -> Self {
        let model = Tables::new(now.wall.as_millis(), rules.topics_max);
        let started_at = now.monotonic.as_millis();
        let moment = model.clone();
        let first = Recorded { number: 0, at: started_at, ends_batch: true, moment };
        Self { model, started_at, rules, wiped: BTreeSet::new(), moments: VecDeque::from([first]) }
    }

    /// What a snapshot of this moment should say.
    pub(super) fn saved(&self) -> Tables {
        self.model.clone()
    }

    /// The server starts with a snapshot.
    pub(super) fn restore(&mut self, saved: &Tables) {
        self.model = saved.restarted(self.model.wall);
        if let Some(first) = self.moments.front_mut() {
            first.moment = self.model.clone();
        }
    }

    /// Brokers that only a snapshot knows.
    pub(super) fn unconfirmed_count(&self) -> usize {
        self.model.members().filter(|(.., member)| !member.is_heard()).count()
    }

    /// Whether anything is from a snapshot, and when that ends.
    pub(super) fn kept_until(&self) -> Option<Time> {
        self.model.kept.until.map(|until| self.started_at + until)
    }

    /// Whether a broker with this address is known.
    pub(super) fn has_address(&self, address: &str) -> bool {
        self.model.members().any(|(.., member)| member.address == address)
    }

    /// The connections over which brokers registered, and their addresses.
    pub(super) fn connections(&self) -> impl Iterator<Item = (ConnId, &str)> {
        self.model.members().filter_map(|(.., member)| Some((conn(member.connection?), &*member.address)))
    }

    /// When the node looks at its deadlines at the latest, and whether that is for the end of a snapshot.
    pub(super) fn due(&self) -> Option<(Time, bool)> {
        let silences = self.model.wants_to_look().map(|due| (self.started_at + due, false));
        silences.into_iter().chain(self.kept_until().map(|until| (until, true))).min()
    }

    /// Time passes, and nothing happens.
    pub(super) fn pass(&mut self, now: Time) {
        self.model.pass(now - self.started_at - self.model.now);
    }

    /// A request is handed to the registry.
    pub(super) fn hand_in(&mut self, told: &Told, conn: ConnId) {
        let Told::OfRoutes(content) = told else { return };
        match content {
            Content::Register(registration) => {
                drop(self.model.register(registration, false, number(conn), self.rules.deletes_unlisted));
            }
            Content::Unregister(broker) => self.model.unregister(broker),
            Content::Heartbeat(broker) | Content::QueryVersion { broker, .. } => return self.model.renew(broker),
            Content::DeleteTopic { topic, cluster } => self.model.delete_topic(topic, cluster.as_deref()),
            Content::RegisterTopic { topic, entries } => self.model.register_topic(topic, entries),
            Content::Permission { group, writable } => {
                self.model.change_permission(group, *writable);
                self.wiped.insert(group.clone());
            }
            Content::Kv { .. } | Content::Configure { .. } | Content::ShowConfiguration | Content::Other(_) => {
                panic!("{content:?} is not about brokers or topics")
            }
        }
        self.commit();
    }

    /// A connection is gone, and everybody with it.
    pub(super) fn disconnect(&mut self, conn: ConnId) {
        self.model.disconnect(number(conn));
        self.commit();
    }

    /// The node looks at its deadlines.
    pub(super) fn look(&mut self) {
        self.model.look();
    }

    /// A batch ends: views show this moment. Returns what the operator should be told of the batch.
    pub(super) fn end_batch(&mut self) -> Vec<String> {
        let groups = &self.model.groups;
        self.wiped.retain(|group| groups.contains_key(group));
        self.commit();
        if let Some(newest) = self.moments.back_mut() {
            newest.ends_batch = true;
        }
        std::mem::take(&mut self.model.told)
    }

    /// All that was told by now has taken effect: a moment that answers may show.
    fn commit(&mut self) {
        let now = self.started_at + self.model.now;
        if !self.newest().looks_like(&self.model) {
            let moment = Tables { told: Vec::new(), ..self.model.clone() };
            self.moments.push_back(Recorded { number: self.number() + 1, at: now, ends_batch: false, moment });
        }
        while self.moments.get(1).is_some_and(|second| second.at + MOMENTS_KEPT_MILLIS < now) {
            self.moments.pop_front();
        }
    }

    /// The number of the newest moment.
    pub(super) fn number(&self) -> u64 {
        self.moments.back().map_or(0, |newest| newest.number)
    }

    pub(super) fn newest(&self) -> &Tables {
        &self.moments.back().expect("there is one from the start on").moment
    }

    /// Moments that are no older than that of a number: all, or only those that views show.
    pub(super) fn since(&self, number: u64, all: bool) -> impl Iterator<Item = &Tables> {
        let fits = move |recorded: &&Recorded| recorded.number >= number && (all || recorded.ends_batch);
        self.moments.iter().filter(fits).map(|recorded| &recorded.moment)
    }

    /// What a route shows at a moment.
    pub(super) fn route<'a>(&self, moment: &'a Tables, topic: &str, zone: Option<&str>) -> Option<Vec<Shown<'a>>> {
        moment.shown(topic, zone, self.rules.supports_acting)
    }
}

/// The number by which the model knows a connection.
const fn number(conn: ConnId) -> usize {
    conn.io_thread() << SERIAL_BITS | conn.serial() as usize
}

/// The connection that the model knows by a number.
const fn conn(number: usize) -> ConnId {
    ConnId::new((number >> SERIAL_BITS) as u16, number as u64 & ((1 << SERIAL_BITS) - 1))
}
