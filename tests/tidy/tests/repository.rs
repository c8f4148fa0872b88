//! Every tracked file keeps the rules, but for the exceptions in `exceptions.txt`, all of which are needed.

#![allow(clippy::expect_used)]

use namesrv_tidy::behaviours::mismatches;
use namesrv_tidy::citations::{Reference, bad_citations};
use namesrv_tidy::exceptions::{Exception, findings, parse};
use namesrv_tidy::{Repository, Violation, cycles, links, manifests, size, text};
use std::path::Path;
use std::sync::LazyLock;

/// A test for each rule; its name is that of the rule in `exceptions.txt`.
macro_rules! rules {
    ($($rule:ident: $check:expr,)*) => {
        $(#[test]
        fn $rule() {
            keep(stringify!($rule), $check);
        })*

        const RULES: &[&str] = &[$(stringify!($rule)),*];
    };
}

rules! {
    long_files: size::long_files,
    wide_lines: size::wide_lines,
    wide_comments: size::wide_comments,
    broken_links: links::broken_links,
    stale_paths: links::stale_paths,
    import_cycles: cycles::import_cycles,
    crate_cycles: manifests::crate_cycles,
    dependency_reasons: manifests::dependencies_without_a_reason,
    unused_dependencies: manifests::unused_dependencies,
    control_bytes: text::control_bytes,
    machine_paths: text::machine_paths,
    unknown_hosts: text::unknown_hosts,
    path_attributes: text::path_attributes,
    citations: |repository| bad_citations(repository, &reference()),
    behaviours: |repository| mismatches(repository, BEHAVIOURS),
}

/// The chapters of the list of behaviours, and how many each has. Chapter 9.1 are the oddities of the Java NameServer.
const BEHAVIOURS: &[(&str, usize)] =
    &[("1", 13), ("2", 16), ("3", 11), ("4", 0), ("5", 7), ("6", 0), ("7", 0), ("9.1", 29), ("10", 3)];

static REPOSITORY: LazyLock<Repository> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    Repository::open(&root).expect("the files that git tracks can be read")
});

fn keep(rule: &str, check: fn(&Repository) -> Vec<Violation>) {
    let findings = findings(rule, &check(&REPOSITORY), &exceptions());
    assert!(findings.is_empty(), "{} findings\n{}\n", findings.len(), findings.join("\n"));
}

#[test]
fn exceptions_are_for_rules() {
    for exception in exceptions() {
        assert!(RULES.contains(&exception.rule.as_str()), "there is no rule {}", exception.rule);
    }
}

#[test]
fn the_rules_see_the_repository() {
    assert!(REPOSITORY.ending(".rs").count() > 100 && REPOSITORY.ending(".md").count() > 10);
    assert!(REPOSITORY.contains("core/src/lib.rs") && REPOSITORY.contains("fuzz/corpus"));
    assert!(reference().has("RouteInfoManager.registerBroker") && !reference().has("RouteInfoManager.x"));
}

fn exceptions() -> Vec<Exception> {
    parse(&read("exceptions.txt")).expect("exceptions.txt can be read")
}

fn reference() -> Reference {
    Reference::parse(&read("reference/methods-5.5.0.txt"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a file of this crate can be read")
}
