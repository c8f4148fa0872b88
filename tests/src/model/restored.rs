//! Tables after a restart: what a snapshot says, until brokers have repeated it or had the time to.

use super::kept::{Entry, Origin, WITHIN_MILLIS, entry};
use super::tables::{Member, Tables, WRITE, identity};
use crate::registration::Registration;
use std::collections::{BTreeMap, BTreeSet};

impl Tables {
    /// What a server knows that starts at this wall time with this as its snapshot.
    pub(crate) fn restarted(&self, wall: u64) -> Self {
        let mut tables = Self {
            next_look: 1000,
            groups: self.groups.clone(),
            topics: self.topics.clone(),
            mappings: self.mappings.clone(),
            ..Self::new(wall, self.topics_max)
        };
        tables.kept.until = Some(WITHIN_MILLIS);
        tables.kept.entries = of_all(&self.topics).collect();
        tables.kept.mappings = of_all(&self.mappings).collect();
        let mut groups = std::mem::take(&mut tables.groups);
        for member in groups.values_mut().flat_map(|group| group.members.values_mut()) {
            let left = if member.is_heard() { WITHIN_MILLIS } else { member.deadline.saturating_sub(self.now) };
            *member = Member {
                connection: None,
                deadline: tables.deadline(member.timeout).min(WITHIN_MILLIS).min(left),
                needs_full_sync: false,
                was_update: false,
                parts: Default::default(),
                origin: Origin::Kept,
                placed: tables.serial(),
                connected: tables.serial(),
                ..member.clone()
            };
        }
        Self { groups, ..tables }
    }

    /// When a member is gone that was heard from now. What a snapshot alone says does not outlive its time.
    pub(crate) fn deadline_of(&self, member: &Member) -> u64 {
        let until = self.kept.until.filter(|_| !member.is_heard());
        self.deadline(member.timeout).min(until.unwrap_or(u64::MAX))
    }

    /// A broker takes the place of whatever a snapshot says of it and of its identifier. Returns how it is known then.
    pub(crate) fn supersede(&mut self, registration: &Registration) -> Origin {
        let (name, id) = (registration.broker.clone().unwrap(), registration.id.unwrap());
        if !self.groups.contains_key(&name) {
            return Origin::Heard;
        }
        let is_own = |member: &Member| Some(&member.address) == registration.address.as_ref();
        let own = self.groups[&name].members.iter().find(|(_, member)| is_own(member)).map(|(id, _)| *id);
        let mut origin = Origin::Heard;
        for id_before in own.into_iter().chain([id]).collect::<BTreeSet<_>>() {
            if self.groups[&name].members.get(&id_before).is_none_or(Member::is_heard) {
                continue;
            }
            let member = self.remove_member(&name, id_before).unwrap();
            let is_same_cluster = Some(&member.cluster) == registration.cluster.as_ref();
            if id_before != id || !is_own(&member) || !is_same_cluster {
                let gone = identity(&member.cluster, &name, id_before, &member.address);
                self.tell(format!("event: evicted {gone}, replaced"));
            } else if member.version.is_some() && member.version == registration.version {
                origin = Origin::Repeated;
            }
        }
        origin
    }

    /// Whether only a snapshot says that the group has a master.
    pub(crate) fn awaits_master(&self, name: &str) -> bool {
        let first = self.groups[name].members.first_key_value();
        first.is_some_and(|(id, first)| *id <= 0 && !first.is_heard())
    }

    /// A member has left a group that others are left of, in the time to register.
    pub(crate) fn leave_kept(&mut self, name: &str, member: &Member) {
        let group = &self.groups[name];
        let (acting, first) = (group.acting, group.members.keys().next().copied());
        let first_heard = group.members.iter().find(|(_, member)| member.is_heard()).map(|(id, _)| *id);
        let entries: BTreeSet<_> = of_all(&self.topics).filter(|(group, _)| group == name).collect();
        if member.is_heard() && first_heard.is_none() {
            self.kept.mappings.extend(of_all(&self.mappings).filter(|(group, _)| group == name));
            self.kept.held.retain(|(group, _)| group != name);
            self.kept.entries.extend(entries.iter().cloned());
        }
        if member.is_heard() && acting && first_heard.is_some_and(|id| id > 0) {
            let repeated = entries.iter().filter(|entry| !self.kept.entries.contains(entry));
            self.kept.held.extend(repeated.cloned());
        }
        if acting && first.is_some_and(|id| id > 0) {
            let kept: Vec<_> = entries.intersection(&self.kept.entries).cloned().collect();
            self.make_read_only(kept);
        }
        self.settle_held(name);
    }

    /// What was writable for a master that may come back is not, once there is none.
    pub(crate) fn settle_held(&mut self, name: &str) {
        if self.kept.until.is_some() && !self.awaits_master(name) {
            let (held, others) = self.kept.held.iter().cloned().partition(|(group, _)| group == name);
            self.kept.held = others;
            let held: BTreeSet<Entry> = held;
            self.make_read_only(held);
        }
    }

    fn make_read_only(&mut self, entries: impl IntoIterator<Item = Entry>) {
        for (group, topic) in entries {
            if let Some(queues) = self.topics.get_mut(&topic).and_then(|queues| queues.get_mut(&group)) {
                queues.perm &= !WRITE;
            }
        }
    }

    /// The time to register is over.
    pub(crate) fn end_kept(&mut self) {
        if self.kept.until.is_none_or(|until| until > self.now) {
            return;
        }
        assert!(self.members().all(|(_, _, member)| member.is_heard()), "nobody outlives it");
        for name in self.groups.keys().cloned().collect::<Vec<_>>() {
            self.settle_held(&name);
        }
        let kept = std::mem::take(&mut self.kept);
        let mut lost = BTreeMap::<String, usize>::new();
        for (group, topic) in kept.entries {
            self.topics.get_mut(&topic).unwrap().remove(&group).unwrap();
            *lost.entry(group).or_default() += 1;
        }
        self.topics.retain(|_, queues| !queues.is_empty());
        for (group, topic) in kept.mappings {
            self.mappings.get_mut(&topic).unwrap().remove(&group);
        }
        for (group, count) in lost {
            let (id, first) = self.groups[&group].members.first_key_value().unwrap();
            let broker = identity(&first.cluster, &group, *id, &first.address);
            self.tell(format!("event: changed {broker}, {count} topics"));
        }
    }
}

/// What topics have of groups.
fn of_all<T>(topics: &BTreeMap<String, BTreeMap<String, T>>) -> impl Iterator<Item = Entry> {
    topics.iter().flat_map(|(topic, groups)| groups.keys().map(|group| entry(group, topic)))
}
