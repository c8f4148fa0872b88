//! Broker groups and clusters, with the fragments that answers are assembled from.

use super::Row;
use crate::wire::json::{self, Dialect};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;
use once_cell::race::OnceBox;

/// The slot of a broker group. A slot is used again once its group is gone and no topic names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupId(pub(crate) u32);

/// What a topic's entry of one broker group says (Java: `QueueData` without its broker name).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct QueueValues {
    pub(crate) read_queue_nums: i32,
    pub(crate) write_queue_nums: i32,
    pub(crate) perm: i32,
    pub(crate) topic_sys_flag: i32,
}

impl QueueValues {
    pub(crate) const PERM_WRITE: i32 = 2;
    pub(crate) const PERM_READ_WRITE: i32 = 6;
    pub(crate) const FLAG_UNIT: i32 = 1;
    pub(crate) const FLAG_UNIT_SUB: i32 = 2;

    pub(crate) const fn is_writable(self) -> bool {
        self.perm & Self::PERM_WRITE != 0
    }

    pub(crate) const fn with_perm(self, perm: i32) -> Self {
        Self { perm, ..self }
    }

    pub(crate) const fn read_only(self) -> Self {
        self.with_perm(self.perm & !Self::PERM_WRITE)
    }
}

/// Queue values of a group and how they are written; most topics of a group share a few of them.
#[derive(Clone, Debug)]
pub(crate) struct QueueFragment {
    pub(crate) values: QueueValues,
    /// `{"brokerName":…}`, the same in both dialects.
    pub(crate) written: Arc<[u8]>,
}

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
    pub(crate) queues: Vec<QueueFragment>,
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
}

impl BrokerGroup {
    pub(crate) fn new(data: BrokerData) -> Self {
        let written = Dialect::ALL.map(|dialect| data.write(dialect, None));
        let may_act = data.enable_acting_master && !data.addresses.is_empty() && !data.has_master();
        let acting = may_act.then(|| Dialect::ALL.map(|dialect| data.write(dialect, Some(0))));
        Self { data, written, acting }
    }

    /// How the group stands in a route; `acting`: with its smallest slave as master.
    #[inline]
    pub(crate) fn written(&self, dialect: Dialect, acting: bool) -> &[u8] {
        match &self.acting {
            Some(written) if acting => &written[dialect.index()],
            Some(_) | None => &self.written[dialect.index()],
        }
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

/// Writes a queue entry.
pub(crate) fn write_queue(broker_name: &str, values: QueueValues) -> Arc<[u8]> {
    let mut output = Vec::new();
    output.extend_from_slice(br#"{"brokerName":"#);
    json::string(&mut output, broker_name);
    for (name, value) in [
        (&br#","perm":"#[..], values.perm),
        (br#","readQueueNums":"#, values.read_queue_nums),
        (br#","topicSysFlag":"#, values.topic_sys_flag),
        (br#","writeQueueNums":"#, values.write_queue_nums),
    ] {
        output.extend_from_slice(name);
        json::integer(&mut output, value);
    }
    output.push(b'}');
    output.into()
}

/// All broker groups and the clusters that they form.
#[derive(Debug, Default)]
pub(crate) struct Topology {
    groups: Vec<Option<Arc<BrokerGroup>>>,
    row: Row,
    by_name: BTreeMap<Arc<str>, GroupId>,
    clusters: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
    has_filter_servers: bool,
    cluster_info: OnceBox<Vec<u8>>,
}

impl Topology {
    pub(crate) fn new(groups: Vec<Option<Arc<BrokerGroup>>>) -> Self {
        let mut by_name = BTreeMap::new();
        let mut clusters: BTreeMap<Arc<str>, BTreeSet<Arc<str>>> = BTreeMap::new();
        for (slot, group) in groups.iter().enumerate() {
            let Some(group) = group else { continue };
            by_name.insert(Arc::clone(&group.data.name), GroupId(slot as u32));
            for cluster in &group.data.clusters {
                clusters.entry(Arc::clone(cluster)).or_default().insert(Arc::clone(&group.data.name));
            }
        }
        let has_filter_servers = groups.iter().flatten().any(|group| !group.data.filter_servers.is_empty());
        let written = |id: &GroupId| Some((id.0 as usize, groups.get(id.0 as usize)?.as_deref()?));
        let row = Row::new(groups.len(), by_name.values().filter_map(written));
        Self { groups, row, by_name, clusters, has_filter_servers, cluster_info: OnceBox::new() }
    }

    /// All groups, written.
    #[inline]
    pub(crate) const fn row(&self) -> &Row {
        &self.row
    }

    /// Whether any group has some; none has since brokers of 5.0.
    #[inline]
    pub(crate) const fn has_filter_servers(&self) -> bool {
        self.has_filter_servers
    }

    /// Whether these are the very groups that this was made of.
    pub(crate) fn is_of(&self, groups: &[Option<Arc<BrokerGroup>>]) -> bool {
        let same = |(left, right): (&Option<Arc<BrokerGroup>>, &Option<Arc<BrokerGroup>>)| match (left, right) {
            (Some(left), Some(right)) => Arc::ptr_eq(left, right),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        self.groups.len() == groups.len() && self.groups.iter().zip(groups).all(same)
    }

    /// The group in a slot; a slot that a topic names always holds one.
    #[inline]
    pub(crate) fn group(&self, id: GroupId) -> Option<&BrokerGroup> {
        self.groups.get(id.0 as usize)?.as_deref()
    }

    pub(crate) fn group_named(&self, name: &str) -> Option<&BrokerGroup> {
        self.group(*self.by_name.get(name)?)
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
        let groups = self.by_name.values().filter_map(|id| self.group(*id));
        json::separated(output, groups, |output, group| {
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
