//! Broker groups and clusters, with the encoded fragments that answers consist of.

use super::group::write_addresses;
use super::{BrokerGroup, GroupId, JoinedFragments, QueueFragment, QueueId, QueueRef};
use crate::wire::json::{self, Dialect};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::{Bound, Range};
use once_cell::race::OnceBox;

/// How many queue values have their entries cached for all groups. Identifiers follow the order of first use, so these
/// are the common values.
const CACHED_ENTRIES: usize = 16;

/// All broker groups, the clusters that they form, and all queue values.
#[derive(Debug)]
pub(crate) struct Topology {
    groups: Vec<Option<Arc<BrokerGroup>>>,
    /// All queue values, by place.
    queues: Arc<[QueueFragment]>,
    /// The position of each group, by slot, in the order of names.
    positions: Vec<u32>,
    /// The groups as routes show them, by dialect.
    joined: [JoinedFragments; 2],
    /// The entries of all groups with the same values, by the place of the values. Built when a route first needs them.
    joined_entries: [OnceBox<JoinedFragments>; CACHED_ENTRIES],
    by_name: BTreeMap<Arc<str>, GroupId>,
    clusters: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
    has_filter_servers: bool,
    cluster_info: OnceBox<Vec<u8>>,
}

impl Topology {
    pub(crate) fn new(groups: Vec<Option<Arc<BrokerGroup>>>, queues: Arc<[QueueFragment]>) -> Self {
        let mut by_name = BTreeMap::new();
        let mut clusters: BTreeMap<Arc<str>, BTreeSet<Arc<str>>> = BTreeMap::new();
        for (slot, group) in groups.iter().enumerate() {
            let Some(group) = group else { continue };
            by_name.insert(Arc::clone(&group.data.name), GroupId::at(slot));
            for cluster in &group.data.clusters {
                clusters.entry(Arc::clone(cluster)).or_default().insert(Arc::clone(&group.data.name));
            }
        }
        let mut positions = vec![0; groups.len()];
        for (position, id) in (0..).zip(by_name.values()) {
            positions[id.index()] = position;
        }
        let named = || by_name.values().filter_map(|id| groups[id.index()].as_deref());
        let joined = Dialect::ALL.map(|dialect| {
            JoinedFragments::new(named(), |output, group| output.extend_from_slice(group.json(dialect, false)))
        });
        let has_filter_servers = named().any(|group| !group.data.filter_servers.is_empty());
        Self {
            groups,
            queues,
            positions,
            joined,
            joined_entries: [const { OnceBox::new() }; CACHED_ENTRIES],
            by_name,
            clusters,
            has_filter_servers,
            cluster_info: OnceBox::new(),
        }
    }

    /// Returns the positions of these entries' groups in the order of names, or `None` if other groups lie between
    /// them. The entries are in that order.
    #[inline]
    pub(crate) fn contiguous_range(&self, entries: &[QueueRef]) -> Option<Range<usize>> {
        let position = |entry: &QueueRef| self.positions.get(entry.group.index());
        let (first, last) = (*position(entries.first()?)? as usize, *position(entries.last()?)? as usize);
        (last.checked_sub(first)? + 1 == entries.len()).then_some(first..last + 1)
    }

    /// Returns the groups at these positions as routes show them.
    #[inline]
    pub(crate) fn joined_groups(&self, positions: &Range<usize>, dialect: Dialect) -> Option<&[u8]> {
        self.joined[dialect.index()].slice(positions)
    }

    /// Returns the entries of the groups at these positions, if all have the same values and these are cached.
    #[inline]
    pub(crate) fn joined_entries(&self, positions: &Range<usize>, entries: &[QueueRef]) -> Option<&[u8]> {
        let queue = entries.first()?.queue;
        let joined = self.joined_entries.get(queue.index())?;
        if entries.iter().any(|entry| entry.queue != queue) {
            return None;
        }
        let fragment = self.queue(queue)?;
        let write =
            || JoinedFragments::new(self.named(), |output, group: &BrokerGroup| group.write_entry(fragment, output));
        joined.get_or_init(|| Box::new(write())).slice(positions)
    }

    /// Returns all groups in the order of their names.
    fn named(&self) -> impl Iterator<Item = &BrokerGroup> {
        self.by_name.values().filter_map(|id| self.group(*id))
    }

    /// Returns the queue values in a place. A place that an entry refers to always has some.
    #[inline]
    pub(crate) fn queue(&self, id: QueueId) -> Option<&QueueFragment> {
        self.queues.get(id.index())
    }

    /// Whether any group has filter servers. Brokers since 5.0 have none.
    #[inline]
    pub(crate) const fn has_filter_servers(&self) -> bool {
        self.has_filter_servers
    }

    /// Returns the group in a slot. A slot that an entry refers to always has one.
    #[inline]
    pub(crate) fn group(&self, id: GroupId) -> Option<&BrokerGroup> {
        self.groups.get(id.index())?.as_deref()
    }

    pub(crate) fn group_named(&self, name: &str) -> Option<&BrokerGroup> {
        self.group(*self.by_name.get(name)?)
    }

    /// Returns the groups whose names come after `name`, in the order of their names.
    pub(crate) fn groups_after(&self, name: &str) -> impl Iterator<Item = (GroupId, &BrokerGroup)> {
        let after = self.by_name.range::<str, _>((Bound::Excluded(name), Bound::Unbounded));
        after.filter_map(|(_, id)| Some((*id, self.group(*id)?)))
    }

    pub(crate) fn cluster_count(&self) -> usize {
        self.clusters.len()
    }

    /// Returns the number of members of all groups.
    pub(crate) fn broker_count(&self) -> usize {
        self.groups.iter().flatten().map(|group| group.data.addresses.len()).sum()
    }

    /// Returns the body of GET_BROKER_CLUSTER_INFO (Java: `RouteInfoManager.getAllClusterInfo`).
    pub(crate) fn cluster_info(&self) -> &[u8] {
        self.cluster_info.get_or_init(|| {
            let mut output = Vec::new();
            self.write_cluster_info(&mut output);
            output.shrink_to_fit();
            Box::new(output)
        })
    }

    fn write_cluster_info(&self, output: &mut Vec<u8>) {
        output.extend_from_slice(br#"{"brokerAddrTable":{"#);
        json::separated(output, self.named(), |output, group| {
            json::string(output, &group.data.name);
            output.push(b':');
            output.extend_from_slice(group.json(Dialect::Plain, false));
        });
        output.extend_from_slice(br#"},"clusterAddrTable":{"#);
        json::separated(output, &self.clusters, |output, (cluster, names)| {
            json::string(output, cluster);
            output.push(b':');
            json::strings(output, names.iter().map(|name| &**name));
        });
        output.extend_from_slice(b"}}");
    }

    /// Writes the body of GET_BROKER_MEMBER_GROUP (Java: `RouteInfoManager.getBrokerMemberGroup`).
    pub(crate) fn write_member_group(&self, cluster: Option<&str>, broker: Option<&str>, output: &mut Vec<u8>) {
        output.extend_from_slice(br#"{"brokerMemberGroup":{"#);
        let group = broker.and_then(|name| self.group_named(name));
        let addresses = group.map_or(&[][..], |group| &group.data.addresses);
        write_addresses(output, addresses, Dialect::Plain, None);
        for (name, value) in [(&br#","brokerName":"#[..], broker), (br#","cluster":"#, cluster)] {
            if let Some(value) = value {
                output.extend_from_slice(name);
                json::string(output, value);
            }
        }
        output.extend_from_slice(b"}}");
    }

    /// Writes every cluster and broker group as a pseudo topic, and the address of the first broker.
    pub(crate) fn write_system_topics(&self, output: &mut Vec<u8>) {
        let clusters = self.clusters.iter();
        let names: BTreeSet<&str> = clusters
            .flat_map(|(cluster, groups)| groups.iter().chain(core::iter::once(cluster)).map(|name| &**name))
            .collect();
        let first_broker = self.clusters.values().flatten().filter_map(|name| self.group_named(name)).next();
        output.push(b'{');
        if let Some((_, address)) = first_broker.and_then(|group| group.data.addresses.first()) {
            output.extend_from_slice(br#""brokerAddr":"#);
            json::string(output, address);
            output.push(b',');
        }
        output.extend_from_slice(br#""topicList":"#);
        json::strings(output, names);
        output.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::BrokerData;
    use crate::wire::QueueValues;

    const COMMON: QueueValues = QueueValues { read_queue_nums: 8, write_queue_nums: 8, perm: 6, topic_sys_flag: 0 };

    /// Groups by slot, in the order of registration.
    fn topology(names: &[Option<&str>], queues: &[QueueValues]) -> Topology {
        let group = |name: &str| {
            Arc::new(BrokerGroup::new(BrokerData {
                name: name.into(),
                cluster: "c".into(),
                zone: None,
                enable_acting_master: false,
                addresses: vec![(0, name.into())],
                clusters: vec!["c".into()],
                filter_servers: Vec::new(),
            }))
        };
        let groups = names.iter().map(|name| name.map(group)).collect();
        Topology::new(groups, queues.iter().map(|values| QueueFragment::new(*values)).collect())
    }

    /// Entries of groups by slot, each with the place of its values.
    fn entries(of: &[(u32, u32)]) -> Vec<QueueRef> {
        of.iter().map(|(group, queue)| QueueRef { group: GroupId(*group), queue: QueueId(*queue) }).collect()
    }

    #[test]
    fn groups_are_contiguous_if_there_is_no_other_between_them() {
        let topology = topology(&[Some("b"), None, Some("a"), Some("c")], &[COMMON]);
        let range = |slots: &[u32]| {
            topology.contiguous_range(&entries(&slots.iter().map(|slot| (*slot, 0)).collect::<Vec<_>>()))
        };
        assert_eq!(range(&[2]), Some(0..1));
        assert_eq!(range(&[2, 0]), Some(0..2));
        assert_eq!(range(&[0, 3]), Some(1..3));
        assert_eq!(range(&[2, 0, 3]), Some(0..3));
        assert_eq!(range(&[2, 3]), None, "b is between them");
        assert_eq!(range(&[]), None);
        for dialect in Dialect::ALL {
            let both = [2, 0].map(|slot| topology.group(GroupId(slot)).unwrap().json(dialect, false)).join(&b',');
            assert_eq!(topology.joined_groups(&(0..2), dialect), Some(&both[..]));
        }
    }

    #[test]
    fn entries_with_the_same_values_are_one_copy() {
        let read_only = COMMON.read_only();
        let topology = topology(&[Some("b"), Some("a")], &[COMMON, read_only]);
        let joined = |of: &[(u32, u32)]| {
            let entries = entries(of);
            topology.joined_entries(&topology.contiguous_range(&entries)?, &entries)
        };
        for (queue, values) in [(0, COMMON), (1, read_only)] {
            let mut expected = Vec::new();
            json::separated(&mut expected, [1, 0], |output, slot| {
                topology.group(GroupId(slot)).unwrap().write_entry(&QueueFragment::new(values), output);
            });
            assert_eq!(joined(&[(1, queue), (0, queue)]), Some(&expected[..]));
        }
        assert_eq!(joined(&[(1, 0), (0, 1)]), None, "one cannot be written");
        assert_eq!(joined(&[(0, 7)]), None, "there are no such values");
        assert_eq!(joined(&[(0, u32::MAX)]), None, "they are not cached");
    }
}
