//! How the model writes bodies: by hand, from its tables, in both dialects of the Java server.

use super::order::Order;
use super::server::Server;
use super::tables::Group;
use crate::registration::{Mapping, Version};
use crate::step::Queues;
use crate::step::words::TOPICS;
use std::collections::{BTreeMap, BTreeSet};

/// Whom a route is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RouteFor<'a> {
    /// The compatible dialect: integer keys and very large numbers in quotes.
    pub(crate) quoted: bool,
    /// The only zone whose masters are wanted.
    pub(crate) zone: Option<&'a str>,
}

/// Topics by which brokers watch their own group, which always show it as it is.
const WATCHED: &str = TOPICS[3];
const WRITE: i32 = 2;
/// The largest number below which JavaScript has every integer.
const SAFE: i64 = (1 << 53) - 1;

fn text(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn list(members: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", members.into_iter().collect::<Vec<_>>().join(","))
}

fn object(members: impl IntoIterator<Item = (String, String)>) -> String {
    let members: Vec<_> = members.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
    format!("{{{}}}", members.join(","))
}

fn integer_key(key: i64, quoted: bool) -> String {
    if quoted { format!("\"{key}\"") } else { key.to_string() }
}

fn addresses(group: &Group, acting: bool, quoted: bool) -> String {
    let smallest = group.members.keys().next().copied();
    object(group.members.iter().map(|(id, member)| {
        let id = if acting && Some(*id) == smallest { 0 } else { *id };
        (integer_key(id, quoted), text(&member.address))
    }))
}

fn broker(name: &str, group: &Group, acting: bool, quoted: bool) -> String {
    let zone = group.zone.as_ref().map(|zone| format!(",\"zoneName\":{}", text(zone))).unwrap_or_default();
    format!(
        "{{\"brokerAddrs\":{},\"brokerName\":{},\"cluster\":{},\"enableActingMaster\":{}{zone}}}",
        addresses(group, acting, quoted),
        text(name),
        text(&group.cluster),
        group.acting
    )
}

fn queue(name: &str, Queues { read, write, perm, flags }: Queues) -> String {
    format!(
        "{{\"brokerName\":{},\"perm\":{perm},\"readQueueNums\":{read},\"topicSysFlag\":{flags},\"writeQueueNums\":{write}}}",
        text(name)
    )
}

fn mapping(name: &str, mapping: &Mapping, quoted: bool) -> String {
    let queues: BTreeMap<_, _> = mapping.queues.iter().copied().collect();
    let queues =
        object(queues.into_iter().map(|(global, local)| (integer_key(global.into(), quoted), local.to_string())));
    let epoch =
        if quoted && mapping.epoch > SAFE { format!("\"{}\"", mapping.epoch) } else { mapping.epoch.to_string() };
    format!(
        "{{\"bname\":{},\"currIdMap\":{queues},\"dirty\":false,\"epoch\":{epoch},\"scope\":\"__global__\",\"topic\":{},\"totalQueues\":{}}}",
        text(name),
        text(&mapping.topic),
        mapping.total_queues
    )
}

fn topic_list<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    format!("{{\"topicList\":{}}}", list(names.into_iter().map(|name| text(name))))
}

/// The KV file; entries without a value are left out.
pub(crate) fn kv_file(kv: &BTreeMap<&str, BTreeMap<&str, Option<&str>>>) -> String {
    format!("{{\"configTable\":{}}}", object(kv.iter().map(|(name, keys)| (text(name), kv_table(keys)))))
}

fn kv_table(keys: &BTreeMap<&str, Option<&str>>) -> String {
    object(keys.iter().filter_map(|(key, value)| Some((text(key), text((*value)?)))))
}

/// The answer to 219.
pub(crate) fn kv_list(keys: &BTreeMap<&str, Option<&str>>) -> String {
    format!("{{\"table\":{}}}", kv_table(keys))
}

pub(crate) fn data_version(version: Version) -> String {
    let Version { state, counter, timestamp } = version;
    format!("{{\"counter\":{counter},\"stateVersion\":{state},\"timestamp\":{timestamp}}}")
}

impl Server {
    /// The answer to 105; absent when there is no route.
    pub(crate) fn route(&self, topic: &str, RouteFor { quoted, zone }: RouteFor<'_>) -> Option<String> {
        let quoted = quoted && zone.is_none();
        let queues = self.tables.topics.get(topic)?;
        let shown: Vec<_> = queues
            .iter()
            .map(|(name, queue)| {
                let group = &self.tables.groups[name];
                let can_act = group.acting && !group.members.contains_key(&0) && queue.perm & WRITE == 0;
                let acting = can_act && topic != WATCHED && self.storage.is_on("supportActingMaster");
                (name, group, *queue, acting)
            })
            .filter(|(_, group, _, acting)| {
                let has_master = group.members.contains_key(&0) || *acting;
                let own = group.zone.as_ref().map(|own| own.to_lowercase());
                zone.is_none_or(|zone| !has_master || own == Some(zone.to_lowercase()))
            })
            .collect();
        let brokers = list(shown.iter().map(|(name, group, _, acting)| broker(name, group, *acting, quoted)));
        let members = shown.iter().flat_map(|(_, group, ..)| group.members.values());
        // Of several brokers at one address, the first is shown.
        let mut filters = BTreeMap::new();
        for member in members.filter(|member| !member.filter_servers.is_empty()) {
            let servers = || list(member.filter_servers.iter().map(|server| text(server)));
            filters.entry(&member.address).or_insert_with(servers);
        }
        let filters = object(filters.into_iter().map(|(address, servers)| (text(address), servers)));
        let order = self.tables.orders.of_topics.get(topic).filter(|_| self.storage.is_on("orderMessageEnable"));
        let parts = |order: &Order| order.iter().map(|(name, queues)| format!("{name}:{queues}")).collect::<Vec<_>>();
        let order = order.map(|order| format!(",\"orderTopicConf\":{}", text(&parts(order).join(";"))));
        let order = order.unwrap_or_default();
        let queues = list(shown.iter().map(|(name, _, values, _)| queue(name, *values)));
        let mappings = self.tables.mappings.get(topic).filter(|mappings| !mappings.is_empty()).map(|mappings| {
            let of_groups = mappings.iter().map(|(name, one)| (text(name), mapping(name, one, quoted)));
            format!(",\"topicQueueMappingByBroker\":{}", object(of_groups))
        });
        let mappings = mappings.unwrap_or_default();
        Some(format!(
            "{{\"brokerDatas\":{brokers},\"filterServerTable\":{filters}{order},\"queueDatas\":{queues}{mappings}}}"
        ))
    }

    /// The answer to 106.
    pub(crate) fn clusters(&self) -> String {
        let groups = self.tables.groups.iter().map(|(name, group)| (text(name), broker(name, group, false, false)));
        let of_clusters = self.groups_of_clusters();
        let clusters =
            of_clusters.iter().map(|(cluster, names)| (text(cluster), list(names.iter().map(|name| text(name)))));
        format!("{{\"brokerAddrTable\":{},\"clusterAddrTable\":{}}}", object(groups), object(clusters))
    }

    fn groups_of_clusters(&self) -> BTreeMap<&String, BTreeSet<&String>> {
        let mut clusters: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (name, group) in &self.tables.groups {
            for member in group.members.values() {
                clusters.entry(&member.cluster).or_default().insert(name);
            }
        }
        clusters
    }

    /// The answer to 901.
    pub(crate) fn members(&self, name: &str, cluster: &str) -> String {
        let group = self.tables.groups.get(name).cloned().unwrap_or_default();
        format!(
            "{{\"brokerMemberGroup\":{{\"brokerAddrs\":{},\"brokerName\":{},\"cluster\":{}}}}}",
            addresses(&group, false, false),
            text(name),
            text(cluster)
        )
    }

    /// The answer to 206.
    pub(crate) fn topics(&self) -> String {
        topic_list(self.tables.topics.keys())
    }

    /// The answer to 224.
    pub(crate) fn topics_of_cluster(&self, cluster: &str) -> String {
        let of_clusters = self.groups_of_clusters();
        let names = of_clusters.get(&cluster.to_owned()).cloned().unwrap_or_default();
        let topics = self.tables.topics.iter();
        topic_list(topics.filter(|(_, queues)| queues.keys().any(|name| names.contains(name))).map(|(topic, _)| topic))
    }

    /// The answers to 311, 312 and 313, which look at the first group only.
    pub(crate) fn topics_with(&self, wanted: impl Fn(i32) -> bool) -> String {
        let topics = self.tables.topics.iter();
        topic_list(topics.filter(|(_, queues)| wanted(queues.values().next().unwrap().flags)).map(|(topic, _)| topic))
    }

    /// The answer to 304.
    pub(crate) fn names(&self) -> String {
        let clusters = self.groups_of_clusters();
        let names: BTreeSet<_> = clusters.keys().copied().chain(clusters.values().flatten().copied()).collect();
        let first = clusters.values().flatten().next().map(|name| &self.tables.groups[*name]);
        let address = first.and_then(|group| group.members.values().next()).map(|member| text(&member.address));
        let address = address.map(|address| format!("\"brokerAddr\":{address},")).unwrap_or_default();
        format!("{{{address}\"topicList\":{}}}", list(names.into_iter().map(|name| text(name))))
    }
}
