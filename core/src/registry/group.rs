//! Broker groups as the registry knows them: members, and the topics they are in.

use super::room;
use crate::ConnId;
use crate::hash::{Digest, Secret};
use crate::route::{BrokerData, BrokerGroup, FilterServers, GroupId, TopicKey};
use crate::time::Instant;
use crate::wire::register::DataVersion;
use alloc::collections::BTreeMap;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use hashbrown::{HashMap, HashTable};

/// Names one registration: its group and its identifier there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct MemberKey {
    pub(super) group: GroupId,
    pub(super) id: i64,
}

/// One registered broker: its place in the group and its liveness in one (Java keeps them apart, as `BrokerData` and
/// `BrokerLiveInfo`, and they drift).
#[derive(Debug)]
pub(super) struct Member {
    pub(super) address: Arc<str>,
    pub(super) cluster: Arc<str>,
    pub(super) ha_server: Option<Arc<str>>,
    pub(super) conn: ConnId,
    /// Milliseconds of silence allowed, as the broker asked for.
    pub(super) timeout: i64,
    pub(super) deadline: Instant,
    pub(super) data_version: Option<DataVersion>,
    pub(super) filter_servers: Option<FilterServers>,
    /// The counter of the data version jumped, or the broker took its identifier over with one topic: others may have
    /// been missed, so registrations with the same version are applied in full up to the next that is a whole table.
    pub(super) table_owed: bool,
    pub(super) last: Option<LastRegistration>,
}

/// What is kept of a registration to recognise it when it is repeated.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastRegistration {
    pub(super) digest: Digest,
    /// Checksum and length of the part of the body that repeats.
    pub(super) tail_crc: u32,
    pub(super) tail_bytes: u64,
    /// It has one topic, so it is an update and pays no table that is owed.
    pub(super) is_update: bool,
    /// The stamp of the group after it was applied: with another one, applying it again may do something.
    pub(super) stamp: u64,
}

/// A broker group: everything that registered under one broker name.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: Arc<str>,
    pub(super) cluster: Arc<str>,
    pub(super) zone: Option<Arc<str>>,
    pub(super) enable_acting_master: bool,
    pub(super) members: BTreeMap<i64, Member>,
    /// Topics that have an entry of this group, or a mapping that it owns.
    pub(super) topics: HashTable<Arc<str>>,
    /// Changes with everything that could make a repeated registration do something.
    pub(super) stamp: u64,
    /// Bytes of its members, entries and mappings.
    pub(super) bytes: usize,
    written: Option<Arc<BrokerGroup>>,
}

impl Group {
    const fn new(name: Arc<str>, cluster: Arc<str>) -> Self {
        Self {
            name,
            cluster,
            zone: None,
            enable_acting_master: false,
            members: BTreeMap::new(),
            topics: HashTable::new(),
            stamp: 0,
            bytes: 0,
            written: None,
        }
    }

    /// Bytes that it takes, about.
    fn bytes(&self) -> usize {
        room::group_bytes(self) + self.bytes
    }

    /// The identifier of the member with this address.
    pub(super) fn id_at(&self, address: &str) -> Option<i64> {
        self.members.iter().find(|(_, member)| *member.address == *address).map(|(id, _)| *id)
    }

    pub(super) fn min_id(&self) -> Option<i64> {
        self.members.keys().next().copied()
    }

    /// Nobody's earlier registration can be taken for a repetition after this.
    pub(super) const fn touch(&mut self) {
        self.stamp += 1;
    }

    /// Members, zone or role changed: touches, and writes the group again for the next view.
    pub(super) fn change(&mut self) {
        self.touch();
        self.written = None;
    }

    /// The group stays in its cluster as long as a member of it is there. To be called once somebody who was replaced has
    /// a successor, not before.
    pub(super) fn settle_cluster(&mut self) {
        if !self.members.values().any(|member| member.cluster == self.cluster)
            && let Some(first) = self.members.values().next()
        {
            self.cluster = Arc::clone(&first.cluster);
        }
    }

    /// Notes that a topic of this hash has an entry or a mapping of this group.
    pub(super) fn enter(&mut self, topic: &Arc<str>, hash: u64, secret: Secret) {
        use hashbrown::hash_table::Entry;
        match self.topics.entry(hash, |known| known == topic, |known| secret.hash(known.as_bytes())) {
            Entry::Occupied(_) => (),
            Entry::Vacant(entry) => {
                entry.insert(Arc::clone(topic));
                self.bytes += room::entry_bytes(topic);
            }
        }
    }

    /// Whether a topic has an entry or a mapping of this group.
    pub(super) fn has(&self, key: TopicKey<'_>) -> bool {
        self.topics.find(key.hash, |topic| **topic == *key.name).is_some()
    }

    /// Notes that a topic has neither any more.
    pub(super) fn leave(&mut self, key: TopicKey<'_>) {
        if let Ok(entry) = self.topics.find_entry(key.hash, |topic| **topic == *key.name) {
            entry.remove();
            self.bytes -= room::entry_bytes(key.name);
        }
    }

    /// The group as the next view shows it.
    fn written(&mut self) -> Arc<BrokerGroup> {
        let Self { name, cluster, zone, enable_acting_master, members, written, .. } = self;
        let group = written.get_or_insert_with(|| {
            let mut clusters: Vec<Arc<str>> = members.values().map(|member| Arc::clone(&member.cluster)).collect();
            clusters.dedup();
            Arc::new(BrokerGroup::new(BrokerData {
                name: Arc::clone(name),
                cluster: Arc::clone(cluster),
                zone: zone.clone(),
                enable_acting_master: *enable_acting_master,
                addresses: members.iter().map(|(id, member)| (*id, Arc::clone(&member.address))).collect(),
                clusters,
                filter_servers: members.values().filter_map(|member| member.filter_servers.clone()).collect(),
            }))
        });
        Arc::clone(group)
    }
}

/// All groups, by slot and by name.
#[derive(Debug)]
pub(super) struct Groups {
    slots: Vec<Option<Group>>,
    free: Vec<GroupId>,
    by_name: HashMap<Arc<str>, GroupId, Secret>,
}

impl Groups {
    pub(super) fn new(secret: Secret) -> Self {
        Self { slots: Vec::new(), free: Vec::new(), by_name: HashMap::with_hasher(secret) }
    }

    pub(super) fn id(&self, name: &str) -> Option<GroupId> {
        self.by_name.get(name).copied()
    }

    pub(super) fn get(&self, id: GroupId) -> Option<&Group> {
        self.slots.get(id.0 as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, id: GroupId) -> Option<&mut Group> {
        self.slots.get_mut(id.0 as usize)?.as_mut()
    }

    pub(super) fn named(&self, name: &str) -> Option<&Group> {
        self.get(self.id(name)?)
    }

    pub(super) fn member(&self, key: MemberKey) -> Option<&Member> {
        self.get(key.group)?.members.get(&key.id)
    }

    pub(super) fn member_mut(&mut self, key: MemberKey) -> Option<&mut Member> {
        self.get_mut(key.group)?.members.get_mut(&key.id)
    }

    /// Groups with a member in a cluster, in no order that may show.
    pub(super) fn of_cluster(&self, cluster: &str) -> Vec<GroupId> {
        let in_cluster = |group: &Group| group.members.values().any(|member| *member.cluster == *cluster);
        let slots = self.slots.iter().enumerate();
        slots
            .filter(|(_, group)| group.as_ref().is_some_and(in_cluster))
            .map(|(slot, _)| GroupId(slot as u32))
            .collect()
    }

    pub(super) fn insert(&mut self, name: &str, cluster: &str) -> GroupId {
        let name: Arc<str> = name.into();
        let group = Group::new(Arc::clone(&name), cluster.into());
        let id = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            GroupId((self.slots.len() - 1) as u32)
        });
        self.slots[id.0 as usize] = Some(group);
        self.by_name.insert(name, id);
        id
    }

    pub(super) fn remove(&mut self, id: GroupId) -> Option<Group> {
        let group = self.slots.get_mut(id.0 as usize)?.take()?;
        self.by_name.remove(&group.name);
        self.free.push(id);
        Some(group)
    }

    /// Bytes that all of them take, about.
    pub(super) fn bytes(&self) -> usize {
        self.slots.iter().flatten().map(Group::bytes).sum()
    }

    /// All groups as the next view shows them, by slot.
    pub(super) fn written(&mut self) -> Vec<Option<Arc<BrokerGroup>>> {
        self.slots.iter_mut().map(|slot| slot.as_mut().map(Group::written)).collect()
    }
}

/// Filter servers as routes show them.
pub(super) fn write_filter_servers<'a>(address: &Arc<str>, servers: impl Iterator<Item = &'a str>) -> FilterServers {
    let mut written = Vec::new();
    crate::wire::json::string(&mut written, address);
    written.push(b':');
    crate::wire::json::strings(&mut written, servers);
    FilterServers { address: Arc::clone(address), written: written.into() }
}

/// How an identity is named in events.
pub(super) fn identity(group: &Group, id: i64, member: &Member) -> crate::event::BrokerIdentity {
    crate::event::BrokerIdentity {
        cluster: member.cluster.to_string(),
        name: group.name.to_string(),
        id,
        address: member.address.to_string(),
    }
}
