//! What a group still has from a snapshot, until brokers repeat it or their time to do so is over.

use crate::hash::Secret;
use crate::route::TopicKey;
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use hashbrown::HashTable;

/// The part of a group that is from a snapshot. It is empty except for the time after a restart.
#[derive(Debug, Default)]
pub(super) struct Restored {
    /// Topics whose entry no broker has repeated.
    topics: HashTable<Arc<str>>,
    /// Topics whose entry an operator deleted before a broker repeated it.
    deleted: BTreeSet<Arc<str>>,
    /// Topics that stay writable although only slaves registered them, because their master may still register.
    held: BTreeSet<Arc<str>>,
    /// Whether an operator decided about the permission of all entries.
    is_overruled: bool,
}

impl Restored {
    /// Notes that an entry is from a snapshot.
    pub(super) fn add(&mut self, topic: &Arc<str>, hash: u64, secret: Secret) {
        self.topics.insert_unique(hash, Arc::clone(topic), |known| secret.hash(known.as_bytes()));
    }

    /// Notes that a broker repeated an entry. Returns whether the entry was from a snapshot.
    pub(super) fn confirm(&mut self, topic: TopicKey<'_>) -> bool {
        self.deleted.remove(topic.name);
        self.take(topic)
    }

    fn take(&mut self, topic: TopicKey<'_>) -> bool {
        self.topics.find_entry(topic.hash, |known| **known == *topic.name).map(|entry| entry.remove()).is_ok()
    }

    /// Notes that a slave registered an entry that would be read-only without its master.
    pub(super) fn hold(&mut self, topic: Arc<str>) {
        self.held.insert(topic);
    }

    /// Removes and returns the topics that stay writable while a master may register.
    pub(super) fn release_held(&mut self) -> BTreeSet<Arc<str>> {
        core::mem::take(&mut self.held)
    }

    /// Notes that an entry was replaced or removed.
    pub(super) fn forget(&mut self, topic: TopicKey<'_>) {
        self.held.remove(topic.name);
        self.take(topic);
    }

    /// Notes that an operator deleted an entry. As in Java, one that a broker repeated comes back with its next
    /// registration.
    pub(super) fn delete(&mut self, topic: TopicKey<'_>) {
        if let Some(known) = self.topics.find(topic.hash, |known| **known == *topic.name) {
            self.deleted.insert(Arc::clone(known));
        }
    }

    /// Notes that an operator decided about the permission of all entries, including those that wait for a master.
    pub(super) fn overrule(&mut self) {
        self.is_overruled = true;
        self.held.clear();
    }

    /// Whether an operator deleted the entry of a topic.
    pub(super) fn is_deleted(&self, topic: &str) -> bool {
        self.deleted.contains(topic)
    }

    /// Whether an operator deleted entries that their brokers have not named since with another data version.
    pub(super) fn has_deleted(&self) -> bool {
        !self.deleted.is_empty()
    }

    pub(super) const fn is_overruled(&self) -> bool {
        self.is_overruled
    }

    /// Whether no broker has repeated the entry of a topic.
    pub(super) fn has(&self, topic: TopicKey<'_>) -> bool {
        self.topics.find(topic.hash, |known| **known == *topic.name).is_some()
    }

    /// Returns the topics whose entry no broker has repeated, in an order that must not show.
    pub(super) fn topics(&self) -> impl Iterator<Item = &Arc<str>> {
        self.topics.iter()
    }

    /// Whether nothing is from a snapshot.
    pub(super) fn is_empty(&self) -> bool {
        self.topics.is_empty() && self.deleted.is_empty() && self.held.is_empty() && !self.is_overruled
    }
}
