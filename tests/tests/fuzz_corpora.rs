//! What the fuzzers found worth keeping, replayed: every target, and every input that is in the repository.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests too")]

use namesrv_tests::fuzz::TARGETS;
use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn nothing_is_found_in_the_committed_corpora() {
    let mut found = Vec::new();
    for target in TARGETS {
        let folder = fuzz_folder().join("corpus").join(target.name);
        let inputs = names_in(&folder);
        assert!(!inputs.is_empty(), "{} is empty", folder.display());
        for input in inputs {
            let data = fs::read(folder.join(&input)).unwrap();
            if catch_unwind(AssertUnwindSafe(|| (target.run)(&data))).is_err() {
                found.push(format!("cd fuzz && cargo +nightly fuzz run {0} corpus/{0}/{input}", target.name));
            }
        }
    }
    assert!(found.is_empty(), "reproduce with\n{}", found.join("\n"));
}

#[test]
fn every_target_has_a_fuzzer_and_a_corpus() {
    let expected: BTreeSet<_> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    let fuzzers = names_in(&fuzz_folder().join("fuzz_targets"));
    let fuzzers: BTreeSet<_> = fuzzers.iter().map(|name| name.trim_end_matches(".rs").to_owned()).collect();
    let manifest: toml::Table = fs::read_to_string(fuzz_folder().join("Cargo.toml")).unwrap().parse().unwrap();
    let declared = manifest["bin"].as_array().unwrap().iter().map(|binary| binary["name"].as_str().unwrap().to_owned());
    assert_eq!(names_in(&fuzz_folder().join("corpus")), expected);
    assert_eq!(fuzzers, expected);
    assert_eq!(declared.collect::<BTreeSet<_>>(), expected);
}
