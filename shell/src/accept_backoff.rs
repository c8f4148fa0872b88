//! Decides when a listener accepts, and when it waits for file descriptors.

use namesrv_core::time::{Duration, Instant};
use nix::errno::Errno;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How long a listener rests before it accepts again, unless a connection closes earlier.
const REST: Duration = Duration::from_secs(1);
/// A problem counts as over when it has not occurred for this long.
const QUIET: Duration = Duration::from_secs(5);

/// Decides for one listener whether to accept.
#[derive(Debug)]
pub struct AcceptBackoff {
    /// Whether clients may wait at the listener.
    has_backlog: bool,
    rests_until: Option<Instant>,
    log: Arc<AcceptLog>,
}

/// The problems that keep listeners from accepting, with one log line at the beginning and one at the end of each.
#[derive(Debug, Default)]
pub struct AcceptLog {
    exhausted: Problem,
    crowded: Problem,
}

impl AcceptBackoff {
    /// A backoff that accepts. Listeners with the same `log` share its log lines.
    #[must_use]
    pub const fn new(log: Arc<AcceptLog>) -> Self {
        Self { has_backlog: true, rests_until: None, log }
    }

    /// Notes that clients may wait at the listener.
    pub const fn note_readable(&mut self) {
        self.has_backlog = true;
    }

    /// Whether clients may wait at the listener. False once an attempt to accept found none.
    #[must_use]
    pub const fn has_backlog(&self) -> bool {
        self.has_backlog
    }

    /// Whether a client may wait and it is time to accept it.
    #[must_use]
    pub fn may_accept(&self, now: Instant) -> bool {
        self.has_backlog && self.is_open(now)
    }

    /// Returns how long to wait before the next attempt to accept, or `None` while no clients wait.
    #[must_use]
    pub fn poll_timeout(&self, now: Instant) -> Option<Duration> {
        self.has_backlog.then(|| self.rests_until.map_or(Duration::ZERO, |until| until.since(now)))
    }

    /// Notes the time, so that the end of a problem is logged promptly.
    pub fn tick(&self, now: Instant) {
        if self.log.exhausted.is_over(now) {
            tracing::info!("accepting connections again");
        }
    }

    /// Whether it is time to accept.
    #[must_use]
    pub fn is_open(&self, now: Instant) -> bool {
        self.rests_until.is_none_or(|until| until <= now)
    }

    /// Notes that a connection was accepted; `welcome` says whether there was a place for it.
    pub fn note_accepted(&mut self, welcome: bool, now: Instant) {
        self.rests_until = None;
        if !welcome && self.log.crowded.begins(now) {
            tracing::warn!("connection limit reached: new connections are closed at once");
        }
        if welcome && self.log.crowded.is_over(now) {
            tracing::info!("new connections are accepted again");
        }
    }

    /// Notes that an attempt to accept failed: no client waits, descriptors or memory are exhausted, or only that one
    /// connection failed.
    pub fn note_error(&mut self, error: &io::Error, now: Instant) {
        if error.kind() == ErrorKind::WouldBlock {
            self.has_backlog = false;
            self.rests_until = None;
            return;
        }
        let exhausted = [Errno::EMFILE, Errno::ENFILE, Errno::ENOBUFS, Errno::ENOMEM];
        if error.raw_os_error().is_some_and(|code| exhausted.contains(&Errno::from_raw(code))) {
            if self.log.exhausted.begins(now) {
                tracing::warn!(%error, "cannot accept connections: they wait");
            }
            self.rests_until = Some(now + REST);
        }
    }

    /// Notes that a connection was closed, so its descriptor is free.
    pub fn note_closed(&mut self) {
        if self.rests_until.is_some() {
            self.rests_until = Some(Instant::START);
        }
    }
}

/// A problem: when it last occurred, in milliseconds; zero means that it is over.
#[derive(Debug, Default)]
struct Problem(AtomicU64);

impl Problem {
    /// Notes that the problem occurred. Returns whether it was over before.
    fn begins(&self, now: Instant) -> bool {
        self.0.swap(now.as_millis().max(1), Ordering::Relaxed) == 0
    }

    /// Notes that the problem did not occur this time. Returns whether that ended it.
    fn is_over(&self, now: Instant) -> bool {
        let seen = self.0.load(Ordering::Relaxed);
        seen != 0
            && now.since(Instant::from_millis(seen)) >= QUIET
            && self.0.compare_exchange(seen, 0, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(errno: Errno) -> io::Error {
        io::Error::from_raw_os_error(errno as i32)
    }

    #[test]
    fn no_descriptor_means_a_rest_until_one_is_free() {
        let mut backoff = AcceptBackoff::new(Arc::default());
        let now = Instant::from_millis(5000);
        assert!(backoff.may_accept(now));
        backoff.note_error(&error(Errno::EMFILE), now);
        assert!(!backoff.may_accept(now));
        let rest = backoff.poll_timeout(now).unwrap();
        assert!(!rest.is_zero() && backoff.may_accept(now + rest));
        backoff.note_closed();
        assert!(backoff.may_accept(now));
        backoff.note_error(&error(Errno::ENFILE), now);
        assert!(!backoff.may_accept(now));
        backoff.note_accepted(true, now);
        assert_eq!(backoff.poll_timeout(now), Some(Duration::ZERO));
    }

    #[test]
    fn an_error_of_one_connection_leaves_the_others() {
        let mut backoff = AcceptBackoff::new(Arc::default());
        backoff.note_error(&error(Errno::ECONNABORTED), Instant::from_millis(1));
        assert!(backoff.may_accept(Instant::from_millis(1)));
    }

    #[test]
    fn nothing_is_accepted_until_the_listener_has_clients() {
        let mut backoff = AcceptBackoff::new(Arc::default());
        let now = Instant::from_millis(1);
        backoff.note_error(&ErrorKind::WouldBlock.into(), now);
        assert_eq!((backoff.may_accept(now), backoff.poll_timeout(now)), (false, None));
        backoff.note_readable();
        assert_eq!((backoff.may_accept(now), backoff.poll_timeout(now)), (true, Some(Duration::ZERO)));
    }

    fn second(number: u64) -> Instant {
        Instant::START + Duration::from_secs(number)
    }

    #[test]
    fn a_problem_that_flickers_is_told_once() {
        let problem = Problem::default();
        assert!(!problem.is_over(Instant::START));
        assert!(problem.begins(Instant::START));
        for number in 1..100 {
            assert!(!problem.is_over(second(number)));
            assert!(!problem.begins(second(number)));
        }
        assert!(!problem.is_over(second(103)));
        assert!(problem.is_over(second(104)));
        assert!(!problem.is_over(second(200)));
        assert!(problem.begins(second(201)));
    }
}
