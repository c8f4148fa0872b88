//! Documents that name tests: identifiers of DIFFERENCES.md are unique, and every test named there, for a known fault
//! or for a threat exists.

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
        entry.tests.iter().for_each(|test| check(&entry.identifier, test));
    }
}

#[test]
fn every_known_fault_and_every_threat_names_the_tests_that_show_what_becomes_of_it() {
    let page = read_to_string(repository().join("docs/TESTING.md")).unwrap_or_default();
    for (heading, rows_min) in [("## Known faults", 14), ("## Threats", 20)] {
        let (_, rest) = page.split_once(heading).unwrap_or_default();
        let (section, _) = rest.split_once("\n## ").unwrap_or_default();
        let rows: Vec<_> = section.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
        assert!(rows.len() >= rows_min, "{heading}: {rows:?}");
        for row in rows {
            let tests: Vec<_> = row.split('`').skip(1).step_by(2).filter(|code| code.contains('/')).collect();
            assert!(!tests.is_empty(), "no test for {row}");
            tests.iter().filter(|test| **test != "tests/captures").for_each(|test| check(heading, test));
        }
    }
}

/// Reports that are public have a row, and each row names a test that exists, or a row of the table of its section.
#[test]
fn every_reported_trouble_names_the_test_that_pins_it() {
    let folder = repository().join("tests/field");
    let page = read_to_string(folder.join("README.md")).unwrap_or_default();
    for report in REPORTS {
        assert!(page.contains(report), "the field log does not have {report}");
    }
    let mut count = 0;
    for section in page.split("\n## ") {
        let table = section.split(['(', ')']).find(|link| link.ends_with(".tsv"));
        let table = table.map(|name| read_to_string(folder.join(name)).unwrap_or_default()).unwrap_or_default();
        let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("| reported ");
        for line in section.lines().filter(is_row) {
            let pinned = line.trim_end_matches(" |").rsplit(" | ").next().unwrap_or_default();
            let names: Vec<_> = pinned.split('`').skip(1).step_by(2).collect();
            assert!(!names.is_empty(), "nothing pins {line}");
            for name in names {
                let is_in_table = table.lines().any(|row| row.split('\t').next() == Some(name));
                if !is_in_table {
                    check("a reported trouble", name);
                }
            }
            count += 1;
        }
    }
    assert!(count > 40, "{count} rows");
}

/// What was reported upstream and is about NameServers.
const REPORTS: [&str; 7] = ["5296", "7326", "9521", "10425", "11072", "11073", "11127"];

/// A test, `file` or `file#function`, exists. A case that a table has is named there.
fn check(whose: &str, test: &str) {
    let (file, function) = test.split_once('#').unwrap_or((test, ""));
    let text = read_to_string(repository().join(file)).unwrap_or_default();
    assert!(!text.is_empty(), "{whose}: {file} does not exist");
    let is_there = text.contains(&format!("fn {function}")) || text.contains(&format!("\"{function}\""));
    assert!(is_there || function.is_empty(), "{whose}: no {test}");
}
