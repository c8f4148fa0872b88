//! Deadlines of the connections of one I/O thread.

use namesrv_core::time::{Duration, Instant};
use std::collections::BTreeSet;

/// A caller that comes later than so is one that was not able to run.
const LATE: Duration = Duration::from_secs(3);

/// An index of deadlines with at most one entry a connection.
///
/// It is lazy: a deadline that moves away is not moved here. When its entry comes due, the owner looks again and arms
/// the later one. After a pause of the whole process (a stopped container, a frozen machine) nothing comes due until as
/// much time has passed again: a server that slept does not close everybody, even if its peers slept with it.
#[derive(Debug, Default)]
pub struct Deadlines {
    entries: BTreeSet<(Instant, u64)>,
    last: Instant,
    not_before: Instant,
}

impl Deadlines {
    /// Makes sure that `key` comes due at `deadline` or earlier; `armed` is its entry.
    pub fn arm(&mut self, key: u64, armed: &mut Option<Instant>, deadline: Option<Instant>) {
        let Some(deadline) = deadline else { return };
        if armed.is_some_and(|armed| armed <= deadline) {
            return;
        }
        self.disarm(key, armed);
        self.entries.insert((deadline, key));
        *armed = Some(deadline);
    }

    /// Removes the entry of `key`.
    pub fn disarm(&mut self, key: u64, armed: &mut Option<Instant>) {
        if let Some(armed) = armed.take() {
            self.entries.remove(&(armed, key));
        }
    }

    /// Notes the time. To be called at least once a second, before what arrived is read.
    pub fn tick(&mut self, now: Instant) {
        let pause = now.since(self.last);
        if self.last > Instant::START && pause > LATE {
            self.not_before = now + pause;
        }
        self.last = now;
    }

    /// When something comes due.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        self.entries.first().map(|(deadline, _)| (*deadline).max(self.not_before))
    }

    /// Removes and returns a key whose entry came due; its owner clears what it holds as armed.
    pub fn pop_due(&mut self, now: Instant) -> Option<u64> {
        if self.next()? > now {
            return None;
        }
        self.entries.pop_first().map(|(_, key)| key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_earlier_deadline_moves_an_entry() {
        let mut deadlines = Deadlines::default();
        let mut armed = None;
        deadlines.arm(7, &mut armed, None);
        assert_eq!((deadlines.next(), armed), (None, None));
        for (deadline, expected) in [(500, 500), (600, 500), (400, 400)] {
            deadlines.arm(7, &mut armed, Some(Instant::from_millis(deadline)));
            assert_eq!(
                (deadlines.next(), armed),
                (Some(Instant::from_millis(expected)), Some(Instant::from_millis(expected)))
            );
        }
        assert_eq!(deadlines.pop_due(Instant::from_millis(399)), None);
        assert_eq!(deadlines.pop_due(Instant::from_millis(400)), Some(7));
        assert_eq!(deadlines.pop_due(Instant::from_millis(900)), None);
    }

    #[test]
    fn what_is_disarmed_never_comes_due() {
        let mut deadlines = Deadlines::default();
        let (mut first, mut second) = (None, None);
        deadlines.arm(1, &mut first, Some(Instant::from_millis(10)));
        deadlines.arm(2, &mut second, Some(Instant::from_millis(10)));
        deadlines.disarm(1, &mut first);
        assert_eq!(first, None);
        assert_eq!(deadlines.pop_due(Instant::from_millis(10)), Some(2));
        assert_eq!(deadlines.pop_due(Instant::from_millis(10)), None);
    }

    #[test]
    fn after_a_pause_nothing_comes_due_for_as_long() {
        let mut deadlines = Deadlines::default();
        deadlines.arm(1, &mut None, Some(Instant::from_millis(100_000)));
        deadlines.tick(Instant::from_millis(1000));
        deadlines.tick(Instant::from_millis(2000));
        deadlines.tick(Instant::from_millis(200_000));
        assert_eq!(deadlines.next(), Some(Instant::from_millis(398_000)));
        assert_eq!(deadlines.pop_due(Instant::from_millis(397_999)), None);
        assert_eq!(deadlines.pop_due(Instant::from_millis(398_000)), Some(1));
    }
}
