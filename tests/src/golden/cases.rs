//! Files of captured cases, one a line, and files of the deliberate differences from them.

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// All cases, in the order of the file.
pub(super) fn read_cases<Case: DeserializeOwned>(file: &str) -> impl Iterator<Item = Case> {
    file.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
}

/// All deliberate differences.
pub(super) fn read_entries<Entry: DeserializeOwned>(name: &str, file: &str) -> Vec<Entry> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Overlay<Entry> {
        case: Vec<Entry>,
    }
    let overlay: Overlay<Entry> = toml::from_str(file).unwrap_or_else(|error| panic!("{name}: {error}"));
    overlay.case
}
