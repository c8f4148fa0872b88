//! A limit for records about a user: one per hour.

use namesrv_core::time::{Duration, Instant};
use std::collections::BTreeMap;
use std::sync::Arc;

const HOUR: Duration = Duration::from_secs(3600);

/// Admits one record of each user per hour. It only remembers the users of the last hour.
#[derive(Debug, Default)]
pub(super) struct Hourly {
    told: BTreeMap<Arc<str>, Instant>,
}

impl Hourly {
    /// Whether to write a record about this user now.
    pub(super) fn admit(&mut self, user: &Arc<str>, now: Instant) -> bool {
        if self.told.get(user).is_some_and(|told| now < *told + HOUR) {
            return false;
        }
        self.told.retain(|_, told| now < *told + HOUR);
        self.told.insert(Arc::clone(user), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_user_is_told_of_once_an_hour_and_then_forgotten() {
        let [one, other] = ["one", "other"].map(Arc::from);
        let at = Instant::from_millis;
        let mut hourly = Hourly::default();
        assert!(hourly.admit(&one, at(5)) && hourly.admit(&other, at(6)));
        assert!(!hourly.admit(&one, at(3_600_004)));
        assert!(hourly.admit(&one, at(3_600_005)));
        assert!(!hourly.admit(&one, at(7_200_004)));
        assert!(hourly.admit(&one, at(7_200_006)));
        assert_eq!(hourly.told.len(), 1, "the other user is forgotten");
    }
}
