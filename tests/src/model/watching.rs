//! Compares order configurations of the model with the brokers of their topics.

use super::tables::Tables;
use std::collections::{BTreeMap, BTreeSet};

impl Tables {
    /// The topics and the groups that have them.
    pub(crate) fn topic_entries(&self) -> BTreeSet<(String, String)> {
        let of_topic = |(topic, groups): (&String, &BTreeMap<String, _>)| -> Vec<_> {
            groups.keys().map(|group| (topic.clone(), group.clone())).collect()
        };
        self.topics.iter().flat_map(|(topic, queues)| of_topic((topic, queues))).collect()
    }

    /// Topics have groups that they did not have.
    pub(crate) fn watch_new_entries(&mut self, before: &BTreeSet<(String, String)>) {
        for (topic, _) in self.topic_entries().difference(before) {
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
                    Some(format!("{name:?} needs {named} queues and has {}", queues.write))
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
