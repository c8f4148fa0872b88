//! Broker groups and what is true of them: the tables that all NameServers should hold in the end.

use super::agenda::Time;
use crate::registration::{Topic, Version};
use std::collections::{BTreeMap, BTreeSet};

/// The time of day when the world begins, as brokers see it.
pub(super) const EPOCH_MILLIS: i64 = 1_750_000_000_000;

/// Where brokers stand and clients look for them; some disagree about how that is written.
pub(super) const ZONES: [Option<&str>; 4] = [None, Some("z1"), Some("Z1"), Some("z2")];

/// A broker group: its master's table, which the slaves have as well.
#[derive(Debug)]
pub(super) struct BrokerGroup {
    pub(super) name: String,
    /// That of its first broker.
    pub(super) cluster: String,
    pub(super) topics: BTreeMap<String, Topic>,
    pub(super) version: Version,
    /// Topics that were deleted once: where that was missed, they may still be shown.
    pub(super) deleted: BTreeSet<String>,
    /// Counts its masters.
    pub(super) epoch: i64,
    /// Who claims to be its master and is not, and its identifier from when it knows.
    pub(super) pretender: Option<(usize, i64)>,
}

impl BrokerGroup {
    /// A group with the topics that every broker of a cluster has from the start.
    pub(super) fn new(name: &str, cluster: &str) -> Self {
        let mut topics = BTreeMap::new();
        let sync = format!("rmq_sys_SYNC_BROKER_MEMBER_{name}");
        let entries = [(name, 1, 7), (cluster, 16, 7), ("TBW102", 8, 7), ("SELF_TEST_TOPIC", 1, 6), (&sync, 1, 1)];
        for (topic, queues, perm) in entries {
            let topic = Topic { read_queues: queues, write_queues: queues, perm, ..Topic::new(topic) };
            topics.insert(topic.name.clone(), topic);
        }
        let version = Version { state: 0, counter: 1, timestamp: EPOCH_MILLIS };
        let (name, cluster) = (name.to_owned(), cluster.to_owned());
        Self { name, cluster, topics, version, deleted: BTreeSet::new(), epoch: 0, pretender: None }
    }

    /// The table is another one from now on.
    pub(super) fn next_version(&mut self, now: Time) {
        self.version.counter += 1;
        self.version.timestamp = EPOCH_MILLIS + now as i64;
    }

    /// Adds a topic, or changes its queues.
    pub(super) fn set_topic(&mut self, name: &str, queues: i32, perm: i32, now: Time) -> Topic {
        let topic = Topic { read_queues: queues, write_queues: queues, perm, ..Topic::new(name) };
        self.topics.insert(name.to_owned(), topic.clone());
        self.next_version(now);
        topic
    }

    pub(super) fn delete_topic(&mut self, name: &str, now: Time) {
        if self.topics.remove(name).is_some() {
            self.deleted.insert(name.to_owned());
            self.next_version(now);
        }
    }
}
