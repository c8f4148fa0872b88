//! A limit for log lines that peers can cause as often as they like.

use namesrv_core::time::Millis;
use std::sync::{Mutex, PoisonError};

/// Lines in one period.
const LINES: u32 = 10;
const PERIOD: Millis = Millis::from_secs(1);

/// Lets a few lines a second through and says how many it left out.
#[derive(Debug, Default)]
pub struct LineLimit {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    since: Millis,
    lines: u32,
    left_out: u64,
}

impl LineLimit {
    /// Calls `line` if there is room for it.
    pub fn admit(&self, now: Millis, line: impl FnOnce()) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if now.since(state.since) >= PERIOD {
            if state.left_out > 0 {
                tracing::info!(lines = state.left_out, "similar lines were left out");
            }
            *state = State { since: now, lines: 0, left_out: 0 };
        }
        if state.lines < LINES {
            state.lines += 1;
            line();
        } else {
            state.left_out += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_cut_and_the_next_second_starts_anew() {
        let limit = LineLimit::default();
        let mut written = 0;
        (0..1000).for_each(|_| limit.admit(Millis(1500), || written += 1));
        assert_eq!(written, LINES);
        limit.admit(Millis(2500), || written += 1);
        assert_eq!(written, LINES + 1);
    }
}
