//! When a listener accepts, and when it has to wait for file descriptors.

use namesrv_core::time::Millis;
use std::io::{self, ErrorKind};

/// How long accepting rests when nothing is closed meanwhile.
const REST: Millis = Millis::from_secs(1);

/// Decides for one listener whether it accepts, and tells the operator when that changes: one line each way.
#[derive(Debug, Default)]
pub struct Accepting {
    rests_until: Option<Millis>,
    refusing: bool,
}

/// What to do after a failed attempt to accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterError {
    /// Only that one connection failed: accept the next.
    Next,
    /// Nobody waits: accept when the listener says so.
    Wait,
    /// There is no descriptor or memory for a connection: accept after [`Accepting::rests_until`].
    Rest,
}

impl Accepting {
    /// Until when nothing is accepted, if so.
    #[must_use]
    pub const fn rests_until(&self) -> Option<Millis> {
        self.rests_until
    }

    /// Whether it is time to accept.
    #[must_use]
    pub fn is_open(&self, now: Millis) -> bool {
        self.rests_until.is_none_or(|until| until <= now)
    }

    /// A connection was accepted; `welcome` is whether there was a place for it.
    pub fn note_accepted(&mut self, welcome: bool) {
        self.wake();
        if self.refusing == welcome {
            self.refusing = !welcome;
            if welcome {
                tracing::info!("connections are taken again");
            } else {
                tracing::warn!("new connections are closed at once: there are as many as allowed");
            }
        }
    }

    /// An attempt to accept failed.
    pub fn note_error(&mut self, error: &io::Error, now: Millis) -> AfterError {
        if error.kind() == ErrorKind::WouldBlock {
            self.wake();
            return AfterError::Wait;
        }
        let exhausted = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM];
        if !error.raw_os_error().is_some_and(|code| exhausted.contains(&code)) {
            return AfterError::Next;
        }
        if self.rests_until.is_none() {
            tracing::warn!(%error, "accepting connections rests until a descriptor is free");
        }
        self.rests_until = Some(now + REST);
        AfterError::Rest
    }

    /// A connection was closed: its descriptor can be used at once.
    pub fn note_closed(&mut self) {
        if self.rests_until.is_some() {
            self.rests_until = Some(Millis(0));
        }
    }

    fn wake(&mut self) {
        if self.rests_until.take().is_some() {
            tracing::info!("connections are accepted again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_descriptor_means_a_rest_until_one_is_free() {
        let mut accepting = Accepting::default();
        let now = Millis(5000);
        assert!(accepting.is_open(now));
        let error = io::Error::from_raw_os_error(libc::EMFILE);
        assert_eq!(accepting.note_error(&error, now), AfterError::Rest);
        assert!(!accepting.is_open(now));
        assert!(accepting.is_open(accepting.rests_until().unwrap()));
        accepting.note_closed();
        assert!(accepting.is_open(now));
        assert_eq!(accepting.note_error(&error, now), AfterError::Rest);
        assert!(!accepting.is_open(now));
        accepting.note_accepted(true);
        assert_eq!(accepting.rests_until(), None);
    }

    #[test]
    fn other_errors_are_about_one_connection() {
        let mut accepting = Accepting::default();
        let aborted = io::Error::from_raw_os_error(libc::ECONNABORTED);
        assert_eq!(accepting.note_error(&aborted, Millis(1)), AfterError::Next);
        assert_eq!(accepting.note_error(&ErrorKind::WouldBlock.into(), Millis(1)), AfterError::Wait);
        assert_eq!(accepting.rests_until(), None);
    }
}
