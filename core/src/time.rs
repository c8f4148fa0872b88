//! Points in time, handed in by the driver: plain numbers that can be printed and replayed.
//!
//! Three types for three things: an [`Instant`] decides, a [`Duration`] lies between two instants, and [`WallTime`] is
//! only shown to peers. None of them can stand in for another.

use core::fmt;
use core::ops::Add;
pub use core::time::Duration;

/// A point in monotonic time, in milliseconds since an arbitrary start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The arbitrary start.
    pub const START: Self = Self(0);

    /// The instant `millis` milliseconds after the start.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Returns the milliseconds since the start.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Returns the time from `earlier` to this instant, or zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Counts whole milliseconds, and saturates at the latest possible instant.
impl Add<Duration> for Instant {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(whole_millis(duration)))
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

/// A point in time as people read it, in milliseconds since 1970 (UTC). It may go back, so nothing depends on it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct WallTime(u64);

impl WallTime {
    /// The beginning of 1970 (UTC).
    pub const UNIX_EPOCH: Self = Self(0);

    /// The wall time `millis` milliseconds after the beginning of 1970.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Returns the milliseconds since the beginning of 1970.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }
}

/// Counts whole milliseconds, and saturates at the latest possible wall time.
impl Add<Duration> for WallTime {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(whole_millis(duration)))
    }
}

impl fmt::Debug for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms since 1970", self.0)
    }
}

/// One point in time on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Now {
    /// Never goes back, so it decides all liveness.
    pub monotonic: Instant,
    /// Used only for what peers are shown.
    pub wall: WallTime,
}

fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_saturate_at_both_ends() {
        let late = Instant::from_millis(u64::MAX);
        assert_eq!(late + Duration::from_millis(1), late);
        assert_eq!(Instant::START + Duration::MAX, late);
        assert_eq!(Instant::START.since(late), Duration::ZERO);
        assert_eq!(Instant::from_millis(7).since(Instant::from_millis(3)), Duration::from_millis(4));
        assert_eq!(WallTime::from_millis(1) + Duration::MAX, WallTime::from_millis(u64::MAX));
    }
}
