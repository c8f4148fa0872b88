//! What one NameServer was told in this life, in plain maps: whom it may know and whom it must not.

use super::agenda::Time;
use super::kept::Kept;
use super::kv_ledger::KvKey;
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

/// A registration that counts.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    pub(super) cluster: String,
    pub(super) address: String,
    /// `None` if only a snapshot says so.
    pub(super) conn: Option<ConnId>,
    pub(super) timeout: Time,
    pub(super) heard: Time,
    /// When a broker is gone that only a snapshot knows.
    pub(super) kept_until: Time,
    /// It registered with the data version that a snapshot has of it.
    is_repeated: bool,
    state: i64,
    version: Option<Version>,
    parts: Parts,
}

impl Seat {
    /// Whether only a snapshot says that it is there.
    pub(super) const fn is_kept(&self) -> bool {
        self.conn.is_none()
    }

    /// When it is gone if nothing is heard of it from now on and the window of the snapshot ends then.
    fn lapses(&self, now: Time, end: Time) -> Time {
        end.min(now + self.timeout + 1)
    }
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

/// What a snapshot should say.
#[derive(Clone, Debug)]
pub(super) struct Saved {
    at: Time,
    pub(super) seats: BTreeMap<String, BTreeMap<i64, Seat>>,
    topics: BTreeMap<String, BTreeSet<String>>,
    standings: BTreeMap<String, Standing>,
}

/// The ledger of one NameServer.
#[derive(Debug)]
pub(super) struct Ledger {
    deletes_unlisted: bool,
    /// What is from a snapshot.
    pub(super) kept: Kept,
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
            kept: Kept::default(),
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

    /// What a snapshot of this moment should say.
    pub(super) fn saved(&self, now: Time) -> Saved {
        let (seats, topics, standings) = (self.seats.clone(), self.topics.clone(), self.standings.clone());
        Saved { at: now, seats, topics, standings }
    }

    /// A server starts with a snapshot, and brokers have so long to register. Whoever had not registered before the
    /// restart has no more time than was left.
    pub(super) fn restore(&mut self, saved: &Saved, within: Time, now: Time) {
        let until = now + within;
        (self.seats, self.topics, self.standings) =
            (saved.seats.clone(), saved.topics.clone(), saved.standings.clone());
        self.kept = Kept::new(until, entries(&self.topics));
        for seat in self.seats.values_mut().flat_map(BTreeMap::values_mut) {
            let left = if seat.is_kept() { seat.kept_until.saturating_sub(saved.at) } else { within };
            let kept_until = seat.lapses(now, until).min(now + left);
            let parts = Parts::default();
            *seat = Seat { conn: None, heard: now, kept_until, is_repeated: false, parts, ..seat.clone() };
        }
        if let Some(first) = self.moments.front_mut() {
            let (topics, standings) = (saved.topics.clone(), saved.standings.clone());
            first.moment = Rc::new(Moment { groups: addresses(&self.seats), topics, standings });
        }
    }

    /// Brokers that only a snapshot knows.
    pub(super) fn kept_seats(&self) -> impl Iterator<Item = &Seat> {
        self.seats.values().flat_map(BTreeMap::values).filter(|seat| seat.is_kept())
    }

    /// The server says that it was late by so much, and grants that to everybody.
    pub(super) fn postpone(&mut self, by: Time, now: Time) {
        let Some(until) = &mut self.kept.until else { return };
        *until += by;
        let until = *until;
        for seat in self.seats.values_mut().flat_map(BTreeMap::values_mut).filter(|seat| seat.is_kept()) {
            seat.kept_until = (seat.kept_until + by).min(seat.lapses(now, until)).max(seat.kept_until);
        }
    }

    /// Time passed: what nobody has repeated goes when its time is over.
    pub(super) fn end_kept(&mut self, now: Time) {
        if self.kept.until.is_some_and(|until| until <= now) {
            for (group, topic) in self.kept.end() {
                self.leave_topics(&group, |left| left == topic);
            }
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
                    self.kept.repeat(group, topic);
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
        let is_heard = holder.is_some_and(|seat| !seat.is_kept());
        let is_newer = |seat: &Seat| seat.address != address && seat.cluster == cluster && seat.state > state;
        if is_heard && holder.is_some_and(is_newer) {
            own.into_iter().for_each(|own| self.leave(&name, own, Some(EvictionCause::ConflictLost)));
            return;
        }
        let stays = holder.is_some_and(|seat| seat.address == address && seat.cluster == cluster);
        if !is_heard && topics.len() == 1 {
            if stays {
                self.repeat_topic(&name, id, &topics[0].name, registration, now);
            }
            return;
        }
        let is_repeated = self.repeats(&name, own, registration);
        let replaced: BTreeSet<_> = own.into_iter().chain(holder.map(|_| id)).filter(|_| !stays).collect();
        for replaced in replaced {
            self.replace(&name, replaced);
        }
        let standing = Standing { zone: registration.zone.clone(), may_act: registration.acting_master };
        self.changed |= !stays || self.standings.get(&name) != Some(&standing);
        self.standings.insert(name.clone(), standing);
        let before = if stays { self.seats.get(&name).and_then(|members| members.get(&id)) } else { None };
        let before = before.filter(|seat| !seat.is_kept());
        let version = registration.version;
        let is_new = before.is_none_or(|seat| seat.version.is_none() || seat.version != version);
        let seat = Seat {
            cluster,
            address,
            conn: Some(conn),
            timeout: registration.timeout.unwrap_or(DEFAULT_TIMEOUT_MILLIS) as Time,
            heard: now,
            kept_until: 0,
            is_repeated,
            state,
            version,
            parts: before.map(|seat| seat.parts.clone()).unwrap_or_default(),
        };
        self.seats.entry(name.clone()).or_default().insert(id, seat);
        if self.contributes(registration, &name, id) {
            self.take_table(&name, id, registration, is_new);
        }
    }

    /// Whether the broker that is registered here has the data version that a snapshot has of it. `own` is the
    /// identifier that it had before.
    fn repeats(&self, name: &str, own: Option<i64>, registration: &Registration) -> bool {
        let seat = own.and_then(|own| self.seats.get(name)?.get(&own));
        let Some(seat) = seat.filter(|seat| Some(&seat.cluster) == registration.cluster.as_ref()) else { return false };
        let is_known = if seat.is_kept() { own == registration.id && seat.version.is_some() } else { seat.is_repeated };
        is_known && seat.version == registration.version
    }

    /// Topics come from the master, and from the smallest slave of 5.x that registered.
    fn contributes(&self, registration: &Registration, name: &str, id: i64) -> bool {
        let mut smaller = self.seats.get(name).into_iter().flat_map(|members| members.range(..id));
        id == 0 || (registration.generation == Generation::Five && smaller.all(|(_, seat)| seat.is_kept()))
    }

    fn take_table(&mut self, name: &str, id: i64, registration: &Registration, is_new: bool) {
        let topics = registration.topics.as_deref().unwrap_or_default();
        let listed: Vec<_> = topics.iter().map(|topic| topic.name.clone()).collect();
        let entries = self.topics.values().filter(|groups| groups.contains(name)).count();
        let Some(seat) = self.seats.get_mut(name).and_then(|members| members.get_mut(&id)) else { return };
        let (_, is_whole) = seat.parts.take(&listed, entries, is_new);
        let (listed, is_repeated) = (seat.parts.topics.clone(), seat.is_repeated);
        if self.deletes_unlisted && registration.mappings.is_empty() && is_whole {
            let kept = std::mem::take(&mut self.kept);
            self.leave_topics(name, |topic| !listed.contains(topic) && !kept.has(name, topic));
            self.kept = kept;
        }
        for topic in topics {
            if !(is_repeated && self.kept.is_deleted(name, &topic.name)) {
                self.kept.repeat(name, &topic.name);
                self.enter(&topic.name, name);
            }
        }
    }

    /// A broker that only a snapshot knows registers one topic, which says nothing about the others.
    fn repeat_topic(&mut self, name: &str, id: i64, topic: &str, registration: &Registration, now: Time) {
        self.hear_member(name, id, now);
        if self.contributes(registration, name, id) {
            self.kept.repeat(name, topic);
            self.enter(topic, name);
        }
    }

    /// A sign of life from the broker that is named, or from all that share its address if none is.
    fn hear(&mut self, broker: &Identity, now: Time) {
        let is_meant = |seat: &Seat| seat.cluster == broker.cluster && seat.address == broker.address;
        let is_named = self.seats.get(&broker.name).is_some_and(|members| members.values().any(is_meant));
        let mut meant = Vec::new();
        for (name, members) in self.seats.iter().filter(|(name, _)| !is_named || **name == broker.name) {
            meant.extend(members.iter().filter(|(_, seat)| is_meant(seat)).map(|(id, _)| (name.clone(), *id)));
        }
        meant.iter().for_each(|(name, id)| self.hear_member(name, *id, now));
    }

    fn hear_member(&mut self, name: &str, id: i64, now: Time) {
        let end = self.kept.until.unwrap_or(now);
        if let Some(seat) = self.seats.get_mut(name).and_then(|members| members.get_mut(&id)) {
            seat.heard = now;
            seat.kept_until = seat.lapses(now, end);
        }
    }

    /// A connection is gone, and everybody with it.
    pub(super) fn disconnect(&mut self, conn: ConnId) {
        let over = |(name, members): (&String, &BTreeMap<i64, Seat>)| {
            let lost = members.iter().filter(|(_, seat)| seat.conn == Some(conn));
            lost.map(|(id, _)| (name.clone(), *id)).collect::<Vec<_>>()
        };
        for (name, id) in self.seats.iter().flat_map(over).collect::<Vec<_>>() {
            self.leave(&name, id, Some(EvictionCause::ConnectionLost));
        }
    }

    /// Somebody was silent for too long.
    pub(super) fn expire(&mut self, name: &str, id: i64, cause: EvictionCause) {
        self.leave(name, id, Some(cause));
        self.departures.pop();
    }

    fn replace(&mut self, name: &str, id: i64) {
        let Some(seat) = self.seats.get_mut(name).and_then(|members| members.remove(&id)) else { return };
        self.depart(name, id, seat, Some(EvictionCause::Replaced));
    }

    fn leave(&mut self, name: &str, id: i64, cause: Option<EvictionCause>) {
        let is_windowed = self.kept.until.is_some();
        let Some(members) = self.seats.get_mut(name) else { return };
        let Some(seat) = members.remove(&id) else { return };
        let has_only_slaves = members.keys().next().is_some_and(|id| *id > 0);
        if members.is_empty() {
            self.seats.remove(name);
            self.standings.remove(name);
            self.wiped.remove(name);
            self.kept.forget_group(name);
            self.leave_topics(name, |_| true);
        } else if is_windowed && !seat.is_kept() && members.values().all(Seat::is_kept) {
            self.kept.doubt(entries(&self.topics).filter(|(group, _)| group == name));
        }
        self.depart(name, id, seat, cause);
        // While brokers have time to register, what is writable depends on who registered which topic.
        if has_only_slaves && !is_windowed && self.standings.get(name).is_some_and(|standing| standing.may_act) {
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
            groups.iter().filter(|group| is_meant(group)).for_each(|group| self.kept.delete(group, topic));
            groups.retain(|group| !is_meant(group));
            self.changed |= groups.len() != before;
        }
        self.topics.retain(|_, groups| !groups.is_empty());
    }

    /// All that was told by now has taken effect: a moment that answers may show.
    pub(super) fn commit(&mut self, now: Time, ends_batch: bool) {
        if std::mem::take(&mut self.changed) {
            let groups = addresses(&self.seats);
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

fn addresses(seats: &BTreeMap<String, BTreeMap<i64, Seat>>) -> BTreeMap<String, BTreeMap<i64, String>> {
    let addresses = |(name, members): (&String, &BTreeMap<i64, Seat>)| {
        (name.clone(), members.iter().map(|(id, seat)| (*id, seat.address.clone())).collect())
    };
    seats.iter().map(addresses).collect()
}

/// Every group with each of its topics.
fn entries(topics: &BTreeMap<String, BTreeSet<String>>) -> impl Iterator<Item = (String, String)> {
    topics.iter().flat_map(|(topic, groups)| groups.iter().map(|group| (group.clone(), topic.clone())))
}
