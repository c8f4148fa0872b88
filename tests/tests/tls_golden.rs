//! Golden conversations over TLS that are large, end, wait or take long, and first bytes in every mode of TLS.

use namesrv_tests::differences;
use namesrv_tests::golden::cases::different;
use namesrv_tests::golden::tls::{GROUPS, cases, entries, play};
use std::fmt::Write;

#[test]
#[expect(clippy::print_stdout, reason = "the summary is for whoever runs the test with --nocapture")]
fn what_comes_of_it_is_what_comes_of_it_in_java() {
    let (entries, played) = (entries(), play());
    assert_eq!(played.len(), 86 + 164);
    let (mut same, mut wrong) = ([0; GROUPS.len()], String::new());
    for (case, ours) in &played {
        let java = case.java();
        let found = different(&java, ours);
        let entry = entries.iter().find(|entry| entry.is_about(case));
        let expected = entry.map(|entry| entry.ours.clone()).unwrap_or_default();
        if found != expected {
            let name = format!("{} ({}): {}", case.group, case.provider(), case.name);
            writeln!(wrong, "{name}: {found:?} and not {expected:?}, Java {java:?}").expect("a text");
        }
        let group = GROUPS.iter().position(|group| *group == case.group).expect("one of the groups");
        same[group] += usize::from(entry.is_none());
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    for (group, same) in GROUPS.iter().zip(same) {
        let all = played.iter().filter(|(case, _)| case.group == *group).count();
        println!("{group}: {same} cases as Java, {} on purpose otherwise", all - same);
    }
}

#[test]
fn every_entry_of_the_overlay_is_a_case_and_a_difference() {
    let cases = cases();
    for entry in entries() {
        assert!(!entry.ours.is_empty(), "{entry:?}");
        assert!(cases.iter().any(|case| entry.is_about(case)), "{entry:?}");
        assert!(differences::identifiers().contains(&entry.difference), "{entry:?}");
    }
}
