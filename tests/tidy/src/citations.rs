//! Comments cite Java as `` Java: `Class.method` ``, and what they cite exists in RocketMQ 5.5.0.

use crate::{Repository, Violation};
use std::collections::{BTreeMap, BTreeSet};

/// This crate, whose tests have bad examples.
const EXAMPLES: &str = "tests/tidy/";

/// The classes of the reference and their methods, made by `reference/update`.
#[derive(Clone, Debug, Default)]
pub struct Reference {
    methods: BTreeMap<String, BTreeSet<String>>,
}

impl Reference {
    /// Reads `Class: method method …` line by line. Classes of one name in several packages are taken as one.
    pub fn parse(text: &str) -> Self {
        let mut reference = Self::default();
        for (class, methods) in text.lines().filter_map(|line| line.split_once(':')) {
            let methods = methods.split_whitespace().map(str::to_owned);
            reference.methods.entry(class.to_owned()).or_default().extend(methods);
        }
        reference
    }

    /// Whether there is a class `Class`, `Outer.Nested`, or a method of one.
    pub fn has(&self, citation: &str) -> bool {
        let method = citation.rsplit_once('.');
        let is_method =
            method.is_some_and(|(class, name)| self.methods.get(class).is_some_and(|all| all.contains(name)));
        is_method || self.methods.contains_key(citation)
    }
}

/// Citations that are not of the form, or name what is not there.
pub fn bad_citations(repository: &Repository, reference: &Reference) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in repository.ending(".rs").filter(|file| !file.path.starts_with(EXAMPLES)) {
        for (line, names) in citations(&file.text) {
            if names.is_empty() {
                violations.push(Violation::new(&file.path, format!("line {line}: no `Class.method` after Java:")));
            }
            let unknown = names.iter().filter(|name| !reference.has(name));
            violations.extend(
                unknown.map(|name| {
                    Violation::new(&file.path, format!("line {line}: there is no {name} in RocketMQ 5.5.0"))
                }),
            );
        }
    }
    violations
}

/// The names behind each `Java: ` in a Rust file, and the line on which its comment begins.
pub fn citations(text: &str) -> Vec<(usize, Vec<String>)> {
    let mut citations = Vec::new();
    for (line, comment) in comments(text) {
        let names = comment.split("Java: ").skip(1).map(|after| cited(after).into_iter().map(str::to_owned).collect());
        citations.extend(names.map(|names| (line, names)));
    }
    citations
}

/// The names behind `Java: `, which are joined by commas and `and`.
pub(crate) fn cited(after: &str) -> Vec<&str> {
    let (mut names, mut rest) = (Vec::new(), after);
    while let Some((name, others)) = rest.strip_prefix('`').and_then(|rest| rest.split_once('`')) {
        names.push(name);
        let Some(next) = others.strip_prefix(", ").or_else(|| others.strip_prefix(" and ")) else { break };
        rest = next;
    }
    names
}

/// The comments of a Rust file, each with the lines that belong to it joined by blanks, and the number of its first.
fn comments(text: &str) -> Vec<(usize, String)> {
    let mut comments: Vec<(usize, String)> = Vec::new();
    let mut continues = false;
    for (index, line) in text.lines().enumerate() {
        let Some((before, comment)) = line.split_once("//") else {
            continues = false;
            continue;
        };
        let comment = comment.trim_start_matches(['/', '!']).trim();
        let stands_alone = before.trim().is_empty();
        match comments.last_mut() {
            Some((_, whole)) if continues && stands_alone => {
                whole.push(' ');
                whole.push_str(comment);
            }
            _ => comments.push((index + 1, comment.to_owned())),
        }
        continues = stands_alone;
    }
    comments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad(text: &str) -> Vec<String> {
        let reference = Reference::parse("# Head.\nManager: register leave\nManager.Live: touch\n");
        let violations = bad_citations(&Repository::of(&[("a.rs", text)]), &reference);
        violations.into_iter().map(|violation| violation.message).collect()
    }

    #[test]
    fn what_is_not_in_the_list_is_found() {
        let text = "//! Leaves (Java: `Manager.leave` and\n//! `Manager.gone`).\nfn f() {} // Java: `Nobody`.\n";
        let expected = ["there is no Manager.gone in RocketMQ 5.5.0", "there is no Nobody in RocketMQ 5.5.0"];
        assert_eq!(bad(text), [format!("line 1: {}", expected[0]), format!("line 3: {}", expected[1])]);
        assert_eq!(bad("// Java: `touch`.").len(), 1);
    }

    #[test]
    fn another_form_is_found() {
        assert_eq!(bad("// Java: the constructor of `Manager`."), ["line 1: no `Class.method` after Java:"]);
    }

    #[test]
    fn classes_methods_and_nested_ones_are_good_and_code_is_no_comment() {
        let text =
            "/// X (Java: `Manager`, `Manager.register`, `Manager.Live.touch`), as `else` says.\nlet a = \"Java: x\";";
        assert_eq!(bad(text), Vec::<String>::new());
        let names = ["Manager", "Manager.register", "Manager.Live.touch"].map(str::to_owned);
        assert_eq!(citations(text), [(1, names.to_vec())]);
    }
}
