//! When a snapshot was written, on two clocks.

use crate::time::{Duration, Instant, WallTime};
use alloc::string::String;

/// A point in time that a file can hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The wall clock, which people and programs can set.
    pub wall: WallTime,
    /// Identifies the boot of the machine; empty if unknown.
    pub boot: String,
    /// Time since that boot, including sleep.
    pub since_boot: Duration,
}

/// How far a point in time is from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// It is this long ago.
    Old(Duration),
    /// It is this far in the future: someone set the wall clock.
    Future(Duration),
}

impl Written {
    /// Returns the age. Uses the time since boot if the machine has not booted since then, or else the wall clock.
    #[must_use]
    pub fn age(&self, now: &Self) -> Age {
        if !self.boot.is_empty() && self.boot == now.boot {
            return age(self.since_boot, now.since_boot);
        }
        let since_epoch = |wall: WallTime| Instant::from_millis(wall.as_millis()).since(Instant::START);
        age(since_epoch(self.wall), since_epoch(now.wall))
    }
}

fn age(written: Duration, now: Duration) -> Age {
    match now.checked_sub(written) {
        Some(age) => Age::Old(age),
        None => Age::Future(written.saturating_sub(now)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_counts_only_after_a_boot() {
        let at = |wall, boot: &str, seconds| Written {
            wall: WallTime::from_millis(wall),
            boot: boot.into(),
            since_boot: Duration::from_secs(seconds),
        };
        let old = |millis| Age::Old(Duration::from_millis(millis));
        assert_eq!(at(9_000, "b", 10).age(&at(1_000, "b", 12)), old(2_000));
        assert_eq!(at(1_000, "b", 10).age(&at(9_000, "c", 12)), old(8_000));
        assert_eq!(at(1_000, "", 10).age(&at(9_000, "", 12)), old(8_000));
        assert_eq!(at(9_000, "b", 10).age(&at(1_000, "c", 12)), Age::Future(Duration::from_millis(8_000)));
        assert_eq!(at(0, "b", 10).age(&at(0, "b", 4)), Age::Future(Duration::from_secs(6)));
    }
}
