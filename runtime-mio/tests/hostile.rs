//! Malicious peers and what they may cost, on this runtime.

use namesrv_tests::hostile;
use namesrv_tests::suite::Cases;
use std::process::ExitCode;

fn main() -> ExitCode {
    hostile::run(env!("CARGO_BIN_EXE_namesrv-mio"), Cases::Every, None)
}
