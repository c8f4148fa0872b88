//! The connections of one I/O thread, and when each of them has to be looked at.

use crate::time::{Duration, Instant};
use alloc::collections::BTreeSet;
use core::hash::BuildHasherDefault;
use core::ops::{Deref, DerefMut};
use hashbrown::HashMap;
use rustc_hash::FxHasher;

/// A driver that calls [`ExpiringMap::tick`] later than this after the last time was not able to run.
const LATE: Duration = Duration::from_secs(3);

/// A map from the serial number of a connection to what belongs to it, with at most one deadline each.
///
/// The deadlines are lazy: one that moves away is not moved here. When it comes due, the driver looks at the connection
/// and arms the later one. So what happens to a connection in between costs a comparison.
///
/// After a pause of the whole process (a stopped container, a frozen machine) nothing comes due until as much time has
/// passed again: a server that slept does not close all connections, even if its clients slept with it.
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
    /// Its deadline in the index.
    armed: Option<Instant>,
}

/// A value of an [`ExpiringMap`] that was looked up, so that its deadline can be armed without another look-up.
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
    /// Inserts a value that has no deadline yet, and returns it.
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

    /// Returns a value, if it is there.
    #[must_use]
    pub fn get(&self, key: u64) -> Option<&T> {
        self.slots.get(&key).map(|slot| &slot.value)
    }

    /// Returns a value to change it or to arm its deadline, if it is there.
    pub fn get_mut(&mut self, key: u64) -> Option<Entry<'_, T>> {
        let slot = self.slots.get_mut(&key)?;
        Some(Entry { key, slot, deadlines: &mut self.deadlines })
    }

    /// All keys and values, in no order.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (u64, &mut T)> {
        self.slots.iter_mut().map(|(key, slot)| (*key, &mut slot.value))
    }

    /// All values, in no order.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.slots.values().map(|slot| &slot.value)
    }

    /// The number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Notes the time. To be called at least once a second, before what arrived is read.
    pub fn tick(&mut self, now: Instant) {
        let pause = now.since(self.last_tick);
        if self.last_tick > Instant::START && pause > LATE {
            self.not_before = now + pause;
        }
        self.last_tick = now;
    }

    /// Returns when the next value comes due. May change with every call that takes `&mut self`.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| (*deadline).max(self.not_before))
    }

    /// Removes a deadline that has come due and returns its value. Call it until it returns `None`, and arm the next
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
    /// The value, for as long as the map is borrowed.
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
