//! Interned queue values. Each has a count of the entries that use it.

use crate::hash::Secret;
use crate::route::{QueueFragment, QueueId};
use crate::table_size as size;
use crate::wire::QueueValues;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use hashbrown::HashMap;

/// The result of setting an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::registry) enum Set {
    /// The entry had these values.
    Unchanged,
    /// The entry had other values.
    Replaced,
    /// The topic did not have the group.
    Added,
}

/// The distinct queue values of all entries.
#[derive(Debug)]
pub(super) struct QueueTable {
    fragments: Vec<QueueFragment>,
    pub(super) uses: Vec<u32>,
    pub(super) by_values: HashMap<QueueValues, QueueId, Secret>,
    free: Vec<QueueId>,
    /// Estimated bytes of all fragments, free ones included.
    bytes: usize,
    /// The fragments as views share them, kept until there are new ones.
    shared: Option<Arc<[QueueFragment]>>,
}

impl QueueTable {
    pub(super) fn new(secret: Secret) -> Self {
        let by_values = HashMap::with_hasher(secret);
        Self { fragments: Vec::new(), uses: Vec::new(), by_values, free: Vec::new(), bytes: 0, shared: None }
    }

    /// Returns the estimated bytes.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether an entry with these values needs no new place.
    pub(super) fn contains(&self, values: QueueValues) -> bool {
        self.by_values.contains_key(&values)
    }

    pub(super) fn values(&self, id: QueueId) -> QueueValues {
        self.fragments[id.index()].values
    }

    /// Returns the values in all places, including free ones.
    pub(super) fn all_values(&self) -> Vec<QueueValues> {
        self.fragments.iter().map(|fragment| fragment.values).collect()
    }

    /// Returns the place of these values for one more entry. Call [`release`](Self::release) when the entry is gone.
    pub(super) fn acquire(&mut self, values: QueueValues) -> QueueId {
        if let Some(&id) = self.by_values.get(&values) {
            self.uses[id.index()] += 1;
            return id;
        }
        let fragment = QueueFragment::new(values);
        self.bytes += bytes_of(&fragment);
        let id = match self.free.pop() {
            Some(id) => {
                let free = core::mem::replace(&mut self.fragments[id.index()], fragment);
                self.bytes -= bytes_of(&free);
                self.uses[id.index()] = 1;
                id
            }
            None => {
                self.fragments.push(fragment);
                self.uses.push(1);
                QueueId::at(self.fragments.len() - 1)
            }
        };
        self.by_values.insert(values, id);
        self.shared = None;
        id
    }

    pub(super) fn release(&mut self, id: QueueId) {
        let uses = &mut self.uses[id.index()];
        *uses -= 1;
        if *uses == 0 {
            self.by_values.remove(&self.fragments[id.index()].values);
            self.free.push(id);
        }
    }

    /// Whether there are values that [`shared`](Self::shared) has not returned yet.
    pub(super) const fn has_new_values(&self) -> bool {
        self.shared.is_none()
    }

    /// Returns all values by place, for the next view.
    pub(super) fn shared(&mut self) -> Arc<[QueueFragment]> {
        let Self { fragments, shared, .. } = self;
        Arc::clone(shared.get_or_insert_with(|| fragments.as_slice().into()))
    }

    /// Checks the counts against `used`, the places that all entries of all topics refer to.
    pub(super) fn check(&self, used: impl Iterator<Item = QueueId>, findings: &mut Vec<String>) {
        let mut uses = alloc::vec![0; self.uses.len()];
        used.for_each(|id| uses[id.index()] += 1);
        for (place, fragment) in self.fragments.iter().enumerate() {
            let (counted, actual, values) = (self.uses[place], uses[place], fragment.values);
            if counted != actual {
                findings.push(format!("{values:?} count {counted} uses instead of {actual}"));
            }
            let is_indexed = self.by_values.get(&values) == Some(&QueueId::at(place));
            if is_indexed != (counted > 0) {
                findings.push(format!("{values:?} with {counted} uses: found by value is {is_indexed}"));
            }
        }
        let free = self.uses.iter().filter(|uses| **uses == 0).count();
        if free != self.free.len() {
            findings.push(format!("{} places of queue values are free instead of {free}", self.free.len()));
        }
        let bytes: usize = self.fragments.iter().map(bytes_of).sum();
        if bytes != self.bytes {
            findings.push(format!("queue values count {} bytes instead of {bytes}", self.bytes));
        }
    }
}

const fn bytes_of(fragment: &QueueFragment) -> usize {
    size::of_queue_values(fragment.json.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn values(perm: i32) -> QueueValues {
        QueueValues { read_queue_nums: 8, write_queue_nums: 8, perm, topic_sys_flag: 0 }
    }

    #[test]
    fn a_place_is_used_again_once_no_entry_needs_it() {
        let mut table = QueueTable::new(Secret::new([7; 16]));
        let (six, four) = (table.acquire(values(6)), table.acquire(values(4)));
        assert_eq!((table.acquire(values(6)), table.values(six)), (six, values(6)));
        let shared = table.shared();
        table.release(six);
        assert!(table.contains(values(6)), "an entry is left");
        table.release(six);
        assert!(!table.contains(values(6)));
        assert!(Arc::ptr_eq(&shared, &table.shared()), "there is nothing new");
        assert_eq!(table.acquire(values(2)), six);
        assert!(table.has_new_values());
        assert_eq!(table.shared().iter().map(|queue| queue.values).collect::<Vec<_>>(), [values(2), values(4)]);
        assert_eq!(table.bytes(), 2 * bytes_of(&QueueFragment::new(values(2))));
        assert_ne!(six, four);
    }
}
