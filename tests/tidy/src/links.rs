//! Links and paths in Markdown lead somewhere: relative links to a tracked file or folder and to a heading that is
//! there, and paths in backticks to a tracked file or folder.

use crate::{Repository, Violation};

/// Folders that runs make and git ignores.
const MADE_BY_RUNS: &[&str] = &["fuzz/results/", "/target/"];

/// Links that lead nowhere.
pub fn broken_links(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in repository.ending(".md") {
        for (line, target) in links(&file.text) {
            if !leads_somewhere(repository, &file.path, target) {
                violations.push(Violation::new(&file.path, format!("line {line}: {target} leads nowhere")));
            }
        }
    }
    violations
}

/// Paths in backticks, from a folder of the repository on, that are not there: `core/src/gone.rs`.
pub fn stale_paths(repository: &Repository) -> Vec<Violation> {
    let is_tracked_folder =
        |name: &str| !name.is_empty() && repository.contains(name) && repository.file(name).is_none();
    let is_path = |code: &str| {
        let is_plain = code.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-'));
        let is_made = MADE_BY_RUNS.iter().any(|folder| code.contains(folder));
        is_plain
            && !is_made
            && code.split_once('/').is_some_and(|(folder, rest)| !rest.is_empty() && is_tracked_folder(folder))
    };
    let mut violations = Vec::new();
    for file in repository.ending(".md") {
        let lines = file.text.lines().enumerate();
        let codes =
            lines.flat_map(|(index, line)| line.split('`').skip(1).step_by(2).map(move |code| (index + 1, code)));
        let paths = codes.map(|(line, code)| (line, code.split_once('#').map_or(code, |(path, _)| path)));
        let stale = paths.filter(|(_, path)| is_path(path) && !repository.contains(path.trim_end_matches('/')));
        violations.extend(stale.map(|(line, path)| Violation::new(&file.path, format!("line {line}: no {path}"))));
    }
    violations
}

/// The targets of `[text](target)` outside of code, with their lines.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut links = Vec::new();
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        // Every second piece stands between backticks.
        for piece in line.split('`').step_by(2) {
            let targets = piece.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
            links.extend(targets.map(|(target, _)| (index + 1, target)));
        }
    }
    links
}

fn leads_somewhere(repository: &Repository, from: &str, target: &str) -> bool {
    if target.contains("://") {
        return true;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let Some(path) = (if path.is_empty() { Some(from.to_owned()) } else { joined(from, path) }) else { return false };
    let has_anchor = || repository.file(&path).is_some_and(|file| anchors(&file.text).any(|found| found == anchor));
    repository.contains(&path) && (anchor.is_empty() || has_anchor())
}

/// The path of a link, relative to the repository; `None` if it leads out of it.
pub(crate) fn joined(from: &str, path: &str) -> Option<String> {
    let mut parts: Vec<_> = from.split('/').collect();
    parts.pop();
    for part in path.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The anchors of all headings, as GitHub makes them.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| {
        let words = line.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(text: &str) -> bool {
        let files =
            [("docs/a.md", text), ("docs/b.md", "# One `b`: two-three\n"), ("tests/x/c.rs", ""), ("README.md", "")];
        !broken_links(&Repository::of(&files)).is_empty()
    }

    #[test]
    fn links_to_nothing_are_found() {
        let bad = [
            "[x](gone.md)",
            "[x](../gone/)",
            "[x](b.md#four)",
            "[x](#none)",
            "[x](../../out.md)",
            "`c` [y](b.md) [x](z)",
        ];
        bad.iter().for_each(|text| assert!(broken(text), "{text}"));
    }

    #[test]
    fn paths_that_are_not_there_are_found() {
        let text =
            "`core/src/a.rs` `core/gone.rs` `core/src/` `core/gone.rs#f` `other/x` `core/ x` `core/*.rs` core/gone.rs";
        let repository = Repository::of(&[("a.md", text), ("core/src/a.rs", "")]);
        let expected = Violation::new("a.md", "line 1: no core/gone.rs");
        assert_eq!(stale_paths(&repository), [expected.clone(), expected]);
    }

    #[test]
    fn links_to_files_folders_headings_and_elsewhere_are_good() {
        let good = ["[x](b.md)", "[x](../tests/x)", "[x](../tests/)", "[x](b.md#one-b-two-three)", "# H\n[x](#h)"];
        good.iter().for_each(|text| assert!(!broken(text), "{text}"));
        assert!(!broken("[x](https://github.com/gone) `[x](gone.md)` [x](../README.md)\n```\n[x](gone.md)\n```\n"));
    }
}
