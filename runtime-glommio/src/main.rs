//! The NameServer on io_uring, an executor for each core.

mod connection;
mod inbox;
mod probe;
mod server;

use std::process::ExitCode;

fn main() -> ExitCode {
    namesrv_shell::run_where("glommio", probe::probe, server::serve)
}
