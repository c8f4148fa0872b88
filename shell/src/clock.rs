//! Reads the monotonic clock and the wall clock.

use namesrv_core::time::{Instant, Now, WallTime};
use std::time::{self, Duration, SystemTime, UNIX_EPOCH};

/// Reads both clocks.
///
/// The monotonic one is CLOCK_MONOTONIC, which stops while the machine is suspended. The server hears no broker in that
/// time, so it must not count.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: time::Instant,
}

impl Clock {
    /// A clock that starts now.
    #[must_use]
    pub fn start() -> Self {
        Self { start: time::Instant::now() }
    }

    /// Returns the current time. Monotonic time counts from the start of this clock.
    #[must_use]
    pub fn now(&self) -> Now {
        // A wall clock before 1970 is shown as 1970.
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Now { monotonic: Instant::START + self.start.elapsed(), wall: WallTime::UNIX_EPOCH + wall }
    }
}
