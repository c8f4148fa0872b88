//! Every tracked file keeps the rules, but for the exceptions in `exceptions.txt`, all of which are needed.

#![allow(clippy::expect_used)]

use namesrv_tidy::behaviours::mismatches;
use namesrv_tidy::citations::{Reference, bad_citations};
use namesrv_tidy::exceptions::{findings, parse};
use namesrv_tidy::{Repository, Violation, cycles, links, manifests, size, text};
use std::path::{Path, PathBuf};

/// A rule and its name in `exceptions.txt`.
type Rule = (&'static str, fn(&Repository) -> Vec<Violation>);

const RULES: &[Rule] = &[
    ("long-files", size::long_files),
    ("wide-lines", size::wide_lines),
    ("broken-links", links::broken_links),
    ("import-cycles", cycles::import_cycles),
    ("crate-cycles", manifests::crate_cycles),
    ("dependency-reasons", manifests::dependencies_without_a_reason),
    ("control-bytes", text::control_bytes),
    ("machine-paths", text::machine_paths),
    ("unknown-hosts", text::unknown_hosts),
    ("path-attributes", text::path_attributes),
    ("citations", |repository| bad_citations(repository, &reference())),
    ("behaviours", |repository| mismatches(repository, BEHAVIOURS)),
];

/// The chapters of the list of behaviours, and how many each has. Chapter 9 are the oddities of the Java NameServer.
const BEHAVIOURS: &[(&str, usize)] =
    &[("1", 13), ("2", 16), ("3", 11), ("4", 0), ("5", 7), ("6", 0), ("7", 0), ("9.1", 29)];

#[test]
fn every_file_keeps_the_rules() {
    let repository = Repository::open(&root()).expect("the files that git tracks can be read");
    let exceptions = parse(&read("exceptions.txt")).expect("exceptions.txt can be read");
    let mut wrong = Vec::new();
    for (rule, check) in RULES {
        let findings = findings(rule, &check(&repository), &exceptions);
        wrong.extend(findings.into_iter().map(|finding| format!("{rule}: {finding}")));
    }
    let is_known = |name: &str| RULES.iter().any(|(rule, _)| *rule == name);
    let unknown = exceptions.iter().filter(|exception| !is_known(&exception.rule));
    wrong.extend(unknown.map(|exception| format!("{}: there is no such rule", exception.rule)));
    assert!(wrong.is_empty(), "{} findings\n{}\n", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_rules_see_the_repository() {
    let repository = Repository::open(&root()).expect("the files that git tracks can be read");
    assert!(repository.ending(".rs").count() > 100 && repository.ending(".md").count() > 10);
    assert!(repository.contains("core/src/lib.rs") && repository.contains("fuzz/corpus"));
    assert!(reference().has("RouteInfoManager.registerBroker") && !reference().has("RouteInfoManager.x"));
}

fn reference() -> Reference {
    Reference::parse(&read("reference/methods-5.5.0.txt"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a file of this crate can be read")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
