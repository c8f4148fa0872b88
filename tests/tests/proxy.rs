//! The golden PROXY headers.

use namesrv_tests::differences;
use namesrv_tests::golden::proxy::{cases, entries};

#[test]
#[expect(clippy::print_stdout, reason = "the summary is for whoever runs the test with --nocapture")]
fn every_header_does_what_it_does_in_java() {
    let (entries, cases) = (entries(), cases());
    assert_eq!(cases.len(), 230);
    for case in &cases {
        let ours = case.run();
        let entry = entries.iter().find(|entry| entry.group == case.group && entry.case == case.name);
        match entry {
            Some(entry) => {
                assert_eq!(entry.result, ours.result, "{}: {}", case.group, case.name);
                let after = entry.after_seconds.or(ours.after_seconds);
                assert_eq!(after, ours.after_seconds, "{}: {}", case.group, case.name);
                assert!(!case.is_same(&ours), "{}: {}: it is the same as Java", case.group, case.name);
            }
            None => assert!(case.is_same(&ours), "{}: {}: {ours:?} and not {:?}", case.group, case.name, case.outcome),
        }
    }
    println!("{} cases as Java, {} on purpose otherwise", cases.len() - entries.len(), entries.len());
}

#[test]
fn every_entry_of_the_overlay_is_a_case_and_a_difference() {
    let cases = cases();
    for entry in entries() {
        assert!(cases.iter().any(|case| case.group == entry.group && case.name == entry.case), "{entry:?}");
        assert!(differences::identifiers().contains(&entry.difference), "{entry:?}");
    }
}
