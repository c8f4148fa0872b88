//! DIFFERENCES.md: identifiers are unique, and every entry names tests that exist.

use namesrv_tests::differences::{entries, repository};

#[test]
fn every_difference_names_the_tests_that_pin_it() {
    let entries = entries();
    assert!(!entries.is_empty(), "DIFFERENCES.md has entries");
    for (index, entry) in entries.iter().enumerate() {
        let earlier = entries.iter().take(index).any(|other| other.identifier == entry.identifier);
        assert!(!earlier, "{} is used twice", entry.identifier);
        assert!(!entry.tests.is_empty(), "{} names no test", entry.identifier);
        for test in &entry.tests {
            assert!(repository().join(test).exists(), "{}: {test} does not exist", entry.identifier);
        }
    }
}
