//! Decides when a connection is idle, and when one of its frames takes too long.

use super::CloseReason;
use crate::time::{Duration, Instant};

/// The client's last activity, and when it happened.
#[derive(Debug)]
pub(super) struct Activity {
    /// Zero means no limit.
    idle_max: Duration,
    last: Instant,
    /// When the time of the incomplete frame began: when its first byte arrived, or later when the server read on.
    frame_since: Option<Instant>,
    /// Its length at the last call. When it grows, the connection is active.
    frame_bytes: usize,
}

impl Activity {
    pub(super) const fn new(idle_max: Duration, now: Instant) -> Self {
        Self { idle_max, last: now, frame_since: None, frame_bytes: 0 }
    }

    /// Notes activity: a reply, or output that the client took.
    pub(super) const fn note(&mut self, now: Instant) {
        self.last = now;
    }

    /// Notes a complete frame.
    pub(super) const fn note_complete(&mut self, now: Instant) {
        self.last = now;
        self.frame_since = None;
        self.frame_bytes = 0;
    }

    /// Notes that an incomplete frame has `bytes` bytes so far. Only new bytes count as activity.
    pub(super) fn note_incomplete(&mut self, bytes: usize, now: Instant) {
        if bytes == 0 {
            self.frame_since = None;
        } else {
            if bytes > self.frame_bytes {
                self.last = now;
            }
            self.frame_since.get_or_insert(now);
        }
        self.frame_bytes = bytes;
    }

    /// Gives the incomplete frame its whole time again, because its rest may have arrived and could not be read.
    pub(super) fn restart_frame(&mut self, now: Instant) {
        self.frame_since = self.frame_since.map(|_| now);
    }

    /// Forgets the incomplete frame, because nothing more will be read.
    pub(super) const fn end(&mut self) {
        self.frame_since = None;
        self.frame_bytes = 0;
    }

    /// Returns when to close the connection unless something happens earlier. Without `frame_time_max`, the time of a
    /// frame does not count.
    pub(super) fn poll_timeout(&self, frame_time_max: Option<Duration>) -> Option<Instant> {
        [self.idle_deadline(), self.frame_deadline(frame_time_max)].into_iter().flatten().min()
    }

    /// Returns why to close the connection at `now`, if it has to be closed.
    pub(super) fn expired(&self, frame_time_max: Option<Duration>, now: Instant) -> Option<CloseReason> {
        let is_due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        if is_due(self.frame_deadline(frame_time_max)) {
            return Some(CloseReason::SlowFrame);
        }
        is_due(self.idle_deadline()).then_some(CloseReason::Idle)
    }

    fn idle_deadline(&self) -> Option<Instant> {
        (!self.idle_max.is_zero()).then(|| self.last + self.idle_max)
    }

    fn frame_deadline(&self, frame_time_max: Option<Duration>) -> Option<Instant> {
        Some(self.frame_since? + frame_time_max?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE_MAX: Duration = Duration::from_millis(1000);
    const FRAME_TIME_MAX: Option<Duration> = Some(Duration::from_millis(1500));

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn only_new_bytes_of_a_frame_are_activity_and_they_give_it_no_more_time() {
        let mut activity = Activity::new(IDLE_MAX, at(0));
        let mut incomplete = |bytes, millis| {
            activity.note_incomplete(bytes, at(millis));
            activity.poll_timeout(FRAME_TIME_MAX)
        };
        assert_eq!(incomplete(5, 100), Some(at(1100)));
        assert_eq!(incomplete(5, 200), Some(at(1100)), "nothing new");
        assert_eq!(incomplete(6, 300), Some(at(1300)));
        assert_eq!(incomplete(7, 900), Some(at(1600)), "the first byte came at 100");
        assert_eq!(activity.expired(FRAME_TIME_MAX, at(1600)), Some(CloseReason::SlowFrame));
        activity.note_incomplete(0, at(1000));
        assert_eq!(activity.expired(FRAME_TIME_MAX, at(1600)), None);
    }
}
