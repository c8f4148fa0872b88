//! Files of captured cases, one a line, and files of entries that belong to them.

use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// What came of a case, by names of its file.
pub type Facts = BTreeMap<String, String>;

/// What is other here than in Java, of what is known of Java.
pub fn different(java: &Facts, ours: &Facts) -> Facts {
    let is_other = |(name, value): &(&String, &String)| ours.get(*name) != Some(value);
    let other = java.iter().filter(is_other);
    other.map(|(name, _)| (name.clone(), ours.get(name).cloned().unwrap_or_default())).collect()
}

/// All cases, in the order of the file.
pub(crate) fn read_cases<Case: DeserializeOwned>(file: &str) -> impl Iterator<Item = Case> {
    file.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
}

/// All entries of a TOML file that has one list of them.
pub(crate) fn read_entries<Entry: DeserializeOwned>(name: &str, file: &str) -> Vec<Entry> {
    let lists: BTreeMap<String, Vec<Entry>> = toml::from_str(file).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(lists.len() <= 1, "{name}: entries of several kinds");
    lists.into_values().flatten().collect()
}
