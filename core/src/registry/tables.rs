//! The tables: groups, their members, topics and liveness. They change together, so that none refers to what another
//! does not have.
//!
//! Every verb notes by itself which parts of views and answers are stale. [`broken_relations`] names each relation
//! between the indexes that does not hold; a broken one is a bug of this module.

mod check;
mod claims;
mod deadline;
mod groups;
mod leaving;
mod liveness;
mod mappings;
mod member;
mod parts;
mod placement;
mod queues;
mod read;
mod report;
mod restore;
mod restored;
mod source;
#[cfg(test)]
mod tests;

pub(super) use check::{broken_relations, relations};
pub(super) use claims::Claims;
pub(super) use groups::Group;
pub(super) use member::{Departure, LastRegistration, Member, MemberKey};
pub(super) use placement::{Newcomer, Placed, Placement};
pub(super) use queues::Set;

use crate::event::BrokerIdentity;
use crate::hash::Secret;
use crate::route::{GroupId, QueueRef, TopicKey, TopicTable, Topology};
use crate::table_size as size;
use crate::time::{Duration, Instant, Now};
use crate::wire::QueueValues;
use crate::{ClientAddress, Peer};
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use deadline::deadline;
use groups::Groups;
use liveness::Liveness;
use member::Origin;
use parts::Part;
use placement::Known;
use queues::QueueTable;

#[derive(Debug)]
pub(super) struct Tables {
    topics: TopicTable,
    groups: Groups,
    queues: QueueTable,
    liveness: Liveness,
    secret: Secret,
    /// Estimated bytes of groups, members, entries and mappings.
    bytes: usize,
    /// When the time of the snapshot ends. After that, only what brokers have repeated is left of it.
    restored_until: Option<Instant>,
    /// Number of members known only from a snapshot.
    unconfirmed: usize,
    /// Groups and queue values, as the last view showed them.
    topology: Arc<Topology>,
    /// A group has changed since the last view.
    topology_is_stale: bool,
    /// Something that views show has changed since the last view.
    is_changed: bool,
    /// The list of all topics, kept until a topic appears or disappears.
    all_topics: Option<Bytes>,
}

/// Reading.
impl Tables {
    pub(super) fn new(secret: Secret, now: Now) -> Self {
        Self {
            topics: TopicTable::new(secret),
            groups: Groups::new(secret),
            queues: QueueTable::new(secret),
            liveness: Liveness::new(secret, now),
            secret,
            bytes: 0,
            restored_until: None,
            unconfirmed: 0,
            topology: Arc::new(Topology::new(Vec::new(), Arc::default())),
            topology_is_stale: false,
            is_changed: true,
            all_topics: None,
        }
    }

    pub(super) const fn secret(&self) -> Secret {
        self.secret
    }

    pub(super) const fn topics(&self) -> &TopicTable {
        &self.topics
    }

    pub(super) fn group_id(&self, name: &str) -> Option<GroupId> {
        self.groups.id(name)
    }

    /// Returns the group with an identifier that these tables gave out and still use.
    pub(super) fn group(&self, id: GroupId) -> &Group {
        self.groups.group(id)
    }

    pub(super) fn member(&self, key: MemberKey) -> Option<&Member> {
        self.groups.group(key.group).members.get(&key.id)
    }

    /// Returns the values of a group's entry in a topic.
    pub(super) fn queue_values(&self, topic: TopicKey<'_>, group: GroupId) -> Option<QueueValues> {
        Some(self.queues.values(self.topics.record(topic)?.queue_of(group)?))
    }

    /// Returns the topics that have an entry of a group.
    pub(super) fn topics_of(&self, id: GroupId) -> Vec<Arc<str>> {
        let has_entry = |topic: &&Arc<str>| {
            let record = self.topics.record(self.topics.key(topic));
            record.is_some_and(|record| record.queue_of(id).is_some())
        };
        self.groups.group(id).topics.iter().filter(has_entry).cloned().collect()
    }

    /// Returns the list of all topics. Calls `encode` with their names if these changed since the last call.
    pub(super) fn all_topics(&mut self, encode: impl FnOnce(&[&str]) -> Bytes) -> Bytes {
        let Self { topics, all_topics, .. } = self;
        all_topics.get_or_insert_with(|| encode(&topics.names_where(|_| true))).clone()
    }

    /// Returns the estimated bytes of everything.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes + self.queues.bytes()
    }

    /// Returns the time of the next deadline or the next [`tick`](Self::tick), whichever is earlier.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        [self.liveness.poll_timeout(), self.restored_until].into_iter().flatten().min()
    }

    /// Returns a member whose deadline has come.
    pub(super) fn expired(&self, now: Now) -> Option<MemberKey> {
        self.liveness.expired(now)
    }

    /// Whether a new view would differ from the last one.
    pub(super) const fn is_changed(&self) -> bool {
        self.is_changed
    }
}

/// Members.
impl Tables {
    /// Gives a broker its place in its group. Creates the group if necessary.
    pub(super) fn place(&mut self, newcomer: &Newcomer<'_>, now: Now) -> Placed {
        let group = self.groups.id(newcomer.name).unwrap_or_else(|| self.create_group(newcomer));
        let key = MemberKey { group, id: newcomer.id };
        let mut changes_group = self.set_group_properties(newcomer, group);
        let known = self.groups.group(group);
        let has_new_min_id = newcomer.id < known.min_id().unwrap_or(0);
        let (origin, mut replaced) = self.supersede(newcomer, key);
        let known = self.groups.group(group);
        let holder = known.members.contains_key(&newcomer.id).then_some(key);
        let own = known.id_at(newcomer.address).map(|id| MemberKey { group, id });
        let previous = own.and_then(|own| known.members.get(&own.id));
        let previous = previous.filter(|previous| *previous.cluster == *newcomer.cluster);
        let before = previous.map(Known::of);
        let (claims, is_second) = newcomer.claims(previous);
        let second_claim_to =
            previous.filter(|_| is_second).and_then(|previous| previous.claims.newest()).map(|peer| peer.address);
        let member = newcomer.member(previous, origin, claims, deadline(now, newcomer.timeout));
        let (mut taken_from, mut other_cluster) = (None, None);
        let placement = match before {
            Some(before) if own == Some(key) => {
                changes_group |= self.update_member(key, member);
                Placement::Same(before)
            }
            Some(_) | None => {
                for gone in own.into_iter().chain(holder.filter(|holder| own != Some(*holder))) {
                    let member = self.take_member(gone);
                    if *member.address != *newcomer.address {
                        let from = member.claims.newest().map(|peer| peer.address);
                        taken_from = from.map(|from| (member.address.to_string(), from));
                    }
                    replaced.push(member.identity(newcomer.name, gone.id));
                }
                let group = self.groups.group(group);
                if group.is_confirmed() && *group.cluster != *newcomer.cluster {
                    other_cluster = Some(group.cluster.to_string());
                }
                self.insert_member(key, member, now);
                if holder.is_some() { Placement::TakenOver(before) } else { Placement::Free(before) }
            }
        };
        Placed { key, placement, replaced, taken_from, second_claim_to, other_cluster, has_new_min_id, changes_group }
    }

    /// Stores what is kept of a registration, once all of it is applied.
    pub(super) fn settle(&mut self, key: MemberKey, last: LastRegistration, needs_full_sync: bool) {
        let generation = self.groups.group(key.group).generation;
        let member = self.groups.member_mut(key);
        member.last = Some(LastRegistration { generation, ..last });
        member.needs_full_sync = needs_full_sync;
    }

    /// Notes the topics of a registration, and returns which part of its broker's table they are.
    pub(super) fn take_part(&mut self, key: MemberKey, topics: Vec<u64>, is_new: bool) -> Part {
        self.groups.take_part(key, topics, is_new)
    }

    /// Notes that a member repeated its last registration. If that was a whole table, the member is in sync.
    pub(super) fn repeat(&mut self, key: MemberKey, now: Now) {
        self.refresh(key, now);
        let member = self.groups.member_mut(key);
        member.needs_full_sync &= member.last.is_some_and(|last| last.is_update);
    }

    /// Notes a sign of life of a member.
    pub(super) fn refresh(&mut self, key: MemberKey, now: Now) {
        let until = self.restored_until;
        let member = self.groups.member_mut(key);
        let deadline = member.deadline_after(now, until);
        self.liveness.postpone(key, member.deadline, deadline);
        member.deadline = deadline;
    }

    /// Notes that a member registered again, perhaps over another connection ([`Liveness::claim`]).
    pub(super) fn claim(&mut self, key: MemberKey, peer: Peer, keeps_claims: bool) -> Option<ClientAddress> {
        self.liveness.claim(key, &mut self.groups.member_mut(key).claims, peer, keeps_claims)
    }

    /// Withdraws the claim of a peer to a member ([`Liveness::withdraw`]).
    pub(super) fn withdraw(&mut self, key: MemberKey, peer: Peer) -> Option<Peer> {
        self.liveness.withdraw(key, &mut self.groups.member_mut(key).claims, peer)
    }

    /// Notes that the operator knows of a member's registrations. Returns whether that is new.
    pub(super) fn report(&mut self, key: MemberKey) -> bool {
        !core::mem::replace(&mut self.groups.member_mut(key).is_reported, true)
    }

    /// Notes that time passed. After a pause of the process, postpones all deadlines by the length of the pause and
    /// returns it: a server that could not listen does not know which brokers were silent.
    ///
    /// No deadline moves past the one that a sign of life would set now, so a broker that was heard after the pause
    /// gets no extra time.
    pub(super) fn tick(&mut self, now: Now) -> Option<Duration> {
        let late = self.liveness.tick(now)?;
        self.restored_until = self.restored_until.map(|until| until + late);
        for (before, key) in self.liveness.take_deadlines() {
            let member = self.groups.member_mut(key);
            member.deadline = (before + late).min(member.deadline_after(now, self.restored_until)).max(before);
            self.liveness.put_deadline(member.deadline, key);
        }
        Some(late)
    }

    /// Removes the members from a snapshot that a broker replaces, including the broker's own. Returns how the broker
    /// relates to the snapshot, and all other removed members.
    fn supersede(&mut self, newcomer: &Newcomer<'_>, key: MemberKey) -> (Origin, Vec<BrokerIdentity>) {
        let (mut origin, mut replaced) = (Origin::Registered, Vec::new());
        if self.unconfirmed == 0 {
            return (origin, replaced);
        }
        let own = self.groups.group(key.group).id_at(newcomer.address).filter(|own| *own != key.id);
        for id in own.into_iter().chain([key.id]) {
            let members = &self.groups.group(key.group).members;
            if !members.get(&id).is_some_and(Member::is_unconfirmed) {
                continue;
            }
            let member = self.take_member(MemberKey { id, ..key });
            if id != key.id || *member.address != *newcomer.address || *member.cluster != *newcomer.cluster {
                replaced.push(member.identity(newcomer.name, id));
            } else if member.data_version.is_some() && member.data_version == newcomer.data_version {
                origin = Origin::Confirmed;
            }
        }
        (origin, replaced)
    }

    fn create_group(&mut self, newcomer: &Newcomer<'_>) -> GroupId {
        let id = self.groups.insert(newcomer.name, newcomer.cluster);
        self.bytes += self.groups.group(id).bytes();
        id
    }

    /// Sets the zone and the acting master of a group. They belong to the group, and the last registration wins.
    /// Returns whether they changed.
    fn set_group_properties(&mut self, newcomer: &Newcomer<'_>, id: GroupId) -> bool {
        let group = self.groups.group_mut(id);
        let is_same =
            group.enable_acting_master == newcomer.enable_acting_master && group.zone.as_deref() == newcomer.zone;
        if !is_same {
            self.bytes -= group.bytes();
            group.enable_acting_master = newcomer.enable_acting_master;
            group.zone = newcomer.zone.map(Arc::from);
            self.bytes += group.bytes();
            self.change_group(id);
        }
        !is_same
    }

    /// Moves a group to another cluster if no member of it is left in its own. Call this only once a replaced member
    /// has its successor.
    fn settle_cluster(&mut self, id: GroupId) {
        let group = self.groups.group_mut(id);
        self.bytes -= group.bytes();
        group.settle_cluster();
        self.bytes += group.bytes();
    }

    fn insert_member(&mut self, key: MemberKey, member: Member, now: Now) {
        self.liveness.insert(key, &member, now);
        self.bytes += member.bytes();
        let previous = self.groups.group_mut(key.group).members.insert(key.id, member);
        debug_assert!(previous.is_none(), "{key:?} was taken");
        self.change_group(key.group);
        self.settle_cluster(key.group);
    }

    /// Removes a member from its group and from every index. The group stays, even if it is empty.
    fn take_member(&mut self, key: MemberKey) -> Member {
        let Some(member) = self.groups.group_mut(key.group).members.remove(&key.id) else {
            unreachable!("{key:?} names no member");
        };
        self.bytes -= member.bytes();
        self.unconfirmed -= usize::from(member.is_unconfirmed());
        self.liveness.remove(key, &member);
        self.change_group(key.group);
        member
    }

    /// Replaces a member with its new registration. Returns whether answers change.
    fn update_member(&mut self, key: MemberKey, mut member: Member) -> bool {
        let known = self.groups.member_mut(key);
        member.parts = core::mem::take(&mut known.parts);
        self.liveness.postpone(key, known.deadline, member.deadline);
        self.liveness.reconnect(key, &known.claims, &member.claims);
        self.bytes = self.bytes + member.bytes() - known.bytes();
        let changes_group = known.filter_servers != member.filter_servers;
        *known = member;
        if changes_group {
            self.change_group(key.group);
        }
        changes_group
    }

    /// Notes that members, zone or role of a group changed.
    fn change_group(&mut self, id: GroupId) {
        let group = self.groups.group_mut(id);
        group.generation += 1;
        group.encoded = None;
        self.topology_is_stale = true;
        self.is_changed = true;
    }
}

/// Topics.
impl Tables {
    /// Sets the entry of a group in a topic to what a broker registered.
    pub(super) fn set_queue(&mut self, topic: TopicKey<'_>, id: GroupId, values: QueueValues) -> Set {
        if self.restored_until.is_some() {
            let restored = &mut self.groups.group_mut(id).restored;
            restored.confirm(topic);
            restored.forget(topic);
        }
        self.put_queue(topic, id, values)
    }

    fn put_queue(&mut self, topic: TopicKey<'_>, id: GroupId, values: QueueValues) -> Set {
        let old = self.topics.record(topic).and_then(|record| record.queue_of(id));
        if let Some(old) = old {
            if self.queues.values(old) == values {
                return Set::Unchanged;
            }
            self.queues.release(old);
        }
        let entry = QueueRef { group: id, queue: self.queues.acquire(values) };
        let groups = &self.groups;
        let name = |id: GroupId| &groups.group(id).name;
        let topic_name = self.topics.change(topic, |record| {
            record.set_entry(entry, |other| name(other) < name(id));
            Arc::clone(&record.name)
        });
        if old.is_none() {
            self.add_topic(&topic_name, topic.hash, id);
            self.all_topics = None;
        }
        self.groups.group_mut(id).generation += 1;
        self.is_changed = true;
        if old.is_none() { Set::Added } else { Set::Replaced }
    }

    /// Removes the entry of a group from a topic. Returns whether it existed.
    pub(super) fn remove_queue(&mut self, topic: TopicKey<'_>, id: GroupId) -> bool {
        if self.topics.record(topic).is_none_or(|record| record.queue_of(id).is_none()) {
            return false;
        }
        if let Some(queue) = self.topics.change(topic, |record| record.remove_entry(id)) {
            self.queues.release(queue);
        }
        self.remove_topic_if_unrelated(topic, id);
        let group = self.groups.group_mut(id);
        group.generation += 1;
        group.restored.forget(topic);
        self.all_topics = None;
        self.is_changed = true;
        true
    }

    /// Makes all entries of a group readable and writable and nothing else, or no longer writable. Returns their
    /// number.
    ///
    /// A full sync that is still due does not undo an operator's decision. A table without a version does, because it
    /// is applied in full every time.
    pub(super) fn set_permission(&mut self, id: GroupId, writable: bool) -> usize {
        self.groups.group_mut(id).overrule(self.restored_until.is_some());
        self.change_queues(id, |values| {
            if writable { values.with_perm(QueueValues::PERM_READ_WRITE) } else { values.read_only() }
        })
    }

    /// Changes every entry of a group. Returns their number.
    fn change_queues(&mut self, id: GroupId, change: impl Fn(QueueValues) -> QueueValues) -> usize {
        let topics = self.topics_of(id);
        for topic in &topics {
            let key = self.topics.key(topic);
            if let Some(values) = self.queue_values(key, id) {
                self.put_queue(key, id, change(values));
            }
        }
        topics.len()
    }

    fn add_topic(&mut self, topic: &Arc<str>, hash: u64, id: GroupId) {
        if self.groups.group_mut(id).add_topic(topic, hash, self.secret) {
            self.bytes += size::of_entry(topic);
        }
    }

    /// Removes a topic from a group's index if the group has neither an entry nor a mapping in it.
    fn remove_topic_if_unrelated(&mut self, topic: TopicKey<'_>, id: GroupId) {
        let is_related = self.topics.record(topic).is_some_and(|record| record.is_related_to(id));
        if !is_related {
            let removed = self.groups.group_mut(id).remove_topic(topic);
            debug_assert!(removed, "{} is not indexed by its group", topic.name);
            self.bytes -= size::of_entry(topic.name);
        }
    }
}

/// Views.
impl Tables {
    /// Returns what the next view shows. It shares everything unchanged with the last view.
    pub(super) fn publish(&mut self) -> (TopicTable, Arc<Topology>) {
        if self.topology_is_stale || self.queues.has_new_values() {
            self.topology = Arc::new(Topology::new(self.groups.encoded(), self.queues.shared()));
            self.topology_is_stale = false;
        }
        self.is_changed = false;
        (self.topics.clone(), Arc::clone(&self.topology))
    }
}
