//! Both clocks, read.

use namesrv_core::time::{Instant, Now, WallTime};
use std::time::{self, Duration, SystemTime, UNIX_EPOCH};

/// Reads both clocks.
///
/// The monotonic one is CLOCK_MONOTONIC, which stands still while the machine is suspended: in that time nobody could
/// be heard, so it must not count against anybody.
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

    /// The time now. Monotonic time counts from the start of this clock.
    #[must_use]
    pub fn now(&self) -> Now {
        // A wall clock before 1970 is shown as 1970.
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Now { monotonic: Instant::START + self.start.elapsed(), wall: WallTime::UNIX_EPOCH + wall }
    }
}
