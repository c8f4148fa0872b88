//! The boot of this machine. It tells the age of a file even if the wall clock was set.

use crate::clock::Clock;
use namesrv_core::snapshot::Written;
use rustix::time::{ClockId, clock_gettime};
use std::fs;
use std::time::Duration;

/// Identifies a boot, since Linux 2.3.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Returns the current time as a file can hold it.
pub(crate) fn written_now(clock: Clock) -> Written {
    let since_boot = clock_gettime(ClockId::Boottime);
    let (seconds, nanoseconds) = (u64::try_from(since_boot.tv_sec), u32::try_from(since_boot.tv_nsec));
    Written {
        wall: clock.now().wall,
        boot: fs::read_to_string(BOOT_ID).unwrap_or_default().trim().to_owned(),
        since_boot: Duration::new(seconds.unwrap_or(0), nanoseconds.unwrap_or(0)),
    }
}
