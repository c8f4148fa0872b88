//! The answers of the model to questions, from its tables and settings.

use super::order::Order;
use super::server::Server;
use super::tables::{Group, Tables, WRITE};
use super::written::{addresses, broker, list, mapping, object, queue, text, topic_list};
use crate::step::Queues;
use std::collections::{BTreeMap, BTreeSet};

/// The kind of client that a route is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RouteFor<'a> {
    /// The compatible dialect: integer keys and very large numbers in quotes.
    pub(crate) quoted: bool,
    /// The zone of the masters to show, if only one.
    pub(crate) zone: Option<&'a str>,
}

/// Topics by which brokers watch their own group, which always show it as it is.
const WATCHED: &str = "rmq_sys_SYNC_BROKER_MEMBER_";

/// A group in a route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<'a> {
    pub(crate) name: &'a String,
    pub(crate) group: &'a Group,
    pub(crate) queues: Queues,
    /// Its first slave acts as its master.
    acts: bool,
}

impl Tables {
    /// What the route of a topic shows; `None` if there is no route.
    pub(crate) fn shown(&self, topic: &str, zone: Option<&str>, supports_acting: bool) -> Option<Vec<Shown<'_>>> {
        let shown = self.topics.get(topic)?.iter().map(|(name, queues)| {
            let group = &self.groups[name];
            let can_act = group.acting && !group.members.contains_key(&0) && queues.perm & WRITE == 0;
            let acts = can_act && supports_acting && !topic.starts_with(WATCHED);
            Shown { name, group, queues: *queues, acts }
        });
        let is_for_zone = |shown: &Shown<'_>| {
            let has_master = shown.group.members.contains_key(&0) || shown.acts;
            let own = shown.group.zone.as_ref().map(|own| own.to_lowercase());
            zone.is_none_or(|zone| !has_master || own == Some(zone.to_lowercase()))
        };
        Some(shown.filter(is_for_zone).collect())
    }
}

/// The answer to 105; `None` if there is no route.
pub(super) fn route(model: &Server, topic: &str, RouteFor { quoted, zone }: RouteFor<'_>) -> Option<String> {
    let quoted = quoted && zone.is_none();
    let shown = model.tables.shown(topic, zone, model.storage.is_on("supportActingMaster"))?;
    let brokers = list(shown.iter().map(|shown| broker(shown.name, shown.group, shown.acts, quoted)));
    let members = shown
        .iter()
        .flat_map(|shown| shown.group.members.values().filter(|member| member.cluster == shown.group.cluster));
    // Of several brokers at one address, the first is shown.
    let mut filters = BTreeMap::new();
    for member in members.filter(|member| !member.filter_servers.is_empty()) {
        let servers = || list(member.filter_servers.iter().map(|server| text(server)));
        filters.entry(&member.address).or_insert_with(servers);
    }
    let filters = object(filters.into_iter().map(|(address, servers)| (text(address), servers)));
    let order = model.tables.orders.of_topics.get(topic).filter(|_| model.storage.is_on("orderMessageEnable"));
    let parts = |order: &Order| order.iter().map(|(name, queues)| format!("{name}:{queues}")).collect::<Vec<_>>();
    let order = order.map(|order| format!(",\"orderTopicConf\":{}", text(&parts(order).join(";"))));
    let order = order.unwrap_or_default();
    let queues = list(shown.iter().map(|shown| queue(shown.name, shown.queues)));
    let mappings = model.tables.mappings.get(topic).filter(|mappings| !mappings.is_empty()).map(|mappings| {
        let of_groups = mappings.iter().map(|(name, one)| (text(name), mapping(name, one, quoted)));
        format!(",\"topicQueueMappingByBroker\":{}", object(of_groups))
    });
    let mappings = mappings.unwrap_or_default();
    Some(format!(
        "{{\"brokerDatas\":{brokers},\"filterServerTable\":{filters}{order},\"queueDatas\":{queues}{mappings}}}"
    ))
}

/// The answer to 106.
pub(super) fn clusters(model: &Server) -> String {
    let groups = model.tables.groups.iter().map(|(name, group)| (text(name), broker(name, group, false, false)));
    let of_clusters = groups_of_clusters(model);
    let clusters =
        of_clusters.iter().map(|(cluster, names)| (text(cluster), list(names.iter().map(|name| text(name)))));
    format!("{{\"brokerAddrTable\":{},\"clusterAddrTable\":{}}}", object(groups), object(clusters))
}

/// The groups with a member in each cluster.
pub(super) fn groups_of_clusters(model: &Server) -> BTreeMap<&String, BTreeSet<&String>> {
    let mut clusters: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (name, group) in &model.tables.groups {
        for member in group.members.values() {
            clusters.entry(&member.cluster).or_default().insert(name);
        }
    }
    clusters
}

/// The answer to 901.
pub(super) fn members(model: &Server, name: &str, cluster: &str) -> String {
    let group = model.tables.groups.get(name).cloned().unwrap_or_default();
    format!(
        "{{\"brokerMemberGroup\":{{\"brokerAddrs\":{},\"brokerName\":{},\"cluster\":{}}}}}",
        addresses(&group, false, false),
        text(name),
        text(cluster)
    )
}

/// The answer to 206.
pub(super) fn topics(model: &Server) -> String {
    topic_list(model.tables.topics.keys())
}

/// The answer to 224.
pub(super) fn topics_of_cluster(model: &Server, cluster: &str) -> String {
    let of_clusters = groups_of_clusters(model);
    let names = of_clusters.get(&cluster.to_owned()).cloned().unwrap_or_default();
    let topics = model.tables.topics.iter();
    topic_list(topics.filter(|(_, queues)| queues.keys().any(|name| names.contains(name))).map(|(topic, _)| topic))
}

/// The answers to 311, 312 and 313, which look at the first group only.
pub(super) fn topics_with(model: &Server, wanted: impl Fn(i32) -> bool) -> String {
    let topics = model.tables.topics.iter();
    topic_list(topics.filter(|(_, queues)| wanted(queues.values().next().unwrap().flags)).map(|(topic, _)| topic))
}

/// The answer to 304.
pub(super) fn names(model: &Server) -> String {
    let clusters = groups_of_clusters(model);
    let names: BTreeSet<_> = clusters.keys().copied().chain(clusters.values().flatten().copied()).collect();
    let first = clusters.values().flatten().next().map(|name| &model.tables.groups[*name]);
    let address = first.and_then(|group| group.members.values().next()).map(|member| text(&member.address));
    let address = address.map(|address| format!("\"brokerAddr\":{address},")).unwrap_or_default();
    format!("{{{address}\"topicList\":{}}}", list(names.into_iter().map(|name| text(name))))
}
