//! When order configurations are compared with the brokers of their topics.
//!
//! A cluster starts one broker after the other, so nothing is compared before all of them had the time to register.

use crate::time::{Duration, Instant};
use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;

/// Brokers register every 30 seconds. Java waits as long for all of them (`waitSecondsForService`).
const DELAY: Duration = Duration::from_secs(45);

/// The topics whose order configuration has to be compared, and those that were warned of.
#[derive(Debug, Default)]
pub(super) struct OrderWatch {
    waiting: BTreeMap<String, Instant>,
    /// The same by the time of their comparison.
    due: BTreeSet<(Instant, String)>,
    /// Nothing more is said of these until their values change.
    warned: BTreeSet<String>,
}

impl OrderWatch {
    /// When the next comparison is due.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    /// The topic is compared after some time, unless it was warned of or waits already.
    pub(super) fn wait(&mut self, topic: &str, since: Instant) {
        if !self.warned.contains(topic) && !self.waiting.contains_key(topic) {
            let due = since + DELAY;
            self.waiting.insert(topic.to_owned(), due);
            self.due.insert((due, topic.to_owned()));
        }
    }

    /// The value of the topic is another one.
    pub(super) fn forget(&mut self, topic: &str) {
        self.warned.remove(topic);
        if let Some((topic, due)) = self.waiting.remove_entry(topic) {
            self.due.remove(&(due, topic));
        }
    }

    /// The warning is not repeated.
    pub(super) fn warned(&mut self, topic: &str) {
        self.warned.insert(topic.to_owned());
    }

    /// Takes a topic that is due.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<String> {
        let is_due = self.poll_timeout().is_some_and(|due| due <= now);
        let (_, topic) = if is_due { self.due.pop_first()? } else { return None };
        self.waiting.remove(&topic);
        Some(topic)
    }
}
