//! Both clocks, read.

use namesrv_core::time::{Millis, Now};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Reads both clocks.
///
/// The monotonic one is CLOCK_MONOTONIC, which stands still while the machine is suspended: in that time nobody could be
/// heard, so it must not count against anybody.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that starts now.
    #[must_use]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// The time now. Monotonic time counts from the start of this clock.
    #[must_use]
    pub fn now(&self) -> Now {
        // A wall clock before 1970 is shown as 1970.
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Now { monotonic: millis(self.start.elapsed()), wall: millis(wall) }
    }
}

fn millis(duration: Duration) -> Millis {
    Millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
