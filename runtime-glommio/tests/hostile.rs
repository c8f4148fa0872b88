//! Peers that mean harm, and what they may cost, run against this one where io_uring is allowed.

#[path = "../src/probe.rs"]
mod probe;

use namesrv_tests::hostile;
use namesrv_tests::suite::Cases;
use std::process::ExitCode;

fn main() -> ExitCode {
    hostile::run(env!("CARGO_BIN_EXE_namesrv-glommio"), Cases::OfRuntime, probe::probe().err())
}
