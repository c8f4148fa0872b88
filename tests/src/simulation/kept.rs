//! What a NameServer has from a snapshot and no broker has repeated, but for the brokers themselves.

use super::agenda::Time;
use std::collections::BTreeSet;

/// A group and a topic.
type Entry = (String, String);

/// In plain sets.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    /// When it goes; `None` if nothing is from a snapshot any more.
    pub(super) until: Option<Time>,
    entries: BTreeSet<Entry>,
    /// Entries that an administrator deleted before a broker repeated them.
    deleted: BTreeSet<Entry>,
}

fn entry(group: &str, topic: &str) -> Entry {
    (group.to_owned(), topic.to_owned())
}

impl Kept {
    pub(super) fn new(until: Time, entries: impl Iterator<Item = Entry>) -> Self {
        Self { until: Some(until), entries: entries.collect(), deleted: BTreeSet::new() }
    }

    pub(super) fn has(&self, group: &str, topic: &str) -> bool {
        self.entries.contains(&entry(group, topic))
    }

    pub(super) fn is_deleted(&self, group: &str, topic: &str) -> bool {
        self.deleted.contains(&entry(group, topic))
    }

    /// Somebody says that there is an entry.
    pub(super) fn repeat(&mut self, group: &str, topic: &str) {
        self.entries.remove(&entry(group, topic));
        self.deleted.remove(&entry(group, topic));
    }

    /// A table lacks an entry that was repeated, or an administrator deletes it.
    pub(super) fn delete(&mut self, group: &str, topic: &str) {
        if self.entries.remove(&entry(group, topic)) {
            self.deleted.insert(entry(group, topic));
        }
    }

    /// No broker of the group that repeated these entries is left.
    pub(super) fn doubt(&mut self, entries: impl Iterator<Item = Entry>) {
        self.entries.extend(entries);
    }

    pub(super) fn forget_group(&mut self, group: &str) {
        self.entries.retain(|(of, _)| of != group);
        self.deleted.retain(|(of, _)| of != group);
    }

    /// The time to repeat it is over: returns what nobody did.
    pub(super) fn end(&mut self) -> BTreeSet<Entry> {
        std::mem::take(self).entries
    }
}
