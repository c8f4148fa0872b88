//! Broker groups and clusters, with the fragments that answers are assembled from.

use super::{QueueFragment, QueueId, QueueRef, Row};
use crate::wire::json::{self, Dialect};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use once_cell::race::OnceBox;

/// The slot of a broker group. A slot is used again once its group is gone and no topic names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupId(pub(crate) u32);

/// Filter servers of one address.
#[derive(Clone, Debug)]
pub(crate) struct FilterServers {
    pub(crate) address: Arc<str>,
    /// `"<address>":[…]`.
    pub(crate) written: Box<[u8]>,
}

/// What a broker group is made of.
#[derive(Debug)]
pub(crate) struct BrokerData {
    pub(crate) name: Arc<str>,
    pub(crate) cluster: Arc<str>,
    pub(crate) zone: Option<Arc<str>>,
    pub(crate) enable_acting_master: bool,
    /// By identifier.
    pub(crate) addresses: Vec<(i64, Arc<str>)>,
    /// The clusters that members registered in.
    pub(crate) clusters: Vec<Arc<str>>,
    pub(crate) filter_servers: Vec<FilterServers>,
}

/// A broker group as answers show it.
#[derive(Debug)]
pub(crate) struct BrokerGroup {
    pub(crate) data: BrokerData,
    /// `{"brokerAddrs":…}` by dialect.
    written: [Box<[u8]>; 2],
    /// The same with the smallest slave shown as master; only where an acting master is allowed and there is no master.
    acting: Option<[Box<[u8]>; 2]>,
    /// `{"brokerName":…`, which begins its entry in a topic.
    entry_start: Box<[u8]>,
}

impl BrokerGroup {
    pub(crate) fn new(data: BrokerData) -> Self {
        let written = Dialect::ALL.map(|dialect| data.write(dialect, None));
        let may_act = data.enable_acting_master && !data.addresses.is_empty() && !data.has_master();
        let acting = may_act.then(|| Dialect::ALL.map(|dialect| data.write(dialect, Some(0))));
        let mut entry_start = br#"{"brokerName":"#.to_vec();
        json::string(&mut entry_start, &data.name);
        Self { data, written, acting, entry_start: entry_start.into() }
    }

    /// How the group stands in a route; `acting`: with its smallest slave as master.
    #[inline]
    pub(crate) fn written(&self, dialect: Dialect, acting: bool) -> &[u8] {
        match &self.acting {
            Some(written) if acting => &written[dialect.index()],
            Some(_) | None => &self.written[dialect.index()],
        }
    }

    /// Writes the entry of the group in a topic.
    #[inline]
    pub(crate) fn write_entry(&self, queue: &QueueFragment, output: &mut Vec<u8>) {
        output.extend_from_slice(&self.entry_start);
        output.extend_from_slice(&queue.written);
    }

    /// Whether the group can be shown with an acting master.
    #[inline]
    pub(crate) const fn can_act(&self) -> bool {
        self.acting.is_some()
    }
}

impl BrokerData {
    pub(crate) fn has_master(&self) -> bool {
        self.addresses.binary_search_by_key(&0, |(id, _)| *id).is_ok()
    }

    fn write(&self, dialect: Dialect, first_id: Option<i64>) -> Box<[u8]> {
        let mut output = Vec::new();
        output.push(b'{');
        write_addresses(&mut output, &self.addresses, dialect, first_id);
        output.extend_from_slice(br#","brokerName":"#);
        json::string(&mut output, &self.name);
        output.extend_from_slice(br#","cluster":"#);
        json::string(&mut output, &self.cluster);
        output.extend_from_slice(br#","enableActingMaster":"#);
        output.extend_from_slice(if self.enable_acting_master { b"true" } else { b"false" });
        if let Some(zone) = &self.zone {
            output.extend_from_slice(br#","zoneName":"#);
            json::string(&mut output, zone);
        }
        output.push(b'}');
        output.into()
    }
}

/// Writes `"brokerAddrs":{…}`; `first_id` stands in for the smallest identifier.
fn write_addresses(output: &mut Vec<u8>, addresses: &[(i64, Arc<str>)], dialect: Dialect, first_id: Option<i64>) {
    output.extend_from_slice(br#""brokerAddrs":{"#);
    let mut substitute = first_id;
    json::separated(output, addresses, |output, (id, address)| {
        json::integer_key(output, substitute.take().unwrap_or(*id), dialect);
        json::string(output, address);
    });
    output.push(b'}');
}

/// Queue values whose entries are written for all groups, once somebody asks for them: those that were used first, which
/// are the common ones.
const ENTRY_ROWS: usize = 16;

/// All broker groups and the clusters that they form, and all queue values.
#[derive(Debug)]
pub(crate) struct Topology {
    groups: Vec<Option<Arc<BrokerGroup>>>,
    /// By place.
    queues: Arc<[QueueFragment]>,
    /// The position of each group in the order of their names, by slot.
    positions: Vec<u32>,
    /// The groups as routes show them, by dialect.
    rows: [Row; 2],
    /// Their entries in a topic that says the same of all of them, by the place of what it says.
    entry_rows: [OnceBox<Row>; ENTRY_ROWS],
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
            by_name.insert(Arc::clone(&group.data.name), GroupId(slot as u32));
            for cluster in &group.data.clusters {
                clusters.entry(Arc::clone(cluster)).or_default().insert(Arc::clone(&group.data.name));
            }
        }
        let mut positions = vec![0; groups.len()];
        for (position, id) in (0..).zip(by_name.values()) {
            positions[id.0 as usize] = position;
        }
        let named = || by_name.values().filter_map(|id| groups[id.0 as usize].as_deref());
        let rows = Dialect::ALL
            .map(|dialect| Row::new(named(), |output, group| output.extend_from_slice(group.written(dialect, false))));
        let has_filter_servers = named().any(|group| !group.data.filter_servers.is_empty());
        Self {
            groups,
            queues,
            positions,
            rows,
            entry_rows: [const { OnceBox::new() }; ENTRY_ROWS],
            by_name,
            clusters,
            has_filter_servers,
            cluster_info: OnceBox::new(),
        }
    }

    /// Where the groups of a topic's entries stand in a [`Row`]; absent when others stand between them. Entries come in the
    /// order of the groups' names.
    #[inline]
    pub(crate) fn neighbours(&self, entries: &[QueueRef]) -> Option<Range<usize>> {
        let position = |entry: &QueueRef| self.positions.get(entry.group.0 as usize);
        let (first, last) = (*position(entries.first()?)? as usize, *position(entries.last()?)? as usize);
        (last.checked_sub(first)? + 1 == entries.len()).then_some(first..last + 1)
    }

    /// Neighbours as routes show them.
    #[inline]
    pub(crate) fn written(&self, neighbours: &Range<usize>, dialect: Dialect) -> Option<&[u8]> {
        self.rows[dialect.index()].slice(neighbours)
    }

    /// The entries of neighbours in a topic, if it says the same of all of them.
    #[inline]
    pub(crate) fn written_entries(&self, neighbours: &Range<usize>, entries: &[QueueRef]) -> Option<&[u8]> {
        let queue = entries.first()?.queue;
        let row = self.entry_rows.get(queue.0 as usize)?;
        if entries.iter().any(|entry| entry.queue != queue) {
            return None;
        }
        let fragment = self.queue(queue)?;
        let write = || Row::new(self.named(), |output, group: &BrokerGroup| group.write_entry(fragment, output));
        row.get_or_init(|| Box::new(write())).slice(neighbours)
    }

    /// All groups in the order of their names.
    fn named(&self) -> impl Iterator<Item = &BrokerGroup> {
        self.by_name.values().filter_map(|id| self.group(*id))
    }

    /// The queue values in a place; a place that an entry names always holds some.
    #[inline]
    pub(crate) fn queue(&self, id: QueueId) -> Option<&QueueFragment> {
        self.queues.get(id.0 as usize)
    }

    /// Whether any group has some; none has since brokers of 5.0.
    #[inline]
    pub(crate) const fn has_filter_servers(&self) -> bool {
        self.has_filter_servers
    }

    /// Whether these are the very groups and queue values that this was made of.
    pub(crate) fn is_of(&self, groups: &[Option<Arc<BrokerGroup>>], queues: &Arc<[QueueFragment]>) -> bool {
        let same = |(left, right): (&Option<Arc<BrokerGroup>>, &Option<Arc<BrokerGroup>>)| match (left, right) {
            (Some(left), Some(right)) => Arc::ptr_eq(left, right),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        let same_groups = self.groups.len() == groups.len() && self.groups.iter().zip(groups).all(same);
        same_groups && Arc::ptr_eq(&self.queues, queues)
    }

    /// The group in a slot; a slot that a topic names always holds one.
    #[inline]
    pub(crate) fn group(&self, id: GroupId) -> Option<&BrokerGroup> {
        self.groups.get(id.0 as usize)?.as_deref()
    }

    pub(crate) fn group_named(&self, name: &str) -> Option<&BrokerGroup> {
        self.group(*self.by_name.get(name)?)
    }

    /// The body of GET_BROKER_CLUSTER_INFO (Java: `RouteInfoManager.getAllClusterInfo`).
    /// The number of members of all groups.
    pub(crate) fn broker_count(&self) -> usize {
        self.groups.iter().flatten().map(|group| group.data.addresses.len()).sum()
    }

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
            output.extend_from_slice(group.written(Dialect::Plain, false));
        });
        output.extend_from_slice(br#"},"clusterAddrTable":{"#);
        json::separated(output, &self.clusters, |output, (cluster, names)| {
            json::string(output, cluster);
            output.push(b':');
            json::strings(output, names.iter().map(|name| &**name));
        });
        output.extend_from_slice(b"}}");
    }

    /// The body of GET_BROKER_MEMBER_GROUP (Java: `RouteInfoManager.getBrokerMemberGroup`).
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

    /// Every cluster and every broker group as a pseudo topic, and the address of the first broker there is.
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
    use crate::route::QueueValues;

    const COMMON: QueueValues = QueueValues { read_queue_nums: 8, write_queue_nums: 8, perm: 6, topic_sys_flag: 0 };

    /// Groups by slot, as they were registered.
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

    /// Entries of groups by slot, with the place of what they say.
    fn entries(of: &[(u32, u32)]) -> Vec<QueueRef> {
        of.iter().map(|(group, queue)| QueueRef { group: GroupId(*group), queue: QueueId(*queue) }).collect()
    }

    #[test]
    fn groups_are_neighbours_when_no_other_stands_between_them() {
        let topology = topology(&[Some("b"), None, Some("a"), Some("c")], &[COMMON]);
        let neighbours =
            |slots: &[u32]| topology.neighbours(&entries(&slots.iter().map(|slot| (*slot, 0)).collect::<Vec<_>>()));
        assert_eq!(neighbours(&[2]), Some(0..1));
        assert_eq!(neighbours(&[2, 0]), Some(0..2));
        assert_eq!(neighbours(&[0, 3]), Some(1..3));
        assert_eq!(neighbours(&[2, 0, 3]), Some(0..3));
        assert_eq!(neighbours(&[2, 3]), None, "b is between them");
        assert_eq!(neighbours(&[]), None);
        for dialect in Dialect::ALL {
            let both = [2, 0].map(|slot| topology.group(GroupId(slot)).unwrap().written(dialect, false)).join(&b',');
            assert_eq!(topology.written(&(0..2), dialect), Some(&both[..]));
        }
    }

    #[test]
    fn entries_that_say_the_same_are_one_text() {
        let read_only = COMMON.read_only();
        let topology = topology(&[Some("b"), Some("a")], &[COMMON, read_only]);
        let written = |of: &[(u32, u32)]| {
            let entries = entries(of);
            topology.written_entries(&topology.neighbours(&entries)?, &entries)
        };
        for (queue, values) in [(0, COMMON), (1, read_only)] {
            let mut expected = Vec::new();
            json::separated(&mut expected, [1, 0], |output, slot| {
                topology.group(GroupId(slot)).unwrap().write_entry(&QueueFragment::new(values), output);
            });
            assert_eq!(written(&[(1, queue), (0, queue)]), Some(&expected[..]));
        }
        assert_eq!(written(&[(1, 0), (0, 1)]), None, "one can be written");
        assert_eq!(written(&[(0, 7)]), None, "there are no such values");
        assert_eq!(written(&[(0, u32::MAX)]), None, "there is no such row");
    }
}
