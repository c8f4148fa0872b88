//! The golden PROXY headers.

use namesrv_tests::differences;
use namesrv_tests::golden::cases::different;
use namesrv_tests::golden::proxy::{cases, entries};

#[test]
#[expect(clippy::print_stdout, reason = "the summary is for whoever runs the test with --nocapture")]
fn every_header_does_what_it_does_in_java() {
    let (entries, cases) = (entries(), cases());
    assert_eq!(cases.len(), 230);
    for case in &cases {
        let found = different(&case.java(), &case.run());
        let entry = entries.iter().find(|entry| entry.group == case.group && entry.case == case.name);
        let expected = entry.map(|entry| entry.ours.clone()).unwrap_or_default();
        assert_eq!(found, expected, "{}: {}, Java {:?}", case.group, case.name, case.java());
    }
    println!("{} cases as Java, {} on purpose otherwise", cases.len() - entries.len(), entries.len());
}

#[test]
fn every_entry_of_the_overlay_is_a_case_and_a_difference() {
    let cases = cases();
    for entry in entries() {
        assert!(!entry.ours.is_empty(), "{entry:?}");
        assert!(cases.iter().any(|case| case.group == entry.group && case.name == entry.case), "{entry:?}");
        assert!(differences::identifiers().contains(&entry.difference), "{entry:?}");
    }
}
