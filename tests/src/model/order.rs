//! Order configurations of the model, and when they are compared with the brokers of their topics.

use std::collections::{BTreeMap, BTreeSet};

/// Time for the other brokers of a topic to register.
const DELAY_MILLIS: u64 = 45_000;

/// Brokers with their queues, as clients read them.
pub(crate) type Order = &'static [(&'static str, i32)];

#[derive(Clone, Debug, Default)]
pub(crate) struct Orders {
    /// The order configuration of each topic that has one which all clients read alike.
    pub(crate) of_topics: BTreeMap<&'static str, Order>,
    /// When a topic is compared.
    pub(super) due: BTreeMap<String, u64>,
    pub(super) warned: BTreeSet<String>,
}

impl Orders {
    pub(crate) fn next(&self) -> Option<u64> {
        self.due.values().min().copied()
    }

    pub(super) fn wait(&mut self, topic: &str, since: u64) {
        if self.of_topics.contains_key(topic) && !self.warned.contains(topic) {
            self.due.entry(topic.to_owned()).or_insert(since + DELAY_MILLIS);
        }
    }
}
