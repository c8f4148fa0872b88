//! What a snapshot says in the model, until brokers have repeated it or had the time to.

use std::collections::BTreeSet;

/// The time that brokers have to register again.
pub(crate) const WITHIN_MILLIS: u64 = 75_000;

/// How the server knows a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It registered.
    #[default]
    Heard,
    /// From a snapshot alone.
    Kept,
    /// It registered with the data version that the snapshot has.
    Repeated,
}

/// A group and a topic.
pub(super) type Entry = (String, String);

/// What is from a snapshot, but for the members.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    /// When it ends.
    pub(crate) until: Option<u64>,
    /// Entries that no broker has repeated, and mappings.
    pub(super) entries: BTreeSet<Entry>,
    pub(crate) mappings: BTreeSet<Entry>,
    /// Entries that an operator deleted before a broker repeated them.
    deleted: BTreeSet<Entry>,
    /// Entries that are writable for as long as a master may come back.
    pub(super) held: BTreeSet<Entry>,
    /// Groups whose permissions an operator changed.
    overruled: BTreeSet<String>,
}

pub(super) fn entry(group: &str, topic: &str) -> Entry {
    (group.to_owned(), topic.to_owned())
}

impl Kept {
    /// Whether no broker has repeated an entry.
    pub(crate) fn has(&self, group: &str, topic: &str) -> bool {
        self.entries.contains(&entry(group, topic))
    }

    pub(crate) fn is_deleted(&self, group: &str, topic: &str) -> bool {
        self.deleted.contains(&entry(group, topic))
    }

    pub(crate) fn is_overruled(&self, group: &str) -> bool {
        self.overruled.contains(group)
    }

    /// A broker or an operator sets an entry.
    pub(crate) fn repeat(&mut self, group: &str, topic: &str) {
        self.repeat_unchanged(group, topic);
        self.held.remove(&entry(group, topic));
    }

    /// A broker says that there is an entry, which stays as it is.
    pub(crate) fn repeat_unchanged(&mut self, group: &str, topic: &str) {
        self.entries.remove(&entry(group, topic));
        self.deleted.remove(&entry(group, topic));
    }

    pub(crate) fn hold(&mut self, group: &str, topic: &str) {
        self.held.insert(entry(group, topic));
    }

    pub(crate) fn delete(&mut self, group: &str, topic: &str) {
        if self.entries.remove(&entry(group, topic)) {
            self.deleted.insert(entry(group, topic));
        }
        self.held.remove(&entry(group, topic));
    }

    pub(crate) fn overrule(&mut self, group: &str) {
        if self.until.is_some() {
            self.overruled.insert(group.to_owned());
        }
        self.held.retain(|(of, _)| of != group);
    }

    pub(crate) fn forget_group(&mut self, group: &str) {
        for entries in [&mut self.entries, &mut self.mappings, &mut self.deleted, &mut self.held] {
            entries.retain(|(of, _)| of != group);
        }
        self.overruled.remove(group);
    }
}
