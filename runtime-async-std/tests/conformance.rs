//! The suite that every runtime passes, run against this one.

use namesrv_tests::conformance;
use std::path::Path;

const BINARY: &str = env!("CARGO_BIN_EXE_namesrv-async-std");

#[test]
fn golden_conversations() {
    let _report = conformance::golden_conversations(Path::new(BINARY));
}

#[test]
fn pipelined_requests() {
    conformance::pipelined_requests(Path::new(BINARY));
}

#[test]
fn half_closed_peer() {
    conformance::half_closed_peer(Path::new(BINARY));
}

#[test]
fn bad_input_costs_nobody_else() {
    conformance::bad_input_costs_nobody_else(Path::new(BINARY));
}

#[test]
fn restart_keeps_what_was_answered() {
    conformance::restart_keeps_what_was_answered(Path::new(BINARY));
}

#[test]
fn brokers_come_and_go() {
    conformance::brokers_come_and_go(Path::new(BINARY));
}
