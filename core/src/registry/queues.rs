//! The distinct queue values of all entries.

use super::room;
use crate::hash::Secret;
use crate::route::{QueueFragment, QueueId, QueueValues};
use alloc::sync::Arc;
use alloc::vec::Vec;
use hashbrown::HashMap;

/// Queue values, counted by the entries that say them.
#[derive(Debug)]
pub(super) struct QueueTable {
    fragments: Vec<QueueFragment>,
    uses: Vec<u32>,
    by_values: HashMap<QueueValues, QueueId, Secret>,
    free: Vec<QueueId>,
    /// Of all fragments, those that are free included.
    bytes: usize,
    written: Option<Arc<[QueueFragment]>>,
}

impl QueueTable {
    pub(super) fn new(secret: Secret) -> Self {
        let by_values = HashMap::with_hasher(secret);
        Self { fragments: Vec::new(), uses: Vec::new(), by_values, free: Vec::new(), bytes: 0, written: None }
    }

    /// Bytes that it takes, about.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether an entry that says this needs no new place.
    pub(super) fn has(&self, values: QueueValues) -> bool {
        self.by_values.contains_key(&values)
    }

    pub(super) fn values(&self, id: QueueId) -> Option<QueueValues> {
        self.fragments.get(id.0 as usize).map(|fragment| fragment.values)
    }

    /// The place of values for one more entry, to be given back by [`release`](Self::release).
    pub(super) fn acquire(&mut self, values: QueueValues) -> QueueId {
        if let Some(&id) = self.by_values.get(&values) {
            self.uses[id.0 as usize] += 1;
            return id;
        }
        let fragment = QueueFragment::new(values);
        self.bytes += room::queue_values_bytes(&fragment);
        let id = match self.free.pop() {
            Some(id) => {
                let free = core::mem::replace(&mut self.fragments[id.0 as usize], fragment);
                self.bytes -= room::queue_values_bytes(&free);
                self.uses[id.0 as usize] = 1;
                id
            }
            None => {
                self.fragments.push(fragment);
                self.uses.push(1);
                QueueId((self.fragments.len() - 1) as u32)
            }
        };
        self.by_values.insert(values, id);
        self.written = None;
        id
    }

    pub(super) fn release(&mut self, id: QueueId) {
        let uses = &mut self.uses[id.0 as usize];
        *uses -= 1;
        if *uses == 0 {
            self.by_values.remove(&self.fragments[id.0 as usize].values);
            self.free.push(id);
        }
    }

    /// All values by place, as the next view reads them.
    pub(super) fn written(&mut self) -> Arc<[QueueFragment]> {
        let Self { fragments, written, .. } = self;
        Arc::clone(written.get_or_insert_with(|| fragments.as_slice().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn values(perm: i32) -> QueueValues {
        QueueValues { read_queue_nums: 8, write_queue_nums: 8, perm, topic_sys_flag: 0 }
    }

    #[test]
    fn a_place_is_used_again_once_nobody_needs_it() {
        let mut table = QueueTable::new(Secret::new([7; 16]));
        let (six, four) = (table.acquire(values(6)), table.acquire(values(4)));
        assert_eq!((table.acquire(values(6)), table.values(six)), (six, Some(values(6))));
        let written = table.written();
        table.release(six);
        assert!(table.has(values(6)), "an entry is left");
        table.release(six);
        assert!(!table.has(values(6)));
        assert!(Arc::ptr_eq(&written, &table.written()), "nothing is new");
        assert_eq!(table.acquire(values(2)), six);
        assert_eq!(table.written().iter().map(|queue| queue.values).collect::<Vec<_>>(), [values(2), values(4)]);
        assert_eq!(table.bytes(), 2 * room::queue_values_bytes(&QueueFragment::new(values(2))));
        assert_ne!(six, four);
    }
}
