//! The broker groups, topics and static topics of the model as plain maps, without an index, a fragment or a shortcut.

use super::kept::{Kept, Origin};
use super::order::Orders;
use crate::registration::{Mapping, Version};
use crate::step::{Broker, Queues};
use std::collections::{BTreeMap, BTreeSet};

const WRITE: i32 = 2;
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
    pub(crate) table_owed: bool,
    /// Its last registration was of one topic.
    pub(crate) was_update: bool,
    pub(crate) parts: Parts,
    pub(crate) origin: Origin,
    /// Greater for who took a seat in a group later, and for who came to a connection later.
    pub(crate) seated: u64,
    pub(crate) connected: u64,
}

/// The topics that a member registered with its data version, perhaps in several registrations.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parts {
    pub(crate) topics: BTreeSet<String>,
    /// The first topic of its first registration of several topics.
    first: Option<String>,
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
        }
        if is_new {
            self.overruled &= count == 1;
            self.topics = listed;
            self.first = first;
            return (false, !self.split);
        }
        let before = self.topics.len();
        let known = listed.intersection(&self.topics).count();
        let has_first = count > 1 && self.first.as_ref().is_some_and(|first| listed.contains(first));
        self.first = self.first.take().or(first);
        self.topics.extend(listed);
        if before > 0 && known == 0 {
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

/// Why a broker leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaving {
    Unregisters,
    Evicted(&'static str),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
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
    /// Whether brokers hear of a new minimum of their group.
    pub(crate) notifies: bool,
    pub(crate) serial: u64,
}

impl Tables {
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

    /// Takes a member's seat, without what follows from it.
    pub(crate) fn unseat(&mut self, name: &str, id: i64) -> Option<Member> {
        self.groups.get_mut(name)?.members.remove(&id)
    }

    pub(crate) fn seat(&mut self, name: &str, id: i64, member: Member) {
        if self.members().next().is_none() {
            self.next_look = self.now + 1000;
        }
        let group = self.groups.entry(name.to_owned()).or_default();
        group.members.insert(id, member);
        group.settle_cluster();
    }

    /// A member leaves its group for good.
    pub(crate) fn leave(&mut self, name: &str, id: i64, why: Leaving) {
        let smallest = self.groups[name].members.keys().next().copied();
        let Some(member) = self.unseat(name, id) else { return };
        let identity = identity(&member.cluster, name, id, &member.address);
        self.tell(match why {
            Leaving::Unregisters => format!("event: unregistered {identity}"),
            Leaving::Evicted(cause) => format!("event: evicted {identity}, {cause}"),
        });
        let group = self.groups.get_mut(name).unwrap();
        group.settle_cluster();
        if group.members.is_empty() {
            self.groups.remove(name);
            self.kept.forget_group(name);
            self.topics.values_mut().for_each(|queues| queues.retain(|group, _| group != name));
            self.topics.retain(|_, queues| !queues.is_empty());
            self.mappings.values_mut().for_each(|shown| shown.retain(|group, _| group != name));
            return;
        }
        let (acting, has_only_slaves) = (group.acting, group.members.keys().all(|id| *id > 0));
        if self.kept.until.is_some() {
            self.leave_kept(name, &member);
        } else if acting && has_only_slaves {
            self.queues_of(name).for_each(|queue| queue.perm &= !WRITE);
        }
        if acting && smallest == Some(id) {
            self.notify(name, &format!("offlineBrokerAddr={}", member.address), true);
        }
    }

    /// The members of a group hear which one is the smallest now; `because` names who left or joined.
    pub(crate) fn notify(&mut self, name: &str, because: &str, somebody_left: bool) {
        if !self.notifies {
            return;
        }
        let members = self.groups[name].members.clone();
        let (smallest, first) = members.first_key_value().unwrap();
        for (id, member) in &members {
            if somebody_left || members.len() == 1 || id != smallest {
                let smallest = [format!("minBrokerAddr={}", first.address), format!("minBrokerId={smallest}")];
                let mut fields = [because, &smallest[0], &smallest[1]];
                fields.sort_unstable();
                self.tell(format!("sent 905 one-way to {}: {}", member.address, fields.join(" ")));
            }
        }
    }

    pub(crate) fn unregister(&mut self, broker: &Broker) {
        let Some(group) = self.groups.get(&broker.group) else { return };
        let found = group.members.iter().find(|(_, member)| member.address == broker.address);
        if let Some((id, _)) = found.filter(|(_, member)| member.cluster == broker.cluster) {
            self.leave(&broker.group, *id, Leaving::Unregisters);
        }
    }

    /// Whom a heartbeat is from: the member of that group, or, where there is none, everybody at that address; by seat.
    pub(crate) fn named(&self, broker: &Broker) -> Vec<(String, i64)> {
        let is_meant = |member: &Member| member.cluster == broker.cluster && member.address == broker.address;
        let mut found: Vec<_> = self
            .members()
            .filter(|(_, _, member)| is_meant(member))
            .map(|(name, id, member)| (member.seated, name.clone(), id))
            .collect();
        found.sort();
        if found.iter().any(|(_, name, _)| *name == broker.group) {
            found.retain(|(_, name, _)| *name == broker.group);
        }
        found.into_iter().map(|(_, name, id)| (name, id)).collect()
    }

    pub(crate) fn hear(&mut self, broker: &Broker) {
        for (name, id) in self.named(broker) {
            let deadline = self.deadline_of(&self.groups[&name].members[&id]);
            self.groups.get_mut(&name).unwrap().members.get_mut(&id).unwrap().deadline = deadline;
        }
    }

    /// Everybody who came over a connection leaves with it, in the order in which they came.
    pub(crate) fn disconnect(&mut self, connection: usize) {
        let over = |(_, _, member): &(&String, i64, &Member)| member.connection == Some(connection);
        let mut lost: Vec<_> =
            self.members().filter(over).map(|(name, id, member)| (member.connected, name.clone(), id)).collect();
        lost.sort();
        for (_, name, id) in lost {
            self.leave(&name, id, Leaving::Evicted("connection lost"));
        }
    }

    /// Time passes and the server looks whenever it wants to. Returns the connections that it closes.
    pub(crate) fn advance(&mut self, millis: u64) -> Vec<usize> {
        let end = self.now + millis;
        let mut closed = Vec::new();
        let wanted = |tables: &Self| {
            let deadlines = tables.wants_to_look().into_iter().chain(tables.orders.next());
            deadlines.chain(tables.kept.until).min()
        };
        while let Some(wanted) = wanted(self).filter(|wanted| *wanted <= end) {
            self.pass(wanted.saturating_sub(self.now));
            closed.extend(self.look());
        }
        self.pass(end - self.now);
        closed
    }

    pub(crate) fn pass(&mut self, millis: u64) {
        self.now += millis;
        self.wall += millis;
    }

    fn wants_to_look(&self) -> Option<u64> {
        self.members().map(|(_, _, member)| member.deadline.min(self.next_look)).min()
    }

    /// Whoever was silent for too long leaves, unless the server itself is late: then everybody is granted as much
    /// more, but no more than after a sign of life at this moment. Connections over which nobody is left are closed.
    pub(crate) fn look(&mut self) -> Vec<usize> {
        let closed = self.look_for_silence();
        self.end_kept();
        self.compare_orders();
        closed
    }

    fn look_for_silence(&mut self) -> Vec<usize> {
        let Some(wanted) = self.wants_to_look() else { return Vec::new() };
        if self.now >= self.next_look {
            self.next_look = self.now + 1000;
        }
        let late = self.now.saturating_sub(wanted);
        if late > 3000 {
            self.tell(format!("event: late by {late} ms"));
            self.kept.until = self.kept.until.map(|until| until + late);
            let seats: Vec<_> = self.members().map(|(name, id, _)| (name.clone(), id)).collect();
            for (name, id) in seats {
                let most = self.deadline_of(&self.groups[&name].members[&id]);
                let deadline = &mut self.groups.get_mut(&name).unwrap().members.get_mut(&id).unwrap().deadline;
                *deadline = (*deadline + late).min(most).max(*deadline);
            }
        }
        let mut closed = Vec::new();
        loop {
            let due = self.members().map(|(name, id, member)| (member.deadline, name.clone(), id, member.connection));
            let Some((_, name, id, connection)) = due.min().filter(|(deadline, ..)| *deadline <= self.now) else {
                break;
            };
            let why = if connection.is_some() { "expired" } else { "unconfirmed" };
            self.leave(&name, id, Leaving::Evicted(why));
            if self.members().all(|(_, _, member)| member.connection != connection) {
                closed.extend(connection);
            }
        }
        closed
    }

    pub(crate) fn queues_of(&mut self, name: &str) -> impl Iterator<Item = &mut Queues> {
        self.topics.values_mut().filter_map(move |queues| queues.get_mut(name))
    }

    pub(crate) fn change_permission(&mut self, name: &str, writable: bool) -> usize {
        let Some(group) = self.groups.get_mut(name) else { return 0 };
        for member in group.members.values_mut() {
            member.table_owed = false;
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
