//! What one NameServer acknowledged of the KV table in all its lives, in plain maps.

use namesrv_core::save::SaveError;
use std::collections::{BTreeMap, BTreeSet};

/// Namespace and key.
pub(super) type KvKey = (String, String);

/// What a NameServer acknowledged of the KV table, and what it did not: that may be in the file or not.
#[derive(Debug, Default)]
pub(super) struct KvLedger {
    acknowledged: BTreeMap<KvKey, String>,
    /// Changes that were handed in and not answered.
    pending: Vec<(i32, KvKey, Option<String>)>,
    /// Changes that were refused by a save that may or may not last, or never answered.
    doubtful: Vec<(KvKey, Option<String>)>,
    /// Whether nobody knows how the last save ended.
    is_undecided: bool,
}

impl KvLedger {
    pub(super) fn hand_in(&mut self, opaque: i32, key: &KvKey, change: &Option<String>) {
        self.pending.push((opaque, key.clone(), change.clone()));
    }

    /// A change is answered.
    pub(super) fn answer(&mut self, opaque: i32, accepted: bool) {
        let Some(at) = self.pending.iter().position(|(pending, ..)| *pending == opaque) else { return };
        let (_, key, change) = self.pending.remove(at);
        if accepted {
            self.doubtful.retain(|(doubtful, _)| *doubtful != key);
        }
        match change {
            change if !accepted => self.doubtful.extend(self.is_undecided.then_some((key, change))),
            Some(value) => drop(self.acknowledged.insert(key, value)),
            None => drop(self.acknowledged.remove(&key)),
        }
    }

    pub(super) fn value(&self, key: &KvKey) -> Option<&str> {
        self.acknowledged.get(key).map(String::as_str)
    }

    /// A save has ended. Unless nobody knows how, the file does not have what was refused.
    pub(super) fn saved(&mut self, result: &Result<(), SaveError>) {
        self.is_undecided = matches!(result, Err(SaveError::Undecided(_)));
        if result.is_ok() {
            self.doubtful.clear();
        }
    }

    /// The server starts again with this table: every key has the value that was acknowledged, or one that nobody was
    /// told of.
    ///
    /// # Errors
    /// Names the first that has not.
    pub(super) fn restart(&mut self, found: BTreeMap<KvKey, String>) -> Result<(), String> {
        let pending = self.pending.drain(..).map(|(_, key, change)| (key, change));
        let possible: Vec<_> = self.doubtful.drain(..).chain(pending).collect();
        let keys: BTreeSet<_> = self.acknowledged.keys().chain(found.keys()).collect();
        for key in keys {
            let (known, value) = (self.acknowledged.get(key), found.get(key));
            if known != value && !possible.iter().any(|(other, change)| other == key && change.as_ref() == value) {
                return Err(format!("{key:?} was {known:?} and is {value:?} after the restart"));
            }
        }
        self.acknowledged = found;
        Ok(())
    }
}
