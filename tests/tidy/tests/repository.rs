//! Every tracked file keeps the rules, but for some exceptions, all of which are needed.

#![allow(clippy::expect_used)]

use namesrv_tidy::behaviours::mismatches;
use namesrv_tidy::citations::{Reference, bad_citations};
use namesrv_tidy::{Repository, Violation, cycles, links, manifests, size, text};
use std::path::Path;
use std::sync::LazyLock;

/// A rule, and the file or folder (it ends with `/`) that may break it.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("control_bytes", "tests/golden/frames-5.5.0.jsonl"), // Captured answers that hold DEL.
    ("path_attributes", "runtime-glommio/tests/"),        // The probe is shared with the binary.
];

/// A test for each rule; its name is that of the rule in [`EXCEPTIONS`].
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
    let mut violations = check(&REPOSITORY);
    for (_, place) in EXCEPTIONS.iter().filter(|(allowed, _)| *allowed == rule) {
        let before = violations.len();
        violations.retain(|Violation { file, .. }| file != place && !(place.ends_with('/') && file.starts_with(place)));
        assert!(violations.len() < before, "{place} keeps the rule, delete its exception");
    }
    let lines: String = violations.iter().map(|violation| format!("{violation}\n")).collect();
    assert!(violations.is_empty(), "{} violations\n{lines}", violations.len());
}

#[test]
fn exceptions_are_for_rules() {
    for (rule, _) in EXCEPTIONS {
        assert!(RULES.contains(rule), "there is no rule {rule}");
    }
}

#[test]
fn the_rules_see_the_repository() {
    assert!(REPOSITORY.ending(".rs").count() > 100 && REPOSITORY.ending(".md").count() > 10);
    assert!(REPOSITORY.contains("core/src/lib.rs") && REPOSITORY.contains("fuzz/corpus"));
    assert!(reference().has("RouteInfoManager.registerBroker") && !reference().has("RouteInfoManager.x"));
}

fn reference() -> Reference {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("reference/methods-5.5.0.txt");
    Reference::parse(&std::fs::read_to_string(path).expect("the reference can be read"))
}
