//! DIFFERENCES.md: identifiers are unique, and every entry names tests that exist.

use namesrv_tests::differences::{entries, repository};
use std::fs::read_to_string;

#[test]
fn every_difference_names_the_tests_that_pin_it() {
    let entries = entries();
    assert!(!entries.is_empty(), "DIFFERENCES.md has entries");
    for (index, entry) in entries.iter().enumerate() {
        let earlier = entries.iter().take(index).any(|other| other.identifier == entry.identifier);
        assert!(!earlier, "{} is used twice", entry.identifier);
        assert!(!entry.tests.is_empty(), "{} names no test", entry.identifier);
        for test in &entry.tests {
            let (file, function) = test.split_once('#').unwrap_or((test, ""));
            let text = read_to_string(repository().join(file)).unwrap_or_default();
            assert!(!text.is_empty(), "{}: {file} does not exist", entry.identifier);
            assert!(text.contains(&format!("fn {function}")) || function.is_empty(), "{}: no {test}", entry.identifier);
        }
    }
}
