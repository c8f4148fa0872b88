//! The broker groups, topics and static topics of the model as plain maps, without an index, a fragment or a shortcut.

use super::kept::{Kept, Origin};
use super::order::Orders;
use crate::registration::{Mapping, Version};
use crate::step::Queues;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const WRITE: i32 = 2;
/// Silence that a broker is granted that does not say how much it wants.
const DEFAULT_TIMEOUT: i64 = 120_000;

/// One registered broker.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) address: String,
    pub(crate) cluster: String,
    pub(crate) ha_server: String,
    /// `None` as long as only a snapshot says that it is there.
    pub(crate) connection: Option<usize>,
    pub(crate) timeout: Option<i64>,
    pub(crate) deadline: u64,
    pub(crate) version: Option<Version>,
    pub(crate) filter_servers: Vec<String>,
    /// A registration of a single topic may have been missed: the next full table counts although its version is known.
    pub(crate) needs_full_sync: bool,
    /// Its last registration was of one topic.
    pub(crate) was_update: bool,
    pub(crate) parts: Parts,
    pub(crate) origin: Origin,
    /// Counters: greater for a member that joined its group, or registered over its connection, later.
    pub(crate) placed: u64,
    pub(crate) connected: u64,
}

/// The topics that a member registered with its data version, perhaps in several registrations.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parts {
    pub(crate) topics: BTreeSet<String>,
    /// The first topic of its first registration of several topics.
    first: Option<String>,
    /// Its first registration had no topics.
    began_empty: bool,
    /// It sends its table in parts.
    pub(crate) split: bool,
    /// An operator changed its permission since its last table.
    pub(crate) overruled: bool,
}

impl Parts {
    /// Says whether a registration of the `listed` topics is a part of a table that was not there yet and counts, and
    /// whether the table is whole. The group of the member has so many `entries`.
    pub(crate) fn take(&mut self, listed: &[String], entries: usize, is_new: bool) -> (bool, bool) {
        let first = listed.first().filter(|_| listed.len() > 1).cloned();
        let count = listed.len();
        let listed: BTreeSet<_> = listed.iter().cloned().collect();
        if self.topics.len() > entries {
            self.topics.clear();
            self.began_empty = false;
        }
        if is_new {
            self.overruled &= count == 1;
            self.began_empty = count == 0;
            self.topics = listed;
            self.first = first;
            return (false, !self.split);
        }
        let before = self.topics.len();
        let known = listed.intersection(&self.topics).count();
        let has_first = count > 1 && self.first.as_ref().is_some_and(|first| listed.contains(first));
        self.first = self.first.take().or(first);
        self.topics.extend(listed);
        if known == 0 && (before > 0 || (self.began_empty && count > 0)) {
            self.split |= before > 1 || count > 1;
            return (!self.overruled, false);
        }
        let begins_anew = has_first && known == count;
        if begins_anew {
            self.split = count < before;
        }
        (false, begins_anew || !self.split)
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    pub(crate) cluster: String,
    pub(crate) zone: Option<String>,
    pub(crate) acting: bool,
    pub(crate) members: BTreeMap<i64, Member>,
}

#[derive(Clone, Debug)]
pub(crate) struct Tables {
    /// A registration may have so many topics.
    pub(crate) topics_max: usize,
    /// Milliseconds since the server began, and since 1970.
    pub(crate) now: u64,
    pub(crate) wall: u64,
    /// When the server looks at the deadlines at the latest: once a second while there is any broker.
    pub(crate) next_look: u64,
    pub(crate) groups: BTreeMap<String, Group>,
    /// Topic, then group.
    pub(crate) topics: BTreeMap<String, BTreeMap<String, Queues>>,
    pub(crate) mappings: BTreeMap<String, BTreeMap<String, Mapping>>,
    pub(crate) orders: Orders,
    /// What is from a snapshot.
    pub(crate) kept: Kept,
    /// Everything that the server does besides answering, as lines for people.
    pub(crate) told: Vec<String>,
    /// Whether brokers are notified of a new minimum of their group.
    pub(crate) notifies: bool,
    pub(crate) serial: u64,
}

impl Tables {
    /// Those of a server that starts at this wall time and knows nobody.
    pub(crate) fn new(wall: u64, topics_max: usize) -> Self {
        Self {
            topics_max,
            now: 0,
            wall,
            next_look: 0,
            groups: BTreeMap::new(),
            topics: BTreeMap::new(),
            mappings: BTreeMap::new(),
            orders: Orders::default(),
            kept: Kept::default(),
            told: Vec::new(),
            notifies: false,
            serial: 0,
        }
    }

    /// Whether clients that only look at routes and groups see no difference.
    pub(crate) fn looks_like(&self, other: &Self) -> bool {
        let groups = |tables: &Self| {
            tables
                .groups
                .iter()
                .map(|(name, group)| (name.clone(), group.zone.clone(), group.acting, group.addresses()))
                .collect::<Vec<_>>()
        };
        self.topics == other.topics && groups(self) == groups(other)
    }

    pub(crate) fn tell(&mut self, line: impl Into<String>) {
        self.told.push(line.into());
    }

    pub(crate) fn serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// When a broker that was heard from now is gone. A timeout that no clock can count to is none, as in Java.
    pub(crate) fn deadline(&self, timeout: Option<i64>) -> u64 {
        let timeout = timeout.unwrap_or(DEFAULT_TIMEOUT);
        let is_absurd = (self.wall as i64).checked_add(timeout).is_none();
        self.now + if is_absurd { 0 } else { timeout.max(0) as u64 } + 1
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = (&String, i64, &Member)> {
        self.groups.iter().flat_map(|(name, group)| group.members.iter().map(move |(id, member)| (name, *id, member)))
    }

    /// Removes a member, without what follows from it.
    pub(crate) fn remove_member(&mut self, name: &str, id: i64) -> Option<Member> {
        self.groups.get_mut(name)?.members.remove(&id)
    }

    pub(crate) fn insert_member(&mut self, name: &str, id: i64, member: Member) {
        if self.members().next().is_none() {
            self.next_look = self.now + 1000;
        }
        let group = self.groups.entry(name.to_owned()).or_default();
        group.members.insert(id, member);
        group.settle_cluster();
    }

    pub(crate) fn queues_of(&mut self, name: &str) -> impl Iterator<Item = &mut Queues> {
        self.topics.values_mut().filter_map(move |queues| queues.get_mut(name))
    }

    pub(crate) fn change_permission(&mut self, name: &str, writable: bool) -> usize {
        let Some(group) = self.groups.get_mut(name) else { return 0 };
        for member in group.members.values_mut() {
            member.needs_full_sync = false;
            member.parts.overruled = true;
        }
        self.kept.overrule(name);
        self.queues_of(name).for_each(|queue| queue.perm = if writable { 6 } else { queue.perm & !WRITE });
        let count = self.queues_of(name).count();
        self.tell(format!("event: {count} topics of {name} {}", if writable { "writable" } else { "read-only" }));
        count
    }

    pub(crate) fn delete_topic(&mut self, topic: &str, cluster: Option<&str>) {
        let meant: BTreeSet<_> = match cluster {
            Some(cluster) => {
                self.members().filter(|(.., member)| member.cluster == cluster).map(|(name, ..)| name.clone()).collect()
            }
            None => self.groups.keys().cloned().collect(),
        };
        let Some(queues) = self.topics.get(topic).cloned() else { return };
        let left: BTreeMap<_, _> = queues.clone().into_iter().filter(|(name, _)| !meant.contains(name)).collect();
        if left.len() < queues.len() {
            let from = cluster.map_or_else(String::new, |cluster| format!(" from {cluster}"));
            self.tell(format!("event: topic {topic} deleted{from}"));
        }
        for name in queues.keys().filter(|name| meant.contains(*name)) {
            self.kept.delete(name, topic);
        }
        self.topics.insert(topic.to_owned(), left);
        self.topics.retain(|_, queues| !queues.is_empty());
    }

    pub(crate) fn register_topic(&mut self, topic: &str, entries: &[(String, Queues)]) {
        let known = |entry: &&(String, Queues)| self.groups.contains_key(&entry.0);
        if !self.topics.contains_key(topic) && !entries.iter().all(|entry| known(&entry)) {
            return;
        }
        let before = self.topics.clone();
        let entries: Vec<_> = entries.iter().take_while(known).cloned().collect();
        // One after the other, so that a change that the next entry takes back is a change.
        let mut changes = 0;
        for (name, queue) in entries {
            self.kept.repeat(&name, topic);
            let known = self.topics.entry(topic.to_owned()).or_default().insert(name, queue);
            changes += usize::from(known != Some(queue));
        }
        if changes > 0 {
            self.tell(format!("event: topic {topic} registered"));
        } else {
            assert_eq!(self.topics, before);
        }
    }
}

impl Member {
    /// Whether it registered since the server started.
    pub(crate) fn is_heard(&self) -> bool {
        self.origin != Origin::Kept
    }
}

impl Group {
    pub(crate) fn addresses(&self) -> BTreeMap<i64, String> {
        self.members.iter().map(|(id, member)| (*id, member.address.clone())).collect()
    }

    /// The cluster is that of the first registration, as long as somebody of it is there.
    pub(crate) fn settle_cluster(&mut self) {
        let is_heard = self.members.values().any(Member::is_heard);
        let mut deciding = self.members.values().filter(|member| member.is_heard() || !is_heard).peekable();
        if let Some(first) = deciding.peek().map(|first| first.cluster.clone())
            && deciding.all(|member| member.cluster != self.cluster)
        {
            self.cluster = first;
        }
    }
}

/// A broker as lines for people name it.
pub(crate) fn identity(cluster: &str, name: &str, id: i64, address: &str) -> String {
    format!("{cluster}/{name}/{id} at {address}")
}
