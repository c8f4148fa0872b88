//! The listings that operators see, beside the tables of the model.

use super::answers::groups_of_clusters;
use super::server::Server;
use super::tables::Tables;
use crate::step::Queues;
use namesrv_core::route::{ListedEntry, RouteView};
use std::collections::{BTreeMap, BTreeSet};

/// Compares counts, groups, topics and their entries.
pub(super) fn check(model: &Server, view: &RouteView) {
    assert_eq!(view.cluster_count(), groups_of_clusters(model).len());
    let model = &model.tables;
    assert_eq!(view.entry_count(), model.topics.values().map(BTreeMap::len).sum::<usize>());
    check_digests(model, view);
    check_groups(model, view);
    check_topics(model, view);
    check_entries(model, view);
}

/// What clusters are digested, and of how much.
fn check_digests(model: &Tables, view: &RouteView) {
    let digests = view.digests().into_iter();
    let digested: Vec<_> = digests.map(|digest| (digest.cluster, digest.brokers, digest.topic_entries)).collect();
    let clusters: BTreeSet<_> = model.groups.values().map(|group| &group.cluster).collect();
    let of_cluster = |cluster: &&String| {
        let is_of_it = |name: &&String| model.groups[*name].cluster == **cluster;
        let brokers = model.groups.keys().filter(is_of_it).map(|name| model.groups[name].members.len()).sum::<usize>();
        let entries = model.topics.values().flat_map(BTreeMap::keys).filter(is_of_it).count();
        ((*cluster).clone(), brokers, entries)
    };
    assert_eq!(digested, clusters.iter().map(of_cluster).collect::<Vec<_>>());
}

/// Groups, from every place on.
fn check_groups(model: &Tables, view: &RouteView) {
    for after in model.groups.keys().map(String::as_str).chain([""]) {
        let listed = view.groups_after(after).map(|group| {
            let members = group.members.iter().map(|(id, address)| (*id, &**address)).collect();
            (group.name, group.cluster, group.zone, members)
        });
        let expected = model.groups.iter().filter(|(name, _)| name.as_str() > after).map(|(name, group)| {
            let members: Vec<_> = group.members.iter().map(|(id, member)| (*id, &*member.address)).collect();
            (&**name, &*group.cluster, group.zone.as_deref(), members)
        });
        assert_eq!(listed.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "after {after:?}");
    }
}

/// Topics, from every place on and so many at most.
fn check_topics(model: &Tables, view: &RouteView) {
    for after in model.topics.keys().map(String::as_str).chain([""]) {
        let listed = |limit| -> Vec<_> {
            view.topics_after(after, limit).into_iter().map(|topic| (topic.name, topic.groups)).collect()
        };
        let expected = model.topics.iter().filter(|(name, _)| name.as_str() > after);
        let expected: Vec<_> = expected.map(|(name, queues)| (&**name, queues.len())).collect();
        for limit in 0..=expected.len() + 1 {
            assert_eq!(listed(limit), expected[..limit.min(expected.len())], "{limit} after {after:?}");
        }
    }
}

/// What the groups say of each topic, and where they differ.
fn check_entries(model: &Tables, view: &RouteView) {
    for (topic, queues) in &model.topics {
        let expected = queues.iter().map(|(broker, Queues { read, write, perm, flags })| ListedEntry {
            broker,
            read_queues: *read,
            write_queues: *write,
            perm: *perm,
            flags: *flags,
        });
        assert_eq!(view.topic_entries(topic), Some(expected.collect()), "{topic}");
    }
    assert_eq!(view.topic_entries("absent"), None);
    let differs = |queues: &BTreeMap<_, Queues>| queues.values().any(|one| Some(one) != queues.values().next());
    let differing = model.topics.iter().filter(|(_, queues)| differs(queues));
    let differing: BTreeSet<_> = differing.map(|(topic, _)| topic.as_str()).collect();
    assert_eq!(view.differing_topics().collect::<BTreeSet<_>>(), differing);
}
