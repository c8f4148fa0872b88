//! The suite that every runtime passes, run against this one where io_uring is allowed.

#[path = "../src/probe.rs"]
mod probe;

use namesrv_tests::conformance;
use std::io::{Write, stderr};
use std::path::Path;

const BINARY: &str = env!("CARGO_BIN_EXE_namesrv-glommio");

/// Runs a case, or says why not, where the test harness does not capture it.
fn run(case: impl FnOnce(&Path)) {
    match probe::probe() {
        Ok(()) => case(Path::new(BINARY)),
        Err(reason) => drop(stderr().write_all(format!("skipped: {reason}\n").as_bytes())),
    }
}

#[test]
fn golden_conversations() {
    run(|binary| drop(conformance::golden_conversations(binary)));
}

#[test]
fn pipelined_requests() {
    run(conformance::pipelined_requests);
}

#[test]
fn half_closed_peer() {
    run(conformance::half_closed_peer);
}

#[test]
fn bad_input_costs_nobody_else() {
    run(conformance::bad_input_costs_nobody_else);
}

#[test]
fn restart_keeps_what_was_answered() {
    run(conformance::restart_keeps_what_was_answered);
}

#[test]
fn brokers_come_and_go() {
    run(conformance::brokers_come_and_go);
}
