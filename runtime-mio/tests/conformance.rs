//! The conformance suite that every runtime passes, on this one.

use namesrv_tests::conformance;
use namesrv_tests::suite::Cases;
use std::process::ExitCode;

fn main() -> ExitCode {
    conformance::run(env!("CARGO_BIN_EXE_namesrv-mio"), Cases::Every, None)
}
