//! Static-topic mappings.

use super::Tables;
use crate::route::{Mapping, TopicKey};
use crate::table_size as size;
use alloc::sync::Arc;

impl Tables {
    /// Sets a static-topic mapping, and replaces any other one under the same broker name. Returns whether anything
    /// changed.
    pub(in crate::registry) fn set_mapping(&mut self, topic: TopicKey<'_>, mapping: Mapping) -> bool {
        if self.topics.record(topic).is_some_and(|record| record.mappings().contains(&mapping)) {
            return false;
        }
        let owner = mapping.owner;
        self.bytes += size::of_mapping(&mapping);
        let (previous, topic_name) = self.topics.change(topic, |record| {
            let previous = record.set_mapping(mapping);
            (previous, Arc::clone(&record.name))
        });
        self.add_topic(&topic_name, topic.hash, owner);
        if let Some(previous) = previous {
            self.bytes -= size::of_mapping(&previous);
            self.remove_topic_if_unrelated(topic, previous.owner);
        }
        self.is_changed = true;
        true
    }
}
