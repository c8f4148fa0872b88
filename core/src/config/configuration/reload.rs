//! Reading the configuration file again while the server runs.

use super::Configuration;
use crate::key::Effect;
use alloc::string::String;
use alloc::vec::Vec;

/// The keys whose values differ between two readings of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Keys that a reload changes.
    pub in_effect: Vec<String>,
    /// Keys whose new values wait for the next start.
    pub at_start: Vec<String>,
}

impl Configuration {
    /// Takes over the values of `file` for all keys that can change while the server runs. Changes made at run time
    /// stay, as they would after a restart.
    pub(crate) fn reload(&mut self, file: &Self) {
        let changes_at_reload = |name: &str| self.keys.find(name).is_none_or(|key| key.changes_at_reload());
        let of_file = file.values.iter().filter(|(name, _)| changes_at_reload(name));
        let kept = self.values.iter().filter(|(name, _)| !changes_at_reload(name));
        let copy = |(name, value): (&String, &String)| (name.clone(), value.clone());
        let values = kept.chain(of_file).chain(&self.changed).map(copy).collect();
        let of_file = file.hidden.iter().filter(|(name, _)| changes_at_reload(name));
        let kept = self.hidden.iter().filter(|(name, _)| !changes_at_reload(name));
        self.hidden = kept.chain(of_file).map(|(name, value)| (*name, value.clone())).collect();
        self.values = values;
        let of_file = file.sources.iter().filter(|(name, _)| changes_at_reload(name));
        let is_kept = |name: &String| !changes_at_reload(name) || self.changed.contains_key(name);
        let kept = self.sources.iter().filter(|(name, _)| is_kept(name));
        self.sources = of_file.chain(kept).map(|(name, source)| (name.clone(), *source)).collect();
    }

    /// Returns how this configuration differs from an earlier one, ignoring what changed at run time. Keys without
    /// effect, such as unknown ones, do not count.
    #[must_use]
    pub fn changes_since(&self, before: &Self) -> Changes {
        let mut changes = Changes::default();
        for key in self.keys.iter().filter(|key| key.effect != Effect::Nothing) {
            let list = match key.changes_at_reload() {
                true => &mut changes.in_effect,
                false => &mut changes.at_start,
            };
            if before.effective(key) != self.effective(key) && !self.changed.contains_key(key.name) {
                list.push(key.name.into());
            }
        }
        changes
    }
}
