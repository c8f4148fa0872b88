//! Decides when to save snapshots: at a stop, and at most every 30 seconds if their contents changed.

use crate::time::{Duration, Instant};

/// The time between two snapshots.
pub const SNAPSHOT_EVERY: Duration = Duration::from_secs(30);

/// The snapshots of one node.
#[derive(Debug)]
pub(super) struct Snapshots {
    /// `None` if the node saves no snapshots.
    next_at: Option<Instant>,
    /// Something changed since the last snapshot.
    is_stale: bool,
    /// The last save did not fail.
    is_well: bool,
}

impl Snapshots {
    pub(super) fn new(are_wanted: bool, now: Instant) -> Self {
        Self { next_at: are_wanted.then_some(now + SNAPSHOT_EVERY), is_stale: false, is_well: true }
    }

    pub(super) const fn are_wanted(&self) -> bool {
        self.next_at.is_some()
    }

    /// The tables changed.
    pub(super) const fn note_change(&mut self) {
        self.is_stale = true;
    }

    /// Returns when the next snapshot is due; `None` while nothing changes.
    pub(super) fn due_at(&self) -> Option<Instant> {
        self.next_at.filter(|_| self.is_stale)
    }

    /// Notes that a save begins.
    pub(super) fn note_start(&mut self, now: Instant) {
        self.is_stale = false;
        self.next_at = self.next_at.map(|_| now + SNAPSHOT_EVERY);
    }

    /// Notes that the save of the last snapshot begins.
    pub(super) const fn note_last(&mut self) {
        self.next_at = None;
    }

    /// Notes how a save ended. Returns whether to tell the operator: only about the first of several failures in a row.
    pub(super) const fn note_end(&mut self, is_saved: bool) -> bool {
        self.is_stale |= !is_saved;
        let was_well = core::mem::replace(&mut self.is_well, is_saved);
        was_well && !is_saved
    }
}
