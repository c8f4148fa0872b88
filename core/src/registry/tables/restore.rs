//! Warm start: serves the contents of a snapshot until brokers repeat them, or until brokers have had time to do so.
//!
//! A member from a snapshot has no connection, and expires when that time ends. An entry or mapping from a snapshot is
//! like any other, except for a mark. When the time is over, everything with a mark is removed.

use super::Tables;
use super::claims::Claims;
use super::deadline::deadline;
use super::member::{Member, MemberKey, Origin};
use super::parts::Parts;
use crate::event::BrokerIdentity;
use crate::route::{GroupId, TopicKey};
use crate::snapshot::{SavedGroup, SavedMember, Snapshot};
use crate::table_size as size;
use crate::time::{Duration, Instant, Now};
use alloc::sync::Arc;
use alloc::vec::Vec;

impl Tables {
    /// Fills empty tables from a snapshot. Brokers have `within` to repeat it.
    pub(in crate::registry) fn restore(&mut self, snapshot: Snapshot, within: Duration, now: Now) {
        let until = now.monotonic + within;
        self.restored_until = Some(until);
        let groups: Vec<_> = snapshot.groups.iter().map(|group| self.restore_group(group, until, now)).collect();
        for mut topic in snapshot.topics {
            let key = TopicKey { name: &topic.name, hash: self.secret.hash(topic.name.as_bytes()) };
            for entry in &mut topic.entries {
                entry.group = groups[entry.group.index()];
                entry.queue = self.queues.acquire(snapshot.values[entry.queue.index()]);
                self.add_topic(&topic.name, key.hash, entry.group);
                self.groups.group_mut(entry.group).restored.add(&topic.name, key.hash, self.secret);
            }
            for mapping in &mut topic.mappings {
                mapping.owner = groups[mapping.owner.index()];
                mapping.is_unconfirmed = true;
                self.add_topic(&topic.name, key.hash, mapping.owner);
                self.bytes += size::of_mapping(mapping);
            }
            self.topics.change(key, |record| {
                record.name = Arc::clone(&topic.name);
                record.restore(topic.entries, topic.mappings);
            });
        }
    }

    fn restore_group(&mut self, saved: &SavedGroup, until: Instant, now: Now) -> GroupId {
        let id = self.groups.insert(&saved.name, &saved.cluster);
        let group = self.groups.group_mut(id);
        group.zone.clone_from(&saved.zone);
        group.enable_acting_master = saved.enable_acting_master;
        self.bytes += group.bytes();
        for saved in &saved.members {
            self.unconfirmed += 1;
            self.insert_member(MemberKey { group: id, id: saved.id }, member(saved, until, now), now);
        }
        // The first members may be in another cluster.
        let group = self.groups.group_mut(id);
        self.bytes -= group.bytes();
        group.cluster = Arc::clone(&saved.cluster);
        group.settle_cluster();
        self.bytes += group.bytes();
        id
    }

    /// Whether a member is known only from a snapshot.
    pub(in crate::registry) fn has_unconfirmed(&self, key: MemberKey) -> bool {
        self.unconfirmed > 0 && self.member(key).is_some_and(Member::is_unconfirmed)
    }

    /// Returns the number of members known only from a snapshot.
    pub(in crate::registry) const fn unconfirmed_members(&self) -> usize {
        self.unconfirmed
    }

    /// Notes that a table names a topic. Returns whether the existing entry, or the lack of one, stays as it is.
    ///
    /// A table with a known version only adds missing entries. An entry from a snapshot counts as missing, unless an
    /// operator has changed it since: then it stays as long as the broker's version does.
    pub(in crate::registry) fn keeps_entry(&mut self, topic: TopicKey<'_>, key: MemberKey, in_full: bool) -> bool {
        if self.restored_until.is_none() {
            return !in_full && self.queue_values(topic, key.group).is_some();
        }
        let has_entry = self.queue_values(topic, key.group).is_some();
        let group = self.groups.group_mut(key.group);
        let is_known = group.members.get(&key.id).is_some_and(|member| member.origin == Origin::Confirmed);
        if is_known && group.restored.is_deleted(topic.name) {
            return true;
        }
        let was_restored = group.restored.confirm(topic);
        has_entry && ((is_known && group.restored.is_overruled()) || !(in_full || was_restored))
    }

    /// Returns the topics of a group that a member did not register with its current data version. Topics from a
    /// snapshot are left out, because a later part of the member's table may have them.
    pub(in crate::registry) fn unlisted_topics(&mut self, key: MemberKey) -> Vec<Arc<str>> {
        let mut topics = self.topics_of(key.group);
        let restored = &self.groups.group(key.group).restored;
        topics.retain(|topic| !restored.has(self.topics.key(topic)));
        self.groups.member_mut(key).parts.unlisted(topics, |topic| self.topics.key(topic).hash)
    }

    /// Notes that a slave registered an entry as it is on its master, which is from a snapshot. Without the master the
    /// entry would be read-only, and it becomes read-only unless the master registers.
    pub(in crate::registry) fn hold_writable(&mut self, topic: TopicKey<'_>, id: GroupId) {
        if let Some(record) = self.topics.record(topic) {
            self.groups.group_mut(id).restored.hold(Arc::clone(&record.name));
        }
    }

    /// Holds all entries that brokers have repeated, see [`hold_writable`](Self::hold_writable).
    pub(super) fn hold_repeated(&mut self, id: GroupId) {
        let mut topics = self.topics_of(id);
        let restored = &mut self.groups.group_mut(id).restored;
        topics.retain(|topic| !restored.has(self.topics.key(topic)));
        topics.into_iter().for_each(|topic| restored.hold(topic));
    }

    /// Makes entries of slaves read-only once there is no master left to wait for.
    pub(in crate::registry) fn settle_held(&mut self, id: GroupId) {
        if self.restored_until.is_none() || self.groups.group(id).awaits_master() {
            return;
        }
        let held = self.groups.group_mut(id).restored.release_held();
        self.make_read_only(id, held);
    }

    /// Makes entries read-only that no broker has repeated.
    pub(super) fn make_restored_read_only(&mut self, id: GroupId) {
        let topics: Vec<_> = self.groups.group(id).restored.topics().cloned().collect();
        self.make_read_only(id, topics);
    }

    fn make_read_only(&mut self, id: GroupId, topics: impl IntoIterator<Item = Arc<str>>) {
        for topic in topics {
            let key = self.topics.key(&topic);
            if let Some(values) = self.queue_values(key, id) {
                self.put_queue(key, id, values.read_only());
            }
        }
    }

    /// Deletes the entry of a group for an operator. Returns whether it existed.
    pub(in crate::registry) fn delete_queue(&mut self, topic: TopicKey<'_>, id: GroupId) -> bool {
        self.groups.group_mut(id).restored.delete(topic);
        self.remove_queue(topic, id)
    }

    /// Removes what no broker has repeated, once the time is over. Returns, for each group that lost topics, its first
    /// member and the number of topics.
    pub(in crate::registry) fn end_restored(&mut self, now: Now) -> Vec<(BrokerIdentity, usize)> {
        if self.restored_until.is_none_or(|until| until > now.monotonic) {
            return Vec::new();
        }
        debug_assert_eq!(self.unconfirmed, 0, "their time is over");
        let ids: Vec<_> = self.groups.iter().map(|(id, _)| id).collect();
        ids.iter().for_each(|id| self.settle_held(*id));
        self.restored_until = None;
        let mut losses: Vec<_> = ids.into_iter().filter_map(|id| self.end_restored_of(id)).collect();
        losses.sort_unstable();
        losses
    }

    fn end_restored_of(&mut self, id: GroupId) -> Option<(BrokerIdentity, usize)> {
        let group = self.groups.group_mut(id);
        let restored = core::mem::take(&mut group.restored);
        if restored.has_deleted() {
            // From now on a table that names them adds them again, even if it repeats the one before.
            group.generation += 1;
        }
        for topic in restored.topics() {
            self.remove_queue(self.topics.key(topic), id);
        }
        let mapped: Vec<_> =
            self.groups.group(id).topics.iter().filter(|topic| self.maps(topic, id)).cloned().collect();
        for topic in &mapped {
            let key = self.topics.key(topic);
            let taken = self.topics.change(key, |record| record.take_unconfirmed_mappings_of(id));
            self.bytes -= taken.iter().map(size::of_mapping).sum::<usize>();
            self.remove_topic_if_unrelated(self.topics.key(topic), id);
            self.is_changed = true;
        }
        let group = self.groups.group(id);
        let first = group.min_id().and_then(|id| group.identity(id))?;
        let lost = restored.topics().count();
        (lost > 0).then_some((first, lost))
    }

    /// Whether a group owns a mapping of a topic that no broker has repeated.
    fn maps(&self, topic: &str, owner: GroupId) -> bool {
        let record = self.topics.record(self.topics.key(topic));
        let mut mappings = record.into_iter().flat_map(|record| record.mappings());
        mappings.any(|mapping| mapping.owner == owner && mapping.is_unconfirmed)
    }
}

fn member(saved: &SavedMember, until: Instant, now: Now) -> Member {
    let left = saved.lease_left.map_or(until, |left| until.min(now.monotonic + left));
    Member {
        address: Arc::clone(&saved.address),
        cluster: Arc::clone(&saved.cluster),
        ha_server: saved.ha_server.clone(),
        claims: Claims::none(),
        is_reported: false,
        timeout: saved.timeout,
        deadline: deadline(now, saved.timeout).min(left),
        data_version: saved.data_version,
        filter_servers: saved.filter_servers.clone(),
        needs_full_sync: false,
        last: None,
        parts: Parts::default(),
        origin: Origin::Snapshot,
    }
}
