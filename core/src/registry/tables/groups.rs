//! Broker groups: everything registered under one broker name.

use super::member::{LastRegistration, Member, MemberKey};
use super::parts::Part;
use super::restored::Restored;
use crate::event::BrokerIdentity;
use crate::hash::Secret;
use crate::route::{BrokerData, BrokerGroup, GroupId, TopicKey};
use crate::table_size as size;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use hashbrown::hash_table::Entry;
use hashbrown::{HashMap, HashTable};

/// A broker group. In a free slot it has no name and no members.
#[derive(Debug)]
pub(in crate::registry) struct Group {
    pub(super) name: Arc<str>,
    pub(super) cluster: Arc<str>,
    pub(super) zone: Option<Arc<str>>,
    pub(super) enable_acting_master: bool,
    pub(super) members: BTreeMap<i64, Member>,
    /// Topics with an entry of this group, or with a mapping that it owns.
    pub(super) topics: HashTable<Arc<str>>,
    /// Increases with every change that could give a repeated registration an effect.
    pub(super) generation: u64,
    /// The group as views show it, kept until it changes.
    pub(super) encoded: Option<Arc<BrokerGroup>>,
    /// What the group still has from a snapshot.
    pub(super) restored: Restored,
}

impl Group {
    fn new(name: Arc<str>, cluster: Arc<str>) -> Self {
        Self {
            name,
            cluster,
            zone: None,
            enable_acting_master: false,
            members: BTreeMap::new(),
            topics: HashTable::new(),
            generation: 0,
            encoded: None,
            restored: Restored::default(),
        }
    }

    /// Returns the members, by identifier.
    pub(in crate::registry) const fn members(&self) -> &BTreeMap<i64, Member> {
        &self.members
    }

    /// Returns a member's name for events.
    pub(in crate::registry) fn identity(&self, id: i64) -> Option<BrokerIdentity> {
        self.members.get(&id).map(|member| member.identity(&self.name, id))
    }

    /// Returns the identifier of the member with this address.
    pub(in crate::registry) fn id_at(&self, address: &str) -> Option<i64> {
        self.members.iter().find(|(_, member)| *member.address == *address).map(|(id, _)| *id)
    }

    pub(in crate::registry) fn min_id(&self) -> Option<i64> {
        self.members.keys().next().copied()
    }

    /// Whether a member has registered, or all are from a snapshot.
    pub(super) fn is_confirmed(&self) -> bool {
        self.members.values().any(|member| !member.is_unconfirmed())
    }

    /// Whether no member with a smaller identifier has registered. Members from a snapshot do not count.
    pub(in crate::registry) fn is_first_confirmed(&self, id: i64) -> bool {
        self.members.range(..id).all(|(_, member)| member.is_unconfirmed())
    }

    /// Whether a slave has to act as master.
    ///
    /// Java only looks at the smallest identifier, so one below 0, which no broker has, counts as a master.
    pub(super) fn has_only_slaves(&self) -> bool {
        self.enable_acting_master && self.min_id().is_some_and(|id| id > 0)
    }

    /// Whether a slave has to act as master among the members that have registered. Members from a snapshot do not
    /// count.
    pub(super) fn registered_are_slaves(&self) -> bool {
        let first = self.members.iter().find(|(_, member)| !member.is_unconfirmed());
        self.enable_acting_master && first.is_some_and(|(id, _)| *id > 0)
    }

    /// Whether a master from a snapshot may still register.
    pub(in crate::registry) fn awaits_master(&self) -> bool {
        self.members.first_key_value().is_some_and(|(id, first)| *id <= 0 && first.is_unconfirmed())
    }

    /// Returns the members that decide the cluster of the group: those that have registered, or all if none has.
    fn deciding_members(&self) -> impl Iterator<Item = &Member> {
        let is_confirmed = self.is_confirmed();
        self.members.values().filter(move |member| !(is_confirmed && member.is_unconfirmed()))
    }

    /// Returns the last registration of a member, unless a later change could give its repetition an effect.
    pub(in crate::registry) fn current_registration(&self, id: i64) -> Option<LastRegistration> {
        let member = self.members.get(&id)?;
        // Only a repeated part shows that no other part follows.
        member.last.filter(|last| last.generation == self.generation && member.parts.is_settled())
    }

    /// Whether a member of the group is in a cluster.
    pub(super) fn is_in(&self, cluster: &str) -> bool {
        self.members.values().any(|member| *member.cluster == *cluster)
    }

    /// Notes that an operator decided about the group's entries.
    pub(super) fn overrule(&mut self, after_restart: bool) {
        self.members.values_mut().for_each(Member::overrule);
        if after_restart {
            self.restored.overrule();
        }
        self.generation += 1;
    }

    /// Whether a topic has an entry or a mapping of this group.
    pub(in crate::registry) fn has_topic(&self, key: TopicKey<'_>) -> bool {
        self.topics.find(key.hash, |topic| **topic == *key.name).is_some()
    }

    /// Returns the estimated bytes of the group's own names.
    pub(super) fn bytes(&self) -> usize {
        size::of_group(self.name.len() + self.cluster.len() + self.zone.as_ref().map_or(0, |zone| zone.len()))
    }

    /// Moves the group to the cluster of its smallest member if no member is left in its own cluster.
    pub(super) fn settle_cluster(&mut self) {
        let first = self.deciding_members().next().map(|first| Arc::clone(&first.cluster));
        if let Some(first) = first
            && !self.deciding_members().any(|member| member.cluster == self.cluster)
        {
            self.cluster = first;
        }
    }

    /// Notes that a topic with this hash has an entry or a mapping of this group. Returns whether that is new.
    pub(super) fn add_topic(&mut self, topic: &Arc<str>, hash: u64, secret: Secret) -> bool {
        match self.topics.entry(hash, |known| known == topic, |known| secret.hash(known.as_bytes())) {
            Entry::Occupied(_) => false,
            Entry::Vacant(entry) => {
                entry.insert(Arc::clone(topic));
                true
            }
        }
    }

    /// Notes that a topic has no entry or mapping of this group any more. Returns whether it had one.
    pub(super) fn remove_topic(&mut self, key: TopicKey<'_>) -> bool {
        self.topics.find_entry(key.hash, |topic| **topic == *key.name).map(|entry| entry.remove()).is_ok()
    }

    /// Returns what views show of the group.
    fn data(&self) -> BrokerData {
        let mut clusters: Vec<Arc<str>> = self.members.values().map(|member| Arc::clone(&member.cluster)).collect();
        clusters.dedup();
        // Java finds them by the address and the cluster of the group (`RouteInfoManager.pickupTopicRouteData`).
        let in_cluster = self.members.values().filter(|member| *member.cluster == *self.cluster);
        BrokerData {
            name: Arc::clone(&self.name),
            cluster: Arc::clone(&self.cluster),
            zone: self.zone.clone(),
            enable_acting_master: self.enable_acting_master,
            addresses: self.members.iter().map(|(id, member)| (*id, Arc::clone(&member.address))).collect(),
            clusters,
            filter_servers: in_cluster.filter_map(|member| member.filter_servers.clone()).collect(),
        }
    }

    fn check(&self, findings: &mut Vec<String>) {
        let name = &self.name;
        if self.members.is_empty() {
            findings.push(format!("group {name} has no members"));
        } else if !self.deciding_members().any(|member| member.cluster == self.cluster) {
            findings.push(format!("group {name} is in cluster {}, where no member of it is", self.cluster));
        }
        for (id, member) in &self.members {
            if self.id_at(&member.address) != Some(*id) {
                findings.push(format!("group {name} has {} twice", member.address));
            }
        }
        if self.encoded.as_ref().is_some_and(|encoded| encoded.data != self.data()) {
            findings.push(format!("views show group {name} as it was before it changed"));
        }
    }
}

/// All groups, by slot and by name.
#[derive(Debug)]
pub(super) struct Groups {
    slots: Vec<Group>,
    pub(super) free: Vec<GroupId>,
    pub(super) by_name: HashMap<Arc<str>, GroupId, Secret>,
}

impl Groups {
    pub(super) fn new(secret: Secret) -> Self {
        Self { slots: Vec::new(), free: Vec::new(), by_name: HashMap::with_hasher(secret) }
    }

    pub(super) fn id(&self, name: &str) -> Option<GroupId> {
        self.by_name.get(name).copied()
    }

    /// Returns the group in a slot that is not free.
    pub(super) fn group(&self, id: GroupId) -> &Group {
        &self.slots[id.index()]
    }

    pub(super) fn group_mut(&mut self, id: GroupId) -> &mut Group {
        &mut self.slots[id.index()]
    }

    /// Returns a member that is known to exist.
    pub(super) fn member_mut(&mut self, key: MemberKey) -> &mut Member {
        match self.group_mut(key.group).members.get_mut(&key.id) {
            Some(member) => member,
            None => unreachable!("{key:?} names no member"),
        }
    }

    /// Notes the topics of a registration, and returns which part of its broker's table they are.
    pub(super) fn take_part(&mut self, key: MemberKey, topics: Vec<u64>, is_new: bool) -> Part {
        let entries = self.group(key.group).topics.len();
        self.member_mut(key).parts.bound(entries).take(topics, is_new)
    }

    /// Returns all groups with their slots, in an order that must not show.
    pub(super) fn iter(&self) -> impl Iterator<Item = (GroupId, &Group)> {
        self.by_name.values().map(|id| (*id, self.group(*id)))
    }

    /// Returns all members, in an order that must not show.
    pub(super) fn members(&self) -> impl Iterator<Item = (MemberKey, &Member)> {
        self.iter()
            .flat_map(|(group, of)| of.members.iter().map(move |(id, member)| (MemberKey { group, id: *id }, member)))
    }

    pub(super) fn insert(&mut self, name: &str, cluster: &str) -> GroupId {
        let name: Arc<str> = name.into();
        let group = Group::new(Arc::clone(&name), cluster.into());
        let id = match self.free.pop() {
            Some(id) => {
                self.slots[id.index()] = group;
                id
            }
            None => {
                self.slots.push(group);
                GroupId::at(self.slots.len() - 1)
            }
        };
        self.by_name.insert(name, id);
        id
    }

    /// Removes a group and frees its slot.
    pub(super) fn remove(&mut self, id: GroupId) -> Group {
        let vacant = Group::new(Arc::default(), Arc::default());
        let group = core::mem::replace(&mut self.slots[id.index()], vacant);
        let removed = self.by_name.remove(&group.name);
        debug_assert_eq!(removed, Some(id), "group {} has another slot", group.name);
        self.free.push(id);
        group
    }

    /// Returns all groups as views show them, by slot.
    pub(super) fn encoded(&mut self) -> Vec<Option<Arc<BrokerGroup>>> {
        let mut encoded = Vec::new();
        encoded.resize(self.slots.len(), None);
        for id in self.by_name.values() {
            let slot = id.index();
            let group = &mut self.slots[slot];
            if group.encoded.is_none() {
                group.encoded = Some(Arc::new(BrokerGroup::new(group.data())));
            }
            encoded[slot].clone_from(&group.encoded);
        }
        encoded
    }

    pub(super) fn check(&self, findings: &mut Vec<String>) {
        if self.by_name.len() + self.free.len() != self.slots.len() {
            let (names, free, slots) = (self.by_name.len(), self.free.len(), self.slots.len());
            findings.push(format!("{names} names and {free} free slots of {slots} group slots"));
        }
        for (name, id) in &self.by_name {
            if *self.group(*id).name != **name {
                findings.push(format!("name {name} leads to group {}", self.group(*id).name));
            }
        }
        for id in self.free.iter().filter(|id| !self.group(**id).members.is_empty()) {
            findings.push(format!("the slot of group {} is free", self.group(*id).name));
        }
        self.iter().for_each(|(_, group)| group.check(findings));
    }
}
