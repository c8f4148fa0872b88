//! The scenarios in `tests/scenarios`, run against the pure core.

use namesrv_tests::scenario::run_folder;
use std::path::Path;

#[test]
fn every_scenario_comes_to_what_its_file_says() {
    let count = run_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios"));
    assert!(count > 0, "the scenarios are there");
}
