//! Topics with their entries, in shards that a writer copies before it changes them.

use super::{GroupId, Mapping, QueueId, QueueRef};
use crate::hash::Secret;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// Publishing copies the shards that changed. Many small shards keep small changes cheap; few shards keep big tables
/// cheap.
const SHARDS: usize = 256;

/// Everything about one topic.
#[derive(Clone, Debug)]
pub(crate) struct TopicRecord {
    pub(crate) name: Arc<str>,
    /// In the order of the groups' names.
    queues: Box<[QueueRef]>,
    /// In the order of the brokers' names. Mappings stay when the entries of their topic are deleted.
    mappings: Box<[Mapping]>,
}

type Shard = HashTable<Arc<TopicRecord>>;

/// The name of a topic with its hash, which callers need several times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TopicKey<'a> {
    pub(crate) name: &'a str,
    pub(crate) hash: u64,
}

/// All topics by name. A clone shares everything; a change copies the shard that it affects, once per clone.
#[derive(Clone, Debug)]
pub(crate) struct TopicTable {
    shards: Box<[Arc<Shard>]>,
    topics: usize,
    secret: Secret,
}

impl TopicTable {
    pub(crate) fn new(secret: Secret) -> Self {
        let empty = Arc::new(Shard::new());
        Self { shards: (0..SHARDS).map(|_| Arc::clone(&empty)).collect(), topics: 0, secret }
    }

    pub(crate) const fn len(&self) -> usize {
        self.topics
    }

    #[inline]
    pub(crate) fn key<'a>(&self, name: &'a str) -> TopicKey<'a> {
        TopicKey { name, hash: self.secret.hash(name.as_bytes()) }
    }

    /// Returns the record of the topic with this name. A name that is not UTF-8 is an unknown topic.
    #[inline]
    pub(crate) fn named(&self, name: &[u8]) -> Option<&TopicRecord> {
        self.find(name, self.secret.hash(name))
    }

    #[inline]
    fn find(&self, name: &[u8], hash: u64) -> Option<&TopicRecord> {
        self.shards[shard_of(hash)].find(hash, |record| record.name.as_bytes() == name).map(|record| &**record)
    }

    #[inline]
    pub(crate) fn record(&self, key: TopicKey<'_>) -> Option<&TopicRecord> {
        self.find(key.name.as_bytes(), key.hash)
    }

    /// Applies `change` to the record of a topic, and returns its result. An unknown topic begins with an empty record;
    /// a record that is empty afterwards is removed.
    pub(crate) fn change<T>(&mut self, key: TopicKey<'_>, change: impl FnOnce(&mut TopicRecord) -> T) -> T {
        let TopicKey { name, hash } = key;
        let secret = self.secret;
        let shard = Arc::make_mut(&mut self.shards[shard_of(hash)]);
        match shard.entry(hash, |record| *record.name == *name, |record| secret.hash(record.name.as_bytes())) {
            Entry::Occupied(mut entry) => {
                let record = Arc::make_mut(entry.get_mut());
                let result = change(record);
                if record.is_empty() {
                    entry.remove();
                    self.topics -= 1;
                }
                result
            }
            Entry::Vacant(entry) => {
                let mut record = TopicRecord::new(name);
                let result = change(&mut record);
                if !record.is_empty() {
                    entry.insert(Arc::new(record));
                    self.topics += 1;
                }
                result
            }
        }
    }

    /// Names every broken relation between the records.
    pub(crate) fn check(&self, findings: &mut Vec<String>) {
        let records = self.records().count();
        if records != self.topics {
            findings.push(format!("the topics count {} instead of {records}", self.topics));
        }
        for record in self.records() {
            let name = &record.name;
            if record.is_empty() {
                findings.push(format!("topic {name} has neither entries nor mappings"));
            }
            if !self.named(name.as_bytes()).is_some_and(|found| core::ptr::eq(found, record)) {
                findings.push(format!("topic {name} is not found by its name"));
            }
            let names = record.mappings.iter().map(|mapping| &mapping.broker_name);
            if !names.is_sorted_by(|left, right| left < right) {
                findings.push(format!("the mappings of topic {name} are not in the order of their brokers"));
            }
        }
    }

    /// Returns all records, in an order that must not show.
    pub(crate) fn records(&self) -> impl Iterator<Item = &TopicRecord> {
        self.shards.iter().flat_map(|shard| shard.iter().map(|record| &**record))
    }

    /// Returns the names of the topics that have a queue entry and that `wanted` selects, in order.
    pub(crate) fn names_where(&self, wanted: impl Fn(&TopicRecord) -> bool) -> Vec<&str> {
        let routed = self.records().filter(|record| !record.queues.is_empty() && wanted(record));
        let mut names: Vec<&str> = routed.map(|record| &*record.name).collect();
        names.sort_unstable();
        names
    }
}

impl TopicRecord {
    fn new(name: &str) -> Self {
        Self { name: name.into(), queues: Box::default(), mappings: Box::default() }
    }

    fn is_empty(&self) -> bool {
        self.queues.is_empty() && self.mappings.is_empty()
    }

    /// Returns the entries, in the order of the groups' names.
    #[inline]
    pub(crate) const fn queues(&self) -> &[QueueRef] {
        &self.queues
    }

    /// Returns the mappings, in the order of the brokers' names.
    #[inline]
    pub(crate) const fn mappings(&self) -> &[Mapping] {
        &self.mappings
    }

    /// Whether the topic has an entry of a group, or a mapping that the group owns.
    pub(crate) fn is_related_to(&self, group: GroupId) -> bool {
        self.queue_of(group).is_some() || self.has_mapping_of(group)
    }

    /// Sets the entry of a group. A new entry goes behind the groups whose names come before.
    pub(crate) fn set_entry(&mut self, entry: QueueRef, comes_before: impl Fn(GroupId) -> bool) {
        match self.queues.iter_mut().find(|known| known.group == entry.group) {
            Some(known) => *known = entry,
            None => {
                let at = self.queues.partition_point(|known| comes_before(known.group));
                self.queues = with(&self.queues, at, entry);
            }
        }
    }

    /// Removes the entry of a group and returns its values.
    pub(crate) fn remove_entry(&mut self, group: GroupId) -> Option<QueueId> {
        let queue = self.queue_of(group)?;
        self.queues = without(&self.queues, |entry| entry.group == group);
        Some(queue)
    }

    /// Sets the mapping under a broker's name, and returns the one that it replaces.
    pub(crate) fn set_mapping(&mut self, mapping: Mapping) -> Option<Mapping> {
        match self.mappings.binary_search_by(|known| known.broker_name.cmp(&mapping.broker_name)) {
            Ok(at) => Some(core::mem::replace(&mut self.mappings[at], mapping)),
            Err(at) => {
                self.mappings = with(&self.mappings, at, mapping);
                None
            }
        }
    }

    /// Replaces everything with restored entries and mappings.
    pub(crate) fn restore(&mut self, queues: Vec<QueueRef>, mappings: Vec<Mapping>) {
        self.queues = queues.into();
        self.mappings = mappings.into();
    }

    /// Whether a group owns a mapping.
    pub(crate) fn has_mapping_of(&self, owner: GroupId) -> bool {
        self.mappings.iter().any(|mapping| mapping.owner == owner)
    }

    /// Marks the mappings that a group owns as unconfirmed.
    pub(crate) fn doubt_mappings_of(&mut self, owner: GroupId) {
        let owned = self.mappings.iter_mut().filter(|mapping| mapping.owner == owner);
        owned.for_each(|mapping| mapping.is_unconfirmed = true);
    }

    /// Removes the unconfirmed mappings that a group owns, and returns them.
    pub(crate) fn take_unconfirmed_mappings_of(&mut self, owner: GroupId) -> Vec<Mapping> {
        let is_taken = |mapping: &Mapping| mapping.owner == owner && mapping.is_unconfirmed;
        let taken = self.mappings.iter().filter(|mapping| is_taken(mapping)).cloned().collect();
        self.mappings = without(&self.mappings, is_taken);
        taken
    }

    /// Removes the mappings that a group owns.
    pub(crate) fn remove_mappings_of(&mut self, owner: GroupId) {
        self.mappings = without(&self.mappings, |mapping| mapping.owner == owner);
    }

    /// Returns the entry of a group.
    pub(crate) fn queue_of(&self, group: GroupId) -> Option<QueueId> {
        self.queues.iter().find(|entry| entry.group == group).map(|entry| entry.queue)
    }
}

fn with<T: Clone>(list: &[T], at: usize, item: T) -> Box<[T]> {
    let mut longer = Vec::with_capacity(list.len() + 1);
    longer.extend_from_slice(&list[..at]);
    longer.push(item);
    longer.extend_from_slice(&list[at..]);
    longer.into()
}

fn without<T: Clone>(list: &[T], unwanted: impl Fn(&T) -> bool) -> Box<[T]> {
    list.iter().filter(|item| !unwanted(item)).cloned().collect()
}

/// The bits that choose the shard differ from those with which a shard chooses and tags its buckets.
#[inline]
const fn shard_of(hash: u64) -> usize {
    (hash >> 32) as usize % SHARDS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> TopicTable {
        TopicTable::new(Secret::new([7; 16]))
    }

    fn set_queue(table: &mut TopicTable, name: &str, queue: u32) {
        let key = table.key(name);
        let entry = QueueRef { group: GroupId(0), queue: QueueId(queue) };
        table.change(key, |record| record.set_entry(entry, |_| false));
    }

    #[test]
    fn a_clone_does_not_see_later_changes() {
        let mut table = table();
        set_queue(&mut table, "T", 1);
        let before = table.clone();
        set_queue(&mut table, "T", 2);
        set_queue(&mut table, "U", 1);
        assert_eq!(before.record(before.key("T")).unwrap().queue_of(GroupId(0)), Some(QueueId(1)));
        assert_eq!(table.record(table.key("T")).unwrap().queue_of(GroupId(0)), Some(QueueId(2)));
        assert!(before.record(before.key("U")).is_none());
        assert_eq!((before.len(), table.len()), (1, 2));
    }

    #[test]
    fn a_record_that_ends_empty_is_removed() {
        let mut table = table();
        set_queue(&mut table, "T", 1);
        let (there, never_there) = (table.key("T"), table.key("never there"));
        table.change(there, |record| record.remove_entry(GroupId(0)));
        table.change(never_there, |_| ());
        assert_eq!(table.len(), 0);
        assert!(table.record(there).is_none());
    }
}
