//! A limit for log lines that peers can cause at will.

use namesrv_core::time::Instant;
use std::sync::{Mutex, PoisonError};

/// Lines per second that it admits in the long run.
const LINES_A_SECOND: u64 = 10;

/// Admits a burst of lines, then a few a second, and reports how many it omitted.
#[derive(Debug)]
pub struct LineLimit {
    /// What the lines are about.
    subject: &'static str,
    burst: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Admitted lines, less those that the passing of time has made up for.
    lines: u64,
    /// When `lines` was computed, in whole seconds.
    second: u64,
    left_out: u64,
}

impl LineLimit {
    /// A limit for lines about `subject`.
    #[must_use]
    pub fn new(subject: &'static str, burst: u64) -> Self {
        Self { subject, burst, state: Mutex::default() }
    }

    /// Calls `line` if the limit allows it.
    pub fn admit(&self, now: Instant, line: impl FnOnce()) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let second = now.as_millis() / 1000;
        let passed = second.saturating_sub(state.second);
        state.lines = state.lines.saturating_sub(passed.saturating_mul(LINES_A_SECOND));
        state.second = second;
        if state.lines >= self.burst {
            state.left_out += 1;
            return;
        }
        state.lines += 1;
        let left_out = std::mem::take(&mut state.left_out);
        if left_out > 0 {
            tracing::warn!(lines = left_out, about = self.subject, "lines were left out: there were too many");
        }
        line();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_cut_and_time_makes_room_again() {
        let limit = LineLimit::new("tests", 100);
        let lines_at = |millis, attempts| {
            let mut written = 0;
            (0..attempts).for_each(|_| limit.admit(Instant::from_millis(millis), || written += 1));
            written
        };
        assert_eq!(lines_at(1500, 1000), 100);
        assert_eq!(lines_at(1999, 1000), 0);
        assert_eq!(lines_at(2500, 1000), 10);
        assert_eq!(lines_at(4000, 15), 15);
        assert_eq!(lines_at(4000, 15), 5);
        assert_eq!(lines_at(1_000_000, 1000), 100);
    }
}
