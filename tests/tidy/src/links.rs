//! Relative links in Markdown lead somewhere: to a tracked file or folder, and to a heading that is there.

use crate::{Repository, Violation};

/// Links that lead nowhere.
#[must_use]
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
    fn links_to_files_folders_headings_and_elsewhere_are_good() {
        let good = ["[x](b.md)", "[x](../tests/x)", "[x](../tests/)", "[x](b.md#one-b-two-three)", "# H\n[x](#h)"];
        good.iter().for_each(|text| assert!(!broken(text), "{text}"));
        assert!(!broken("[x](https://github.com/gone) `[x](gone.md)` [x](../README.md)\n```\n[x](gone.md)\n```\n"));
    }
}
