//! How long a broker may be silent.

use crate::time::{Duration, Instant, Now};

/// When a broker that was heard from now is gone: after more than its timeout. Java compares last update + timeout <
/// now in wrapping 64-bit numbers (Java: `RouteInfoManager.scanNotActiveBroker`); timeouts that it finds expired at
/// once are expired at once here too.
pub(super) fn deadline(now: Now, timeout: i64) -> Instant {
    let wraps = i64::try_from(now.wall.as_millis()).is_ok_and(|wall| wall.checked_add(timeout).is_none());
    let silence = if wraps { 0 } else { u64::try_from(timeout).unwrap_or(0) };
    now.monotonic + Duration::from_millis(silence) + Duration::from_millis(1)
}
