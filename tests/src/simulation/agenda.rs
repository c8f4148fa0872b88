//! Virtual time: what is going to happen and when. Where several things happen at once, lots decide.

use fastrand::Rng;
use std::collections::BTreeMap;

/// Milliseconds since the world began.
pub(super) type Time = u64;

/// Everything that is going to happen.
#[derive(Debug)]
pub(super) struct Agenda<T> {
    now: Time,
    added: u64,
    entries: BTreeMap<(Time, u32, u64), T>,
}

impl<T> Agenda<T> {
    pub(super) fn new() -> Self {
        Self { now: 0, added: 0, entries: BTreeMap::new() }
    }

    pub(super) fn now(&self) -> Time {
        self.now
    }

    /// Lets `what` happen so many milliseconds from now.
    pub(super) fn add(&mut self, random: &mut Rng, delay: Time, what: T) {
        self.added += 1;
        self.entries.insert((self.now + delay, random.u32(..), self.added), what);
    }

    /// The next thing that happens, and moves time to it; none before `end`, which time is moved to then.
    pub(super) fn next(&mut self, end: Time) -> Option<T> {
        match self.entries.first_entry().filter(|entry| entry.key().0 <= end) {
            Some(entry) => {
                self.now = entry.key().0;
                Some(entry.remove())
            }
            None => {
                self.now = end;
                None
            }
        }
    }
}
