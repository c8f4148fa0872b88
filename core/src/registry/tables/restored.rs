//! What is left of a snapshot in a group, until brokers repeat it or the time for that is over.

use crate::hash::Secret;
use crate::route::TopicKey;
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use hashbrown::HashTable;

/// The part of a group that is from a snapshot. It is empty, but for the time after a restart.
#[derive(Debug, Default)]
pub(super) struct Restored {
    /// Topics whose entry no broker has repeated.
    topics: HashTable<Arc<str>>,
    /// Topics whose entry an operator deleted before a broker repeated it.
    deleted: BTreeSet<Arc<str>>,
    /// Topics that are writable although only slaves registered them: their master may still register.
    held: BTreeSet<Arc<str>>,
    /// An operator decided about the permission of all entries.
    is_overruled: bool,
}

impl Restored {
    /// An entry is from a snapshot.
    pub(super) fn add(&mut self, topic: &Arc<str>, hash: u64, secret: Secret) {
        self.topics.insert_unique(hash, Arc::clone(topic), |known| secret.hash(known.as_bytes()));
    }

    /// A broker repeated an entry. Returns whether it was from a snapshot.
    pub(super) fn confirm(&mut self, topic: TopicKey<'_>) -> bool {
        self.deleted.remove(topic.name);
        self.take(topic)
    }

    fn take(&mut self, topic: TopicKey<'_>) -> bool {
        self.topics.find_entry(topic.hash, |known| **known == *topic.name).map(|entry| entry.remove()).is_ok()
    }

    /// A slave registered an entry, which would not be writable if it were alone.
    pub(super) fn hold(&mut self, topic: Arc<str>) {
        self.held.insert(topic);
    }

    /// Takes out the topics that are writable for as long as a master may register.
    pub(super) fn release_held(&mut self) -> BTreeSet<Arc<str>> {
        core::mem::take(&mut self.held)
    }

    /// An entry is another one, or gone.
    pub(super) fn forget(&mut self, topic: TopicKey<'_>) {
        self.held.remove(topic.name);
        self.take(topic);
    }

    /// An operator deletes an entry. One that a broker repeated comes back with its next registration, as in Java.
    pub(super) fn delete(&mut self, topic: TopicKey<'_>) {
        if let Some(known) = self.topics.find(topic.hash, |known| **known == *topic.name) {
            self.deleted.insert(Arc::clone(known));
        }
    }

    /// An operator decides about the permission of all entries, those that wait for a master among them.
    pub(super) fn overrule(&mut self) {
        self.is_overruled = true;
        self.held.clear();
    }

    /// Whether an operator deleted the entry of a topic.
    pub(super) fn is_deleted(&self, topic: &str) -> bool {
        self.deleted.contains(topic)
    }

    pub(super) const fn is_overruled(&self) -> bool {
        self.is_overruled
    }

    /// Whether no broker has repeated the entry of a topic.
    pub(super) fn has(&self, topic: TopicKey<'_>) -> bool {
        self.topics.find(topic.hash, |known| **known == *topic.name).is_some()
    }

    /// Topics whose entry no broker has repeated, in no order that may show.
    pub(super) fn topics(&self) -> impl Iterator<Item = &Arc<str>> {
        self.topics.iter()
    }

    /// Whether nothing is from a snapshot.
    pub(super) fn is_empty(&self) -> bool {
        self.topics.is_empty() && self.deleted.is_empty() && self.held.is_empty() && !self.is_overruled
    }
}
