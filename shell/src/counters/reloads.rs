//! Reloads of the configuration, with the figures that Prometheus has for its own reloads.

use super::counter::Counter;
use namesrv_core::time::WallTime;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Outcomes of reloads.
#[derive(Debug, Default)]
pub(crate) struct ReloadFigures {
    pub(crate) ok: Counter,
    pub(crate) failed: Counter,
    last_failed: AtomicBool,
    /// Milliseconds since 1970; 0 if there was none.
    last_success: AtomicU64,
}

impl ReloadFigures {
    /// Notes a reload. If it is good, the configuration is in effect.
    pub(crate) fn note(&self, is_good: bool, at: WallTime) {
        if is_good {
            self.last_success.store(at.as_millis(), Ordering::Relaxed);
        }
        self.last_failed.store(!is_good, Ordering::Relaxed);
        let counter = if is_good { &self.ok } else { &self.failed };
        counter.add(1);
    }

    /// Whether the last reload succeeded, or there was none.
    pub(crate) fn is_good(&self) -> bool {
        !self.last_failed.load(Ordering::Relaxed)
    }

    /// Returns when the configuration in effect was read, if that was after the start.
    pub(crate) fn last_success(&self) -> Option<WallTime> {
        let millis = self.last_success.load(Ordering::Relaxed);
        (millis > 0).then(|| WallTime::from_millis(millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_good_reload_is_remembered_after_a_bad_one() {
        let figures = ReloadFigures::default();
        assert!(figures.is_good() && figures.last_success().is_none());
        figures.note(true, WallTime::from_millis(5));
        figures.note(false, WallTime::from_millis(7));
        assert!(!figures.is_good());
        assert_eq!(figures.last_success(), Some(WallTime::from_millis(5)));
        figures.note(true, WallTime::from_millis(9));
        assert!(figures.is_good());
        assert_eq!((figures.ok.get(), figures.failed.get()), (2, 1));
    }
}
