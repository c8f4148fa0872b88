//! Which branches of the state machines a run reached, counted by name, and which it never did.

use std::collections::BTreeMap;
use std::fmt;

/// Counts of everything that was reached.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    counts: BTreeMap<String, u64>,
}

/// Everything that a run could reach. Pairs are request code and response code.
const REACHABLE: &[&str] = &[
    "100→0",
    "100→1",
    "100→1500",
    "101→0",
    "101→22",
    "102→0",
    "102→1",
    "103→0",
    "103→1",
    "103→1500",
    "104→0",
    "105→0",
    "105→1",
    "105→17",
    "105→1500",
    "106→0",
    "106→1500",
    "205→0",
    "206→0",
    "206→1",
    "216→0",
    "217→0",
    "217→1",
    "219→0",
    "219→22",
    "224→0",
    "224→1",
    "304→0",
    "311→0",
    "312→0",
    "313→0",
    "318→0",
    "318→1",
    "318→16",
    "319→0",
    "322→0",
    "322→1",
    "327→0",
    "901→0",
    "904→0",
    "904→1",
    "unknown→3",
    "next Again",
    "next Rest",
    "next Retry",
    "output waits",
    "output Stopping",
    "output StopIo",
    "output Finished",
    "frame error TooLong",
    "frame error Foreign",
    "frame error TooShort",
    "frame error HeaderPastFrame",
    "frame error UnknownSerialization",
    "frame error JsonHeader",
    "frame error BinaryHeader",
    "frame error TooManyFields",
    "closed EndOfStream",
    "closed Idle",
    "closed OutputFull",
    "closed Registry BrokerExpired",
    "closed SlowFrame",
    "closed SlowHandshake",
    "transport Handshake",
    "transport HandshakeEnded",
    "handshake full",
    "handshake resumed",
    "handshake refused",
    "over TLS",
    "through a proxy",
    "closed Stopped",
    "output Publish",
    "output Reply",
    "output Reply empty",
    "output Close BrokerExpired",
    "output Close MalformedFrame",
    "output Notify",
    "output Save KvConfig",
    "output Save RuntimeConfig",
    "output Save Snapshot",
    "save ends in doubt",
    "save is broken off",
    "start with routes",
    "start with a snapshot that is too old",
    "start without a snapshot",
    "brokers are waited for",
    "event BrokerRegistered",
    "event BrokerChanged",
    "event BrokerUnregistered",
    "event BrokerEvicted Expired",
    "event BrokerEvicted ConnectionLost",
    "event BrokerEvicted Replaced",
    "event BrokerEvicted ConflictLost",
    "event BrokerEvicted Unconfirmed",
    "event RegistrationRefused",
    "event ClusterConflict",
    "event TopicRegistered",
    "event AdminWrite Kv",
    "event AdminWrite WritePermission",
    "event AdminWrite TopicDeleted",
    "event AdminWrite Configuration",
    "event IdentifierTakenOver",
    "event MalformedOrderConfig",
    "event DoubtfulOrderConfig",
    "event SaveFailed KvConfig",
    "event SaveFailed RuntimeConfig",
    "event SaveFailed Snapshot",
    "event Late",
];

impl Coverage {
    /// One more time.
    pub(super) fn count(&mut self, name: &str) {
        match self.counts.get_mut(name) {
            Some(count) => *count += 1,
            None => drop(self.counts.insert(name.to_owned(), 1)),
        }
    }

    /// An answer to a question.
    pub(super) fn count_answer(&mut self, request: i32, response: i32) {
        let request = request.to_string();
        let is_known = REACHABLE.iter().any(|name| name.split_once('→').is_some_and(|(known, _)| known == request));
        self.count(&format!("{}→{response}", if is_known { &request } else { "unknown" }));
    }

    /// How often something was reached.
    #[must_use]
    pub fn of(&self, name: &str) -> u64 {
        self.counts.get(name).copied().unwrap_or(0)
    }

    /// Adds what another run reached.
    pub fn add(&mut self, other: &Self) {
        for (name, count) in &other.counts {
            *self.counts.entry(name.clone()).or_default() += count;
        }
    }

    /// How often each fault was injected.
    pub fn faults(&self) -> impl Iterator<Item = (&str, u64)> {
        self.counts.iter().filter_map(|(name, count)| Some((name.strip_prefix("fault ")?, *count)))
    }

    /// What was never reached.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        REACHABLE.iter().filter(|name| !self.counts.contains_key(**name)).copied().collect()
    }

    /// Everything else that was counted and is not in the list of what can be reached.
    #[must_use]
    pub fn unforeseen(&self) -> Vec<&str> {
        let unforeseen = |name: &&str| !name.starts_with("fault ") && !REACHABLE.contains(name);
        self.counts.keys().map(String::as_str).filter(unforeseen).collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "reached {} of {} branches:", REACHABLE.len() - self.missing().len(), REACHABLE.len())?;
        for (name, count) in self.counts.iter().filter(|(name, _)| !name.starts_with("fault ")) {
            writeln!(f, "  {count:>10}  {name}")?;
        }
        if !self.unforeseen().is_empty() {
            writeln!(f, "unforeseen: {}", self.unforeseen().join(", "))?;
        }
        if !self.missing().is_empty() {
            writeln!(f, "never reached: {}", self.missing().join(", "))?;
        }
        Ok(())
    }
}
