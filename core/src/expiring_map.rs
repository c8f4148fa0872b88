//! The connections of one I/O thread, each with the time when the thread must look at it.

use crate::time::{Duration, Instant};
use alloc::collections::BTreeSet;
use core::hash::BuildHasherDefault;
use core::ops::{Deref, DerefMut};
use hashbrown::HashMap;
use rustc_hash::FxHasher;

/// If [`ExpiringMap::tick`] comes later than this after the one before, the driver was unable to run.
const LATE: Duration = Duration::from_secs(3);

/// A map from the serial number of a connection to a value, with at most one deadline for each.
///
/// Deadlines are lazy: when one moves to a later time, the index keeps the earlier one. When that comes due, the driver
/// looks at the connection and arms the later deadline. So activity on a connection costs only a comparison.
///
/// After a pause of the whole process (a stopped container, a frozen machine) nothing comes due until that much time
/// has passed again: a server that slept must not close all connections, because its clients may have slept with it.
#[derive(Debug)]
pub struct ExpiringMap<T> {
    slots: HashMap<u64, Slot<T>, BuildHasherDefault<FxHasher>>,
    deadlines: BTreeSet<(Instant, u64)>,
    last_tick: Instant,
    not_before: Instant,
}

#[derive(Debug)]
struct Slot<T> {
    value: T,
    /// The deadline under which the index has it.
    armed: Option<Instant>,
}

/// A value found in an [`ExpiringMap`]. Its deadline can be armed without looking it up again.
#[derive(Debug)]
pub struct Entry<'a, T> {
    key: u64,
    slot: &'a mut Slot<T>,
    deadlines: &'a mut BTreeSet<(Instant, u64)>,
}

impl<T> Default for ExpiringMap<T> {
    fn default() -> Self {
        Self {
            slots: HashMap::default(),
            deadlines: BTreeSet::new(),
            last_tick: Instant::START,
            not_before: Instant::START,
        }
    }
}

impl<T> ExpiringMap<T> {
    /// Inserts a value without a deadline, and returns it.
    pub fn insert(&mut self, key: u64, value: T) -> Entry<'_, T> {
        self.remove(key);
        let slot = self.slots.entry(key).or_insert(Slot { value, armed: None });
        Entry { key, slot, deadlines: &mut self.deadlines }
    }

    /// Removes a value and its deadline.
    pub fn remove(&mut self, key: u64) -> Option<T> {
        let Slot { value, armed } = self.slots.remove(&key)?;
        if let Some(armed) = armed {
            self.deadlines.remove(&(armed, key));
        }
        Some(value)
    }

    /// Returns a value, or `None` if the key is unknown.
    #[must_use]
    pub fn get(&self, key: u64) -> Option<&T> {
        self.slots.get(&key).map(|slot| &slot.value)
    }

    /// Returns a value to change it or to arm its deadline, or `None` if the key is unknown.
    pub fn get_mut(&mut self, key: u64) -> Option<Entry<'_, T>> {
        let slot = self.slots.get_mut(&key)?;
        Some(Entry { key, slot, deadlines: &mut self.deadlines })
    }

    /// Returns all keys and values, in no order.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (u64, &mut T)> {
        self.slots.iter_mut().map(|(key, slot)| (*key, &mut slot.value))
    }

    /// Returns all values, in no order.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.slots.values().map(|slot| &slot.value)
    }

    /// Returns the number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Notes the time. Call it at least once a second, before reading what arrived.
    pub fn tick(&mut self, now: Instant) {
        let pause = now.since(self.last_tick);
        if self.last_tick > Instant::START && pause > LATE {
            self.not_before = now + pause;
        }
        self.last_tick = now;
    }

    /// Returns when the next value comes due. Every call that takes `&mut self` can change it.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| (*deadline).max(self.not_before))
    }

    /// Removes a deadline that has come due, and returns its value. Call it until it returns `None`, and arm the next
    /// deadline of each value.
    pub fn pop_due(&mut self, now: Instant) -> Option<(u64, Entry<'_, T>)> {
        if self.poll_timeout()? > now {
            return None;
        }
        let (_, key) = self.deadlines.pop_first()?;
        let slot = self.slots.get_mut(&key);
        debug_assert!(slot.is_some(), "a deadline of nothing: {key}");
        let slot = slot?;
        slot.armed = None;
        Some((key, Entry { key, slot, deadlines: &mut self.deadlines }))
    }
}

impl<'a, T> Entry<'a, T> {
    /// Returns the value for as long as the map is borrowed.
    #[must_use]
    pub fn into_mut(self) -> &'a mut T {
        &mut self.slot.value
    }

    /// Makes sure that the value comes due at `deadline` or earlier. `None` changes nothing.
    #[inline]
    pub fn arm(&mut self, deadline: Option<Instant>) {
        let Some(deadline) = deadline else { return };
        if self.slot.armed.is_some_and(|armed| armed <= deadline) {
            return;
        }
        if let Some(armed) = self.slot.armed.replace(deadline) {
            self.deadlines.remove(&(armed, self.key));
        }
        self.deadlines.insert((deadline, self.key));
    }
}

impl<T> Deref for Entry<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.slot.value
    }
}

impl<T> DerefMut for Entry<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.slot.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn pop_due(map: &mut ExpiringMap<&str>, millis: u64) -> Option<u64> {
        map.pop_due(at(millis)).map(|(key, _)| key)
    }

    #[test]
    fn only_an_earlier_deadline_moves_an_entry() {
        let mut map = ExpiringMap::default();
        map.insert(7, "seven").arm(None);
        assert_eq!(map.poll_timeout(), None);
        for (deadline, expected) in [(500, 500), (600, 500), (400, 400)] {
            map.get_mut(7).unwrap().arm(Some(at(deadline)));
            assert_eq!(map.poll_timeout(), Some(at(expected)));
            assert_eq!(map.deadlines.len(), 1);
        }
        assert_eq!(pop_due(&mut map, 399), None);
        assert_eq!(pop_due(&mut map, 400), Some(7));
        assert_eq!(pop_due(&mut map, 900), None);
        map.get_mut(7).unwrap().arm(Some(at(1000)));
        assert_eq!(pop_due(&mut map, 1000), Some(7), "it can be armed again");
    }

    #[test]
    fn what_is_removed_never_comes_due() {
        let mut map = ExpiringMap::default();
        map.insert(1, "one").arm(Some(at(10)));
        map.insert(2, "two").arm(Some(at(10)));
        assert_eq!(map.remove(1), Some("one"));
        assert_eq!(map.remove(1), None);
        map.insert(2, "another two");
        assert_eq!(pop_due(&mut map, 10), None);
        assert_eq!((map.len(), map.get(2)), (1, Some(&"another two")));
    }

    #[test]
    fn after_a_pause_nothing_comes_due_for_as_long() {
        let mut map = ExpiringMap::default();
        map.insert(1, "one").arm(Some(at(100_000)));
        map.tick(at(1000));
        map.tick(at(2000));
        map.tick(at(200_000));
        assert_eq!(map.poll_timeout(), Some(at(398_000)));
        assert_eq!(pop_due(&mut map, 397_999), None);
        assert_eq!(pop_due(&mut map, 398_000), Some(1));
    }
}
