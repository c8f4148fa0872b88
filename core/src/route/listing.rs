//! Listings for operators: groups and topics in pages, in the order of their names.

use super::{RouteView, TopicRecord};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A broker group.
#[derive(Clone, Copy, Debug)]
pub struct ListedGroup<'a> {
    /// The name of the group.
    pub name: &'a str,
    /// The cluster of the group.
    pub cluster: &'a str,
    /// The zone of the group.
    pub zone: Option<&'a str>,
    /// Identifiers and addresses of the members; 0 is the master.
    pub members: &'a [(i64, Arc<str>)],
}

/// A topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedTopic<'a> {
    /// The name of the topic.
    pub name: &'a str,
    /// Number of broker groups that have it.
    pub groups: usize,
}

/// What a broker group says about a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedEntry<'a> {
    /// The name of the broker group.
    pub broker: &'a str,
    /// Number of queues to read from.
    pub read_queues: i32,
    /// Number of queues to write to.
    pub write_queues: i32,
    /// Permission bits: 2 write, 4 read.
    pub perm: i32,
    /// Flags of the topic: 1 unit, 2 unit subscription.
    pub flags: i32,
}

impl RouteView {
    /// Returns the groups whose names come after `after`.
    pub fn groups_after(&self, after: &str) -> impl Iterator<Item = ListedGroup<'_>> {
        self.topology.groups_after(after).map(|(_, group)| ListedGroup {
            name: &group.data.name,
            cluster: &group.data.cluster,
            zone: group.data.zone.as_deref(),
            members: &group.data.addresses,
        })
    }

    /// Returns the number of clusters.
    #[must_use]
    pub fn cluster_count(&self) -> usize {
        self.topology.cluster_count()
    }

    /// Returns the number of entries of all groups in all topics. Looks at every topic.
    #[must_use]
    pub fn entry_count(&self) -> usize {
        self.topics.records().map(|record| record.queues().len()).sum()
    }

    /// Returns the first `limit` topics whose names come after `after`. Looks at every topic.
    #[must_use]
    pub fn topics_after(&self, after: &str, limit: usize) -> Vec<ListedTopic<'_>> {
        let is_listed = |record: &&TopicRecord| *record.name > *after && !record.queues().is_empty();
        let listed = self.topics.records().filter(is_listed);
        let mut topics: Vec<_> =
            listed.map(|record| ListedTopic { name: &record.name, groups: record.queues().len() }).collect();
        if limit < topics.len() {
            topics.select_nth_unstable_by(limit, |one, other| one.name.cmp(other.name));
            topics.truncate(limit);
        }
        topics.sort_unstable_by(|one, other| one.name.cmp(other.name));
        topics
    }

    /// Returns the names of topics whose entries differ in queues, permissions or flags, in no order.
    pub fn differing_topics(&self) -> impl Iterator<Item = &str> {
        let differs = |record: &&TopicRecord| record.queues().windows(2).any(|pair| pair[0].queue != pair[1].queue);
        self.topics.records().filter(differs).map(|record| &*record.name)
    }

    /// Returns what each group says about a topic, in the order of the groups' names, or `None` if there is no such
    /// topic.
    #[must_use]
    pub fn topic_entries(&self, name: &str) -> Option<Vec<ListedEntry<'_>>> {
        let record = self.topics.named(name.as_bytes()).filter(|record| !record.queues().is_empty())?;
        let entries = record.queues().iter().filter_map(|entry| {
            let values = self.topology.queue(entry.queue)?.values;
            Some(ListedEntry {
                broker: &self.topology.group(entry.group)?.data.name,
                read_queues: values.read_queue_nums,
                write_queues: values.write_queue_nums,
                perm: values.perm,
                flags: values.topic_sys_flag,
            })
        });
        Some(entries.collect())
    }
}
