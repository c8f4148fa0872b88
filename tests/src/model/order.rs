//! Order configurations of the model, and when they are compared with the brokers of their topics.

use super::tables::Tables;
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
    due: BTreeMap<String, u64>,
    warned: BTreeSet<String>,
}

impl Orders {
    pub(crate) fn next(&self) -> Option<u64> {
        self.due.values().min().copied()
    }

    fn wait(&mut self, topic: &str, since: u64) {
        if self.of_topics.contains_key(topic) && !self.warned.contains(topic) {
            self.due.entry(topic.to_owned()).or_insert(since + DELAY_MILLIS);
        }
    }
}

impl Tables {
    /// The topics and the groups that have them.
    pub(crate) fn entries(&self) -> BTreeSet<(String, String)> {
        let of_topic = |(topic, groups): (&String, &BTreeMap<String, _>)| -> Vec<_> {
            groups.keys().map(|group| (topic.clone(), group.clone())).collect()
        };
        self.topics.iter().flat_map(|(topic, queues)| of_topic((topic, queues))).collect()
    }

    /// Topics have groups that they did not have.
    pub(crate) fn watch_new_entries(&mut self, before: &BTreeSet<(String, String)>) {
        for (topic, _) in self.entries().difference(before) {
            self.orders.wait(topic, self.now);
        }
    }

    /// The value of a topic changed.
    pub(crate) fn order_changed(&mut self, topic: &str, since: u64) {
        self.orders.warned.remove(topic);
        self.orders.due.remove(topic);
        if self.topics.contains_key(topic) {
            self.orders.wait(topic, since);
        }
    }

    /// Tells what is due and does not fit.
    pub(crate) fn compare_orders(&mut self) {
        let due: Vec<_> = self.orders.due.iter().filter(|(_, due)| **due <= self.now).map(|(topic, _)| topic).collect();
        for topic in due.into_iter().cloned().collect::<Vec<_>>() {
            self.orders.due.remove(&topic);
            let (Some(queues), Some(order)) = (self.topics.get(&topic), self.orders.of_topics.get(&*topic)) else {
                continue;
            };
            let doubt = |(name, named): &(&str, i32)| match queues.get(*name) {
                None => Some(format!("no broker of the topic is named {name:?}")),
                Some(queues) if queues.write < *named => {
                    Some(format!("{name:?} is to have {named} queues and has {}", queues.write))
                }
                Some(_) => None,
            };
            let doubts: Vec<_> = order.iter().filter_map(doubt).collect();
            if !doubts.is_empty() {
                self.tell(format!("event: doubtful order configuration of {topic}: {}", doubts.join(", ")));
                self.orders.warned.insert(topic);
            }
        }
    }
}
