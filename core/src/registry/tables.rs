//! The tables: topics, groups and liveness, changed together so that none mentions what another does not know.

use super::group::{Group, Groups, Member, MemberKey};
use super::liveness::Liveness;
use super::queues::QueueTable;
use super::room;
use crate::ConnId;
use crate::hash::Secret;
use crate::route::{GroupId, Mapping, QueueRef, QueueValues, TopicKey, TopicTable};
use crate::time::Now;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

#[derive(Debug)]
pub(super) struct Tables {
    pub(super) topics: TopicTable,
    pub(super) groups: Groups,
    pub(super) queues: QueueTable,
    pub(super) liveness: Liveness,
    pub(super) secret: Secret,
    /// Something that a view shows changed since the last one.
    pub(super) changed: bool,
    /// Topics appeared or disappeared since the list of them was written.
    pub(super) names_changed: bool,
}

impl Tables {
    pub(super) fn new(secret: Secret, now: Now) -> Self {
        Self {
            topics: TopicTable::new(secret),
            groups: Groups::new(secret),
            queues: QueueTable::new(secret),
            liveness: Liveness::new(secret, now),
            secret,
            changed: true,
            names_changed: true,
        }
    }

    /// Adds a registration to its group and to every index.
    pub(super) fn insert_member(&mut self, key: MemberKey, member: Member, now: Now) {
        let Some(group) = self.groups.get_mut(key.group) else { return };
        self.liveness.insert(key, &member, now);
        group.bytes += room::member_bytes(&member);
        group.members.insert(key.id, member);
        group.change();
        group.settle_cluster();
        self.changed = true;
    }

    /// Takes a registration out of its group and of every index; the group stays, even empty.
    pub(super) fn take_member(&mut self, key: MemberKey) -> Option<Member> {
        let group = self.groups.get_mut(key.group)?;
        let member = group.members.remove(&key.id)?;
        group.bytes -= room::member_bytes(&member);
        group.change();
        self.liveness.remove(key, &member);
        self.changed = true;
        Some(member)
    }

    /// Puts a later registration of the same broker in the place of the earlier one and returns whether answers show it.
    pub(super) fn update_member(&mut self, key: MemberKey, member: Member) -> bool {
        let Some(group) = self.groups.get_mut(key.group) else { return false };
        let Some(known) = group.members.get_mut(&key.id) else { return false };
        self.liveness.postpone(key, known.deadline, member.deadline);
        self.liveness.reconnect(key, known.conn, member.conn);
        let filters = |member: &Member| member.filter_servers.as_ref().map(|servers| servers.written.clone());
        let shows = filters(known) != filters(&member);
        group.bytes = group.bytes + room::member_bytes(&member) - room::member_bytes(known);
        *known = member;
        if shows {
            group.change();
            self.changed = true;
        }
        shows
    }

    /// A sign of life from a registration, perhaps over another connection.
    pub(super) fn refresh(&mut self, key: MemberKey, conn: Option<ConnId>, now: Now) {
        let Some(member) = self.groups.member_mut(key) else { return };
        let deadline = super::liveness::deadline(now, member.timeout);
        self.liveness.postpone(key, member.deadline, deadline);
        member.deadline = deadline;
        if let Some(conn) = conn {
            self.liveness.reconnect(key, member.conn, conn);
            member.conn = conn;
        }
    }

    /// Removes a group with all its entries and mappings.
    pub(super) fn remove_group(&mut self, id: GroupId) -> Option<Group> {
        let mut group = self.groups.remove(id)?;
        for topic in group.topics.drain() {
            let queue = self.topics.change(self.topics.key(&topic), |record| {
                let queue = record.queue_of(id);
                record.queues = without(&record.queues, |entry| entry.group == id);
                record.mappings = without(&record.mappings, |mapping| mapping.owner == id);
                queue
            });
            if let Some(queue) = queue {
                self.queues.release(queue);
            }
        }
        self.names_changed = true;
        self.changed = true;
        Some(group)
    }

    /// Bytes that all of it takes, about.
    pub(super) fn bytes(&self) -> usize {
        self.groups.bytes() + self.queues.bytes()
    }

    /// What the entry of a group in a topic says.
    pub(super) fn queue_values(&self, topic: TopicKey<'_>, group: GroupId) -> Option<QueueValues> {
        self.queues.values(self.topics.record(topic)?.queue_of(group)?)
    }

    /// Sets the entry of a group in a topic and returns whether that changed anything.
    pub(super) fn set_queue(&mut self, topic: TopicKey<'_>, id: GroupId, values: QueueValues) -> bool {
        let old = self.topics.record(topic).and_then(|record| record.queue_of(id));
        if self.groups.get(id).is_none() {
            return false;
        }
        if let Some(old) = old {
            if self.queues.values(old) == Some(values) {
                return false;
            }
            self.queues.release(old);
        }
        let entry = QueueRef { group: id, queue: self.queues.acquire(values) };
        let groups = &self.groups;
        let name = |id: GroupId| groups.get(id).map(|group| &*group.name);
        let topic_name = self.topics.change(topic, |record| {
            match record.queues.iter_mut().find(|known| known.group == id) {
                Some(known) => *known = entry,
                None => {
                    let at = record.queues.partition_point(|known| name(known.group) < name(id));
                    record.queues = with(&record.queues, at, entry);
                }
            }
            Arc::clone(&record.name)
        });
        if old.is_none()
            && let Some(group) = self.groups.get_mut(id)
        {
            group.enter(&topic_name, topic.hash, self.secret);
            self.names_changed = true;
        }
        self.changed = true;
        true
    }

    /// Removes the entry of a group from a topic and returns whether there was one.
    pub(super) fn remove_queue(&mut self, topic: TopicKey<'_>, id: GroupId) -> bool {
        let Some(record) = self.topics.record(topic) else { return false };
        let Some(queue) = record.queue_of(id) else { return false };
        let owns_mapping = record.mappings.iter().any(|mapping| mapping.owner == id);
        self.queues.release(queue);
        if let Some(group) = self.groups.get_mut(id) {
            group.touch();
            if !owns_mapping {
                group.leave(topic);
            }
        }
        self.topics.change(topic, |record| record.queues = without(&record.queues, |entry| entry.group == id));
        self.changed = true;
        self.names_changed = true;
        true
    }

    /// Sets a static-topic mapping, in the place of any other under the same broker name, and returns whether that changed
    /// anything.
    pub(super) fn set_mapping(&mut self, topic: TopicKey<'_>, mapping: Mapping) -> bool {
        let known = self.topics.record(topic).map_or(&[][..], |record| &record.mappings);
        if known.contains(&mapping) {
            return false;
        }
        let (owner, bytes) = (mapping.owner, room::mapping_bytes(&mapping));
        let (previous, topic_name) = self.topics.change(topic, |record| {
            let found = record.mappings.binary_search_by(|known| known.broker_name.cmp(&mapping.broker_name));
            let previous = match found {
                Ok(at) => Some(core::mem::replace(&mut record.mappings[at], mapping)),
                Err(at) => {
                    record.mappings = with(&record.mappings, at, mapping);
                    None
                }
            };
            (previous, Arc::clone(&record.name))
        });
        if let Some(group) = self.groups.get_mut(owner) {
            group.enter(&topic_name, topic.hash, self.secret);
            group.bytes += bytes;
        }
        if let Some(previous) = previous {
            if let Some(group) = self.groups.get_mut(previous.owner) {
                group.bytes -= room::mapping_bytes(&previous);
            }
            if previous.owner != owner {
                self.leave_if_strange(topic, previous.owner);
            }
        }
        self.changed = true;
        true
    }

    /// Takes a topic out of a group's index if it neither has an entry nor a mapping of it.
    fn leave_if_strange(&mut self, topic: TopicKey<'_>, id: GroupId) {
        let related = self.topics.record(topic).is_some_and(|record| {
            record.queue_of(id).is_some() || record.mappings.iter().any(|mapping| mapping.owner == id)
        });
        if !related && let Some(group) = self.groups.get_mut(id) {
            group.leave(topic);
        }
    }

    /// The topics that have an entry of a group.
    pub(super) fn topics_of(&self, id: GroupId) -> Vec<Arc<str>> {
        let Some(group) = self.groups.get(id) else { return Vec::new() };
        let has_entry = |topic: &&Arc<str>| {
            let record = self.topics.record(self.topics.key(topic));
            record.is_some_and(|record| record.queue_of(id).is_some())
        };
        group.topics.iter().filter(has_entry).cloned().collect()
    }

    /// Changes every entry of a group and returns how many there are.
    pub(super) fn change_queues(&mut self, id: GroupId, change: impl Fn(QueueValues) -> QueueValues) -> usize {
        let topics = self.topics_of(id);
        for topic in &topics {
            let key = self.topics.key(topic);
            if let Some(values) = self.queue_values(key, id) {
                self.set_queue(key, id, change(values));
            }
        }
        topics.len()
    }
}

fn with<T: Clone>(list: &[T], at: usize, item: T) -> Box<[T]> {
    let mut longer = Vec::with_capacity(list.len() + 1);
    longer.extend_from_slice(&list[..at]);
    longer.push(item);
    longer.extend_from_slice(&list[at..]);
    longer.into()
}

fn without<T: Clone>(list: &[T], unwanted: impl Fn(&T) -> bool) -> Box<[T]> {
    list.iter().filter(|item| !unwanted(item)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: QueueValues = QueueValues { read_queue_nums: 8, write_queue_nums: 8, perm: 6, topic_sys_flag: 0 };

    fn mapping(owner: GroupId) -> Mapping {
        Mapping { broker_name: "a".into(), owner, member: [Box::default(), Box::default()] }
    }

    /// Tables with two groups.
    fn tables() -> (Tables, [GroupId; 2]) {
        let mut tables = Tables::new(Secret::new([7; 16]), Now::default());
        let groups = ["a", "b"].map(|name| tables.groups.insert(name, "cluster"));
        (tables, groups)
    }

    fn indexed(tables: &Tables, group: GroupId) -> usize {
        tables.groups.get(group).unwrap().topics.len()
    }

    #[test]
    fn a_group_keeps_no_topic_of_which_it_has_nothing() {
        let (mut tables, [a, b]) = tables();
        let topic = tables.topics.key("T");
        assert!(tables.set_queue(topic, a, VALUES));
        assert!(tables.set_mapping(topic, mapping(a)));
        assert!(tables.remove_queue(topic, a));
        assert_eq!(indexed(&tables, a), 1, "the mapping is left");
        assert!(tables.set_mapping(topic, mapping(b)));
        assert_eq!((indexed(&tables, a), indexed(&tables, b)), (0, 1), "the mapping is another group's now");
        tables.remove_group(b);
        assert_eq!(tables.topics.len(), 0);
    }

    #[test]
    fn setting_what_is_set_changes_nothing() {
        let (mut tables, [a, _]) = tables();
        let topic = tables.topics.key("T");
        assert!(tables.set_queue(topic, a, VALUES) && tables.set_mapping(topic, mapping(a)));
        tables.changed = false;
        assert!(!tables.set_queue(topic, a, VALUES) && !tables.set_mapping(topic, mapping(a)));
        assert!(!tables.changed);
        assert!(tables.set_queue(topic, a, VALUES.read_only()));
        assert!(tables.changed);
    }
}
