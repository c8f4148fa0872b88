//! How long a broker may be silent.

use crate::time::{Duration, Instant, Now};

/// Returns when a broker expires that gives a sign of life now: after more than its timeout.
///
/// Java decides it by `last update + timeout < now` in wrapping 64-bit numbers
/// (Java: `RouteInfoManager.scanNotActiveBroker`). A timeout that makes a broker expire at once in Java does so here
/// too.
pub(super) fn deadline(now: Now, timeout: i64) -> Instant {
    let wraps = i64::try_from(now.wall.as_millis()).is_ok_and(|wall| wall.checked_add(timeout).is_none());
    let silence = if wraps { 0 } else { u64::try_from(timeout).unwrap_or(0) };
    now.monotonic + Duration::from_millis(silence) + Duration::from_millis(1)
}
