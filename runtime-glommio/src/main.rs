//! The NameServer on io_uring, an executor for each core.

mod executor;
mod inbox;
mod probe;
mod server;
mod socket;

use std::process::ExitCode;

fn main() -> ExitCode {
    namesrv_shell::run_where("glommio", probe::probe, server::serve)
}
