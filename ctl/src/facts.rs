//! Facts: the answers of a NameServer in pieces that can be compared one by one.

use crate::bodies::{ClusterInfo, Route};
use std::collections::{BTreeMap, BTreeSet};

/// The subject of a fact: the kind of thing, its name, and the part of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// The kind of thing.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The part: a broker name of a topic, `address of 0`, ...; empty for the whole thing.
    pub part: String,
}

/// Kinds of things that facts are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The broker groups of a cluster.
    Cluster,
    /// The brokers of a broker group.
    Broker,
    /// The queues of a topic in broker groups.
    Topic,
    /// A configuration key.
    Config,
}

/// Facts of one server.
pub(crate) type Facts = BTreeMap<Subject, String>;

/// A fact that differs between servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What the fact is about.
    pub subject: Subject,
    /// Its value at each server; `None` for a server without it.
    pub values: Vec<Option<String>>,
}

impl Kind {
    /// Returns the name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Broker => "broker",
            Self::Topic => "topic",
            Self::Config => "config",
        }
    }

    fn of(self, name: &str, part: impl Into<String>) -> Subject {
        Subject { kind: self, name: name.to_owned(), part: part.into() }
    }
}

/// Facts about broker groups: their clusters and addresses.
pub(crate) fn of_brokers(info: &ClusterInfo) -> Facts {
    let mut facts = Facts::new();
    for (name, group) in &info.groups {
        facts.insert(Kind::Broker.of(name, "cluster"), group.cluster.clone());
        for (id, address) in &group.addresses {
            facts.insert(Kind::Broker.of(name, format!("address of {id}")), address.clone());
        }
    }
    facts
}

/// Facts about clusters: their broker groups.
pub(crate) fn of_clusters(info: &ClusterInfo) -> Facts {
    info.clusters.iter().map(|(name, groups)| (Kind::Cluster.of(name, "groups"), groups.join(","))).collect()
}

/// Facts about the keys of a configuration.
pub(crate) fn of_configuration(configuration: &BTreeMap<String, String>) -> Facts {
    configuration.iter().map(|(key, value)| (Kind::Config.of(key, ""), value.clone())).collect()
}

/// Facts about a topic: its queues in each broker group, and its order configuration.
pub(crate) fn of_topic(topic: &str, route: &Route) -> Facts {
    let mut facts = Facts::new();
    for (broker, queues) in &route.queues {
        let permission = crate::report::permission(&queues.perm.into());
        let flags = if queues.flags == 0 { String::new() } else { format!(" flags {}", queues.flags) };
        let text = format!("read {} write {} {permission}{flags}", queues.read, queues.write);
        facts.insert(Kind::Topic.of(topic, broker), text);
    }
    if let Some(order) = &route.order {
        facts.insert(Kind::Topic.of(topic, "order"), order.clone());
    }
    facts
}

/// The subject of a whole topic.
pub(crate) fn topic(topic: &str) -> Subject {
    Kind::Topic.of(topic, "")
}

/// The fact whether a topic exists.
pub(crate) fn of_presence(name: &str, is_there: bool) -> Facts {
    [(topic(name), if is_there { "yes" } else { "no" }.to_owned())].into()
}

/// Returns the facts that differ between these servers, in the order of subjects.
pub(crate) fn differences(servers: &[Facts]) -> Vec<Difference> {
    let subjects: BTreeSet<_> = servers.iter().flat_map(BTreeMap::keys).collect();
    let differences = subjects.into_iter().map(|subject| Difference {
        subject: subject.clone(),
        values: servers.iter().map(|facts| facts.get(subject).cloned()).collect(),
    });
    differences.filter(|difference| difference.values.windows(2).any(|pair| pair.first() != pair.last())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bodies::{Group, Queues};

    fn info(address: &str) -> ClusterInfo {
        let group = Group { cluster: "C".into(), addresses: [(0, address.into())].into() };
        ClusterInfo { groups: [("a".into(), group)].into(), clusters: [("C".into(), vec!["a".into()])].into() }
    }

    #[test]
    fn only_what_differs_is_left() {
        let same = [of_brokers(&info("h:1")), of_brokers(&info("h:1")), of_brokers(&info("h:1"))];
        assert_eq!(differences(&same), []);
        let differing = [of_brokers(&info("h:1")), of_brokers(&info("h:2")), Facts::new()];
        let differences = differences(&differing);
        let shown: Vec<_> =
            differences.iter().map(|one| (&*one.subject.name, &*one.subject.part, &one.values)).collect();
        let (first, second) = (Some("h:1".to_owned()), Some("h:2".to_owned()));
        let cluster = Some("C".to_owned());
        assert_eq!(
            shown,
            [
                ("a", "address of 0", &vec![first, second, None]),
                ("a", "cluster", &vec![cluster.clone(), cluster, None]),
            ]
        );
        assert_eq!(super::differences(&[of_clusters(&info("x")), of_clusters(&info("y"))]), []);
    }

    #[test]
    fn a_topic_is_what_its_brokers_have_of_it() {
        let queues = |perm, flags| Queues { read: 4, write: 8, perm, flags };
        let route = Route {
            queues: [("a".into(), queues(6, 0)), ("b".into(), queues(4, 2))].into(),
            groups: BTreeMap::new(),
            order: Some("a:4".into()),
        };
        let facts = of_topic("T", &route);
        let shown: Vec<_> = facts.iter().map(|(subject, value)| (&*subject.part, &**value)).collect();
        assert_eq!(shown, [("a", "read 4 write 8 RW-"), ("b", "read 4 write 8 R-- flags 2"), ("order", "a:4")]);
    }
}
