//! Recorded traffic of real peers against the pure core: answers as Java gave them where the captures hold what they
//! depend on, requests read as they were written everywhere.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use namesrv_tests::captures::folder;
use namesrv_tests::captures::replay::runs;
use namesrv_tests::server::Setup;
use namesrv_tests::world::CoreServer;
use std::collections::BTreeSet;

#[test]
#[expect(clippy::print_stdout, reason = "the summary is for whoever runs the test with --nocapture")]
fn recorded_requests_are_answered_as_java_answered_them() {
    let mut all = [0; 3];
    let mut failures = Vec::new();
    for run in runs() {
        let properties = run.config.clone().into_iter().collect();
        let report = run.replay(&mut CoreServer::start(&Setup { properties, listeners: Vec::new() }));
        println!("{report}");
        all.iter_mut().zip(report.counts()).for_each(|(sum, count)| *sum += count);
        failures.extend(report.failures);
    }
    let [compared, decoded, deliberate] = all;
    println!("{compared} compared, {decoded} decoded only, {deliberate} different on purpose");
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_capture_is_part_of_a_run() {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let captures: BTreeSet<_> = files.filter_map(|file| file.strip_suffix(".jsonl.gz").map(str::to_owned)).collect();
    let replayed: BTreeSet<_> = runs().into_iter().flat_map(|run| run.captures).collect();
    assert_eq!(captures, replayed);
}
