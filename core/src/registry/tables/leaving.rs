//! How members leave, and what leaves with them.

use super::{Departure, MemberKey, Tables};
use crate::ConnId;
use crate::route::GroupId;
use crate::table_size as size;
use crate::wire::QueueValues;
use alloc::vec::Vec;

impl Tables {
    /// Removes a member. A group leaves with its last member, together with all its entries and mappings. If a group
    /// allows an acting master and only slaves are left, its topics become read-only.
    pub(in crate::registry) fn leave(&mut self, key: MemberKey) -> Departure {
        let had_min_id = self.groups.group(key.group).min_id() == Some(key.id);
        let member = self.take_member(key);
        self.settle_cluster(key.group);
        let group = self.groups.group(key.group);
        let broker = member.identity(&group.name, key.id);
        let leaves_acting_group = had_min_id && group.enable_acting_master && !group.members.is_empty();
        if group.members.is_empty() {
            self.remove_group(key.group);
        } else if self.restored_until.is_some() {
            self.leave_restored(key.group, member.is_unconfirmed());
        } else if group.has_only_slaves() {
            self.change_queues(key.group, QueueValues::read_only);
        }
        Departure { broker, claims: member.claims, leaves_acting_group }
    }

    /// Handles the loss of a connection. Returns the members without another claim, which must [`leave`](Self::leave).
    pub(in crate::registry) fn lose_connection(&mut self, conn: ConnId) -> Vec<MemberKey> {
        let mut keys = self.liveness.take_connection(conn);
        keys.retain(|key| !self.groups.member_mut(*key).claims.withdraw(|claim| claim.conn == conn));
        keys
    }

    /// Removes a group with all its entries and mappings.
    fn remove_group(&mut self, id: GroupId) {
        let group = self.groups.remove(id);
        self.bytes -= group.bytes();
        for topic in group.topics {
            self.bytes -= size::of_entry(&topic);
            let (queue, mapped) = self.topics.change(self.topics.key(&topic), |record| {
                let owned = record.mappings().iter().filter(|mapping| mapping.owner == id);
                let mapped: usize = owned.map(size::of_mapping).sum();
                record.remove_mappings_of(id);
                (record.remove_entry(id), mapped)
            });
            self.bytes -= mapped;
            if let Some(queue) = queue {
                self.queues.release(queue);
            }
        }
        self.topology_is_stale = true;
        self.all_topics = None;
        self.is_changed = true;
    }

    /// Handles the loss of a member while brokers have time to repeat a snapshot.
    ///
    /// What brokers have repeated changes as if the members from the snapshot did not exist, with one exception: it
    /// stays writable while a master from the snapshot may still register. What no broker has repeated changes as if
    /// all members had registered.
    fn leave_restored(&mut self, id: GroupId, was_unconfirmed: bool) {
        if !was_unconfirmed {
            self.doubt_unless_confirmed(id);
            if self.groups.group(id).registered_are_slaves() {
                self.hold_repeated(id);
            }
        }
        if self.groups.group(id).has_only_slaves() {
            self.make_restored_read_only(id);
        }
        self.settle_held(id);
    }

    /// Unless a member of the group has registered, marks its table as known only from the snapshot.
    fn doubt_unless_confirmed(&mut self, id: GroupId) {
        let group = self.groups.group_mut(id);
        if group.is_confirmed() {
            return;
        }
        group.restored.release_held();
        let known: Vec<_> = group.topics.iter().cloned().collect();
        for topic in known {
            let key = self.topics.key(&topic);
            let Some(record) = self.topics.record(key) else { continue };
            let (has_entry, owns_mapping) = (record.queue_of(id).is_some(), record.has_mapping_of(id));
            let restored = &mut self.groups.group_mut(id).restored;
            if has_entry && !restored.has(key) {
                restored.add(&topic, key.hash, self.secret);
            }
            if owns_mapping {
                self.topics.change(key, |record| record.doubt_mappings_of(id));
            }
        }
    }
}
