//! The NameServer on io_uring, an executor for each core.

mod executor;
mod probe;
mod server;
mod socket;

use namesrv_shell::Build;
use std::process::ExitCode;

const BUILD: Build = Build { runtime: "glommio", revision: env!("NAMESRV_REVISION") };

fn main() -> ExitCode {
    namesrv_shell::run_where(BUILD, probe::probe, server::serve)
}
