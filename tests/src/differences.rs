//! DIFFERENCES.md as the tests see it: every entry has an identifier and names the tests that pin it.

use std::path::{Path, PathBuf};

/// The folder of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// One entry: a heading ``### `identifier`: title`` and what follows.
#[derive(Clone, Debug)]
pub struct Difference {
    /// What the overlay and the scenarios call it.
    pub identifier: String,
    /// Files that pin it, relative to the repository.
    pub tests: Vec<String>,
}

/// All entries, in the order of the file.
pub fn entries() -> Vec<Difference> {
    let text = std::fs::read_to_string(repository().join("DIFFERENCES.md")).expect("DIFFERENCES.md can be read");
    let mut entries: Vec<Difference> = Vec::new();
    for line in text.lines() {
        if let Some(identifier) = line.strip_prefix("### `").and_then(|rest| rest.split('`').next()) {
            entries.push(Difference { identifier: identifier.to_owned(), tests: Vec::new() });
        } else if let (Some(entry), Some(tests)) = (entries.last_mut(), pins(line)) {
            entry.tests.extend(tests.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    entries
}

/// What names tests: `Pinned by` and the lines of the list below it.
fn pins(line: &str) -> Option<&str> {
    line.strip_prefix("Pinned by ").or_else(|| line.strip_prefix("* ").filter(|item| item.starts_with('`')))
}

/// The identifiers of all entries.
pub fn identifiers() -> Vec<String> {
    entries().into_iter().map(|entry| entry.identifier).collect()
}
