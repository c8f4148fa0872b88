//! A limit for records that strangers can cause: one per second for each kind and address, and a few in total.

use namesrv_core::time::{Duration, Instant};
use std::net::IpAddr;

/// The most records in one second.
const A_SECOND: usize = 20;

/// What is recorded at most once a second: a kind of record, and the address that caused it.
pub(super) type Subject = (&'static str, IpAddr);

/// Admits some records, and counts the others.
#[derive(Debug, Default)]
pub(super) struct RefusalLimit {
    /// The current second.
    second: u64,
    /// The records of this second.
    told: Vec<Subject>,
    left_out: u64,
    /// When to report the number of omitted records.
    due: Option<Instant>,
}

impl RefusalLimit {
    /// Returns how many records were left out before this one, or `None` to leave this one out too.
    pub(super) fn admit(&mut self, subject: Subject, now: Instant) -> Option<u64> {
        let second = now.as_millis() / 1000;
        if self.second != second {
            self.second = second;
            self.told.clear();
        }
        if self.told.len() >= A_SECOND || self.told.contains(&subject) {
            self.left_out += 1;
            self.due.get_or_insert(now + Duration::from_secs(2));
            return None;
        }
        self.told.push(subject);
        self.due = None;
        Some(std::mem::take(&mut self.left_out))
    }

    /// Returns when to call [`RefusalLimit::handle_timeout`].
    pub(super) const fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// Returns how many records were left out since the last admitted one, once none has followed for a while.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Option<u64> {
        self.due.take_if(|due| *due <= now).map(|_| std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn of(kind: &'static str, host: u8) -> Subject {
        (kind, [10, 0, 0, host].into())
    }

    #[test]
    fn a_kind_and_an_address_are_told_once_a_second() {
        let mut limit = RefusalLimit::default();
        assert_eq!(limit.admit(of("no-user", 1), at(1000)), Some(0));
        assert_eq!(limit.admit(of("no-user", 1), at(1500)), None);
        assert_eq!(limit.admit(of("no-user", 1), at(1999)), None);
        assert_eq!(limit.admit(of("disabled", 1), at(1999)), Some(2));
        assert_eq!(limit.admit(of("no-user", 2), at(1999)), Some(0));
        assert_eq!(limit.admit(of("no-user", 1), at(2000)), Some(0));
    }

    #[test]
    fn twenty_are_told_in_a_second() {
        let mut limit = RefusalLimit::default();
        let told = (0..=255).filter(|host| limit.admit(of("no-user", *host), at(100)).is_some()).count();
        assert_eq!(told, 20);
        assert_eq!(limit.admit(of("no-user", 1), at(1000)), Some(236));
    }

    #[test]
    fn the_rest_is_told_when_nothing_follows() {
        let mut limit = RefusalLimit::default();
        let told = (0..5).filter_map(|_| limit.admit(of("no-user", 1), at(0)));
        assert_eq!(told.count(), 1);
        assert_eq!(limit.poll_timeout(), Some(at(2000)));
        assert_eq!(limit.handle_timeout(at(1999)), None);
        assert_eq!(limit.handle_timeout(at(2000)), Some(4));
        assert_eq!((limit.poll_timeout(), limit.handle_timeout(at(9000))), (None, None));
    }
}
