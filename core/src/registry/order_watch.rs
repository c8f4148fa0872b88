//! Decides when to compare order configurations with the brokers of their topics.
//!
//! A cluster starts one broker after the other, so a comparison waits until all of them have had time to register.

use crate::time::{Duration, Instant};
use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;

/// Brokers register every 30 seconds. Java waits for all of them as long as this (`waitSecondsForService`).
const DELAY: Duration = Duration::from_secs(45);

/// The topics whose order configuration is to be compared, and those with a warning.
#[derive(Debug, Default)]
pub(super) struct OrderWatch {
    waiting: BTreeMap<String, Instant>,
    /// The same topics, by the time of their comparison.
    due: BTreeSet<(Instant, String)>,
    /// Topics with a warning. It is not repeated until their values change.
    warned: BTreeSet<String>,
}

impl OrderWatch {
    /// Returns when the next comparison is due.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Schedules a comparison of the topic, unless it has a warning or is already scheduled.
    pub(super) fn wait(&mut self, topic: &str, since: Instant) {
        if !self.warned.contains(topic) && !self.waiting.contains_key(topic) {
            let due = since + DELAY;
            self.waiting.insert(topic.to_owned(), due);
            self.due.insert((due, topic.to_owned()));
        }
    }

    /// Notes that the value of the topic changed.
    pub(super) fn forget(&mut self, topic: &str) {
        self.warned.remove(topic);
        if let Some((topic, due)) = self.waiting.remove_entry(topic) {
            self.due.remove(&(due, topic));
        }
    }

    /// Notes that the topic has a warning, which must not be repeated.
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
