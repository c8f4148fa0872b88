//! What one NameServer was told in this life, in plain maps: whom it may know and whom it must not.

use super::agenda::Time;
use crate::model::Parts;
use crate::registration::{Generation, Registration, Version};
use namesrv_core::ConnId;
use namesrv_core::event::EvictionCause;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

/// Moments that are kept for answers on their way.
const MOMENTS_KEPT_MILLIS: Time = 45 * 60_000;
/// Silence that is allowed unless a broker asks for less, in milliseconds.
const DEFAULT_TIMEOUT_MILLIS: i64 = 120_000;

/// Which broker a request is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identity {
    pub(super) cluster: String,
    pub(super) name: String,
    pub(super) id: i64,
    pub(super) address: String,
}

/// What a request tells a NameServer.
#[derive(Clone, Debug)]
pub(super) enum Told {
    Register(Box<Registration>),
    Unregister(Identity),
    Alive(Identity),
    DeleteTopic { topic: String, cluster: Option<String> },
    RegisterTopic { topic: String, group: String },
    Kv { key: KvKey, change: Option<Option<String>> },
    Permission { group: String, writable: bool },
    Nothing,
}

/// Namespace and key.
pub(super) type KvKey = (String, String);

/// A registration that counts.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    pub(super) cluster: String,
    pub(super) address: String,
    pub(super) conn: ConnId,
    pub(super) timeout: Time,
    pub(super) heard: Time,
    state: i64,
    version: Option<Version>,
    parts: Parts,
}

/// Somebody who has left, and why; without a cause it asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Departure {
    pub(super) name: String,
    pub(super) id: i64,
    pub(super) address: String,
    pub(super) cause: Option<EvictionCause>,
}

/// What questions are answered from at one moment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Moment {
    /// Address of each member of each group.
    pub(super) groups: BTreeMap<String, BTreeMap<i64, String>>,
    /// Groups that have an entry in each topic.
    pub(super) topics: BTreeMap<String, BTreeSet<String>>,
    standings: BTreeMap<String, Standing>,
}

impl Moment {
    /// Whether a client of a zone is shown a group; either is right where that hangs on whether an acting master acts.
    pub(super) fn is_in_zone(&self, group: &str, zone: &str) -> Option<bool> {
        let has_master = self.groups.get(group).is_some_and(|members| members.contains_key(&0));
        let standing = self.standings.get(group)?;
        let is_same = standing.zone.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(zone));
        if has_master || is_same { Some(is_same) } else { (!standing.may_act).then_some(true) }
    }
}

/// What the last registration of a group says of all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Standing {
    zone: Option<String>,
    may_act: bool,
}

/// A moment in the order of all.
#[derive(Clone, Debug)]
struct Recorded {
    number: u64,
    at: Time,
    /// It is the end of a batch: views show it. Within a batch only the registry itself answers.
    ends_batch: bool,
    moment: Rc<Moment>,
}

/// The ledger of one NameServer.
#[derive(Debug)]
pub(super) struct Ledger {
    deletes_unlisted: bool,
    pub(super) seats: BTreeMap<String, BTreeMap<i64, Seat>>,
    topics: BTreeMap<String, BTreeSet<String>>,
    standings: BTreeMap<String, Standing>,
    /// Groups whose permissions an operator changed.
    pub(super) wiped: BTreeSet<String>,
    /// Whether topics are writable as an operator said in this batch, or because an acting master is left, and no
    /// broker of the group said anything after that.
    pub(super) permissions: BTreeMap<String, bool>,
    changed: bool,
    moments: VecDeque<Recorded>,
    /// Who left by what was told and was not yet heard of.
    pub(super) departures: Vec<Departure>,
}

impl Ledger {
    pub(super) fn new(deletes_unlisted: bool, now: Time) -> Self {
        Self {
            deletes_unlisted,
            seats: BTreeMap::new(),
            topics: BTreeMap::new(),
            standings: BTreeMap::new(),
            wiped: BTreeSet::new(),
            permissions: BTreeMap::new(),
            changed: false,
            moments: VecDeque::from([Recorded { number: 0, at: now, ends_batch: true, moment: Rc::default() }]),
            departures: Vec::new(),
        }
    }

    /// A request is handed to the registry. `now` is the monotonic time of the server.
    pub(super) fn hand_in(&mut self, told: &Told, conn: ConnId, now: Time) {
        match told {
            Told::Register(registration) => self.register(registration, conn, now),
            Told::Unregister(broker) => {
                let known = self.seats.get(&broker.name).into_iter().flatten();
                let mut named = known
                    .filter(|(_, seat)| seat.address == broker.address && seat.cluster == broker.cluster)
                    .map(|(id, _)| *id);
                if let Some(id) = named.next() {
                    self.leave(&broker.name, id, None);
                }
            }
            Told::Alive(broker) => self.hear(broker, now),
            Told::DeleteTopic { topic, cluster } => self.delete_topic(topic, cluster.as_deref()),
            Told::RegisterTopic { topic, group } => {
                if self.seats.contains_key(group) {
                    self.permissions.remove(group);
                    self.enter(topic, group);
                }
            }
            Told::Permission { group, writable } => {
                self.wiped.insert(group.clone());
                self.permissions.insert(group.clone(), *writable);
            }
            Told::Kv { .. } | Told::Nothing => {}
        }
    }

    fn register(&mut self, registration: &Registration, conn: ConnId, now: Time) {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let (cluster, name, address) =
            (text(&registration.cluster), text(&registration.broker), text(&registration.address));
        let id = registration.id.unwrap_or_default();
        let state = registration.version.map_or(0, |version| version.state);
        self.permissions.remove(&name);
        let topics = registration.topics.as_deref().unwrap_or_default();
        let members = self.seats.get(&name);
        let own = members.and_then(|members| members.iter().find(|(_, seat)| seat.address == address));
        let own = own.map(|(id, _)| *id);
        let holder = members.and_then(|members| members.get(&id));
        if holder.is_some_and(|seat| seat.address != address && seat.cluster == cluster && seat.state > state) {
            own.into_iter().for_each(|own| self.leave(&name, own, Some(EvictionCause::ConflictLost)));
            return;
        }
        if holder.is_none() && topics.len() == 1 {
            return;
        }
        let stays = holder.is_some_and(|seat| seat.address == address && seat.cluster == cluster);
        let replaced: BTreeSet<_> = own.into_iter().chain(holder.map(|_| id)).filter(|_| !stays).collect();
        for replaced in replaced {
            self.replace(&name, replaced);
        }
        let timeout = registration.timeout.unwrap_or(DEFAULT_TIMEOUT_MILLIS) as Time;
        let standing = Standing { zone: registration.zone.clone(), may_act: registration.acting_master };
        self.changed |= !stays || self.standings.get(&name) != Some(&standing);
        self.standings.insert(name.clone(), standing);
        let version = registration.version;
        let before = stays.then(|| self.seats.get(&name)?.get(&id)).flatten();
        let is_new = before.is_none_or(|seat| seat.version.is_none() || seat.version != version);
        let parts = before.map(|seat| seat.parts.clone()).unwrap_or_default();
        let seat = Seat { cluster, address, conn, timeout, heard: now, state, version, parts };
        let entries = self.topics.values().filter(|groups| groups.contains(&name)).count();
        let members = self.seats.entry(name.clone()).or_default();
        members.insert(id, seat);
        let is_least = members.keys().next() == Some(&id);
        if id == 0 || (registration.generation == Generation::Five && is_least) {
            let listed: Vec<_> = topics.iter().map(|topic| topic.name.clone()).collect();
            let Some(parts) = members.get_mut(&id).map(|seat| &mut seat.parts) else { return };
            let (_, is_whole) = parts.take(&listed, entries, is_new);
            let listed = parts.topics.clone();
            if self.deletes_unlisted && registration.mappings.is_empty() && is_whole {
                self.leave_topics(&name, |topic| !listed.contains(topic));
            }
            topics.iter().for_each(|topic| self.enter(&topic.name, &name));
        }
    }

    /// A sign of life from the broker that is named, or from all that share its address if none is.
    fn hear(&mut self, broker: &Identity, now: Time) {
        let is_meant = |seat: &Seat| seat.cluster == broker.cluster && seat.address == broker.address;
        let is_named = self.seats.get(&broker.name).is_some_and(|members| members.values().any(is_meant));
        for (name, members) in &mut self.seats {
            if !is_named || *name == broker.name {
                members.values_mut().filter(|seat| is_meant(seat)).for_each(|seat| seat.heard = now);
            }
        }
    }

    /// A connection is gone, and everybody with it.
    pub(super) fn disconnect(&mut self, conn: ConnId) {
        let over = |(name, members): (&String, &BTreeMap<i64, Seat>)| {
            let lost = members.iter().filter(|(_, seat)| seat.conn == conn);
            lost.map(|(id, _)| (name.clone(), *id)).collect::<Vec<_>>()
        };
        for (name, id) in self.seats.iter().flat_map(over).collect::<Vec<_>>() {
            self.leave(&name, id, Some(EvictionCause::ConnectionLost));
        }
    }

    /// Somebody was silent for too long.
    pub(super) fn expire(&mut self, name: &str, id: i64) {
        self.leave(name, id, Some(EvictionCause::Expired));
        self.departures.pop();
    }

    fn replace(&mut self, name: &str, id: i64) {
        let Some(seat) = self.seats.get_mut(name).and_then(|members| members.remove(&id)) else { return };
        self.depart(name, id, seat, Some(EvictionCause::Replaced));
    }

    fn leave(&mut self, name: &str, id: i64, cause: Option<EvictionCause>) {
        let Some(members) = self.seats.get_mut(name) else { return };
        let Some(seat) = members.remove(&id) else { return };
        let has_only_slaves = members.keys().next().is_some_and(|id| *id > 0);
        if members.is_empty() {
            self.seats.remove(name);
            self.standings.remove(name);
            self.wiped.remove(name);
            self.leave_topics(name, |_| true);
        }
        self.depart(name, id, seat, cause);
        if has_only_slaves && self.standings.get(name).is_some_and(|standing| standing.may_act) {
            self.permissions.insert(name.to_owned(), false);
        }
    }

    fn depart(&mut self, name: &str, id: i64, seat: Seat, cause: Option<EvictionCause>) {
        self.permissions.remove(name);
        self.changed = true;
        self.departures.push(Departure { name: name.to_owned(), id, address: seat.address, cause });
    }

    fn enter(&mut self, topic: &str, group: &str) {
        let groups = self.topics.entry(topic.to_owned()).or_default();
        self.changed |= groups.insert(group.to_owned());
    }

    fn leave_topics(&mut self, group: &str, which: impl Fn(&str) -> bool) {
        for (_, groups) in self.topics.iter_mut().filter(|(topic, _)| which(topic)) {
            self.changed |= groups.remove(group);
        }
        self.topics.retain(|_, groups| !groups.is_empty());
    }

    fn delete_topic(&mut self, topic: &str, cluster: Option<&str>) {
        let seats = &self.seats;
        let is_meant = |group: &String| {
            let mut members = seats.get(group).into_iter().flatten();
            cluster.is_none_or(|cluster| members.any(|(_, seat)| seat.cluster == cluster))
        };
        if let Some(groups) = self.topics.get_mut(topic) {
            let before = groups.len();
            groups.retain(|group| !is_meant(group));
            self.changed |= groups.len() != before;
        }
        self.topics.retain(|_, groups| !groups.is_empty());
    }

    /// All that was told by now has taken effect: a moment that answers may show.
    pub(super) fn commit(&mut self, now: Time, ends_batch: bool) {
        if std::mem::take(&mut self.changed) {
            let addresses = |(name, members): (&String, &BTreeMap<i64, Seat>)| {
                (name.clone(), members.iter().map(|(id, seat)| (*id, seat.address.clone())).collect())
            };
            let groups = self.seats.iter().map(addresses).collect();
            let moment = Moment { groups, topics: self.topics.clone(), standings: self.standings.clone() };
            let number = self.number() + 1;
            self.moments.push_back(Recorded { number, at: now, ends_batch: false, moment: Rc::new(moment) });
        }
        if let Some(newest) = self.moments.back_mut() {
            newest.ends_batch |= ends_batch;
        }
        while self.moments.get(1).is_some_and(|second| second.at + MOMENTS_KEPT_MILLIS < now) {
            self.moments.pop_front();
        }
    }

    /// The number of the newest moment.
    pub(super) fn number(&self) -> u64 {
        self.moments.back().map_or(0, |newest| newest.number)
    }

    pub(super) fn newest(&self) -> Rc<Moment> {
        self.moments.back().map(|newest| Rc::clone(&newest.moment)).unwrap_or_default()
    }

    /// Moments that are no older than that of a number: all, or only those that views show.
    pub(super) fn since(&self, number: u64, all: bool) -> impl Iterator<Item = &Moment> {
        let fits = move |recorded: &&Recorded| recorded.number >= number && (all || recorded.ends_batch);
        self.moments.iter().filter(fits).map(|recorded| &*recorded.moment)
    }
}

/// What a NameServer acknowledged of the KV table, and what it did not: that may be in the file or not.
#[derive(Debug, Default)]
pub(super) struct KvLedger {
    acknowledged: BTreeMap<KvKey, String>,
    /// Changes that were handed in and not answered.
    pending: Vec<(i32, KvKey, Option<String>)>,
    /// Changes that were refused, or never answered.
    doubtful: Vec<(KvKey, Option<String>)>,
}

impl KvLedger {
    pub(super) fn hand_in(&mut self, opaque: i32, key: &KvKey, change: &Option<String>) {
        self.pending.push((opaque, key.clone(), change.clone()));
    }

    /// A change is answered.
    pub(super) fn answer(&mut self, opaque: i32, accepted: bool) {
        let Some(at) = self.pending.iter().position(|(pending, ..)| *pending == opaque) else { return };
        let (_, key, change) = self.pending.remove(at);
        if accepted {
            self.doubtful.retain(|(doubtful, _)| *doubtful != key);
        }
        match change {
            change if !accepted => self.doubtful.push((key, change)),
            Some(value) => drop(self.acknowledged.insert(key, value)),
            None => drop(self.acknowledged.remove(&key)),
        }
    }

    pub(super) fn value(&self, key: &KvKey) -> Option<&str> {
        self.acknowledged.get(key).map(String::as_str)
    }

    /// The file was replaced: what was refused before is not in it.
    pub(super) fn saved(&mut self) {
        self.doubtful.clear();
    }

    /// The server starts again with this table: every key has the value that was acknowledged, or one that nobody was
    /// told of.
    ///
    /// # Errors
    /// Names the first that has not.
    pub(super) fn restart(&mut self, found: BTreeMap<KvKey, String>) -> Result<(), String> {
        let pending = self.pending.drain(..).map(|(_, key, change)| (key, change));
        let possible: Vec<_> = self.doubtful.drain(..).chain(pending).collect();
        let keys: BTreeSet<_> = self.acknowledged.keys().chain(found.keys()).collect();
        for key in keys {
            let (known, value) = (self.acknowledged.get(key), found.get(key));
            if known != value && !possible.iter().any(|(other, change)| other == key && change.as_ref() == value) {
                return Err(format!("{key:?} was {known:?} and is {value:?} after the restart"));
            }
        }
        self.acknowledged = found;
        Ok(())
    }
}
