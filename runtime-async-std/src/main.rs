//! The NameServer on async-std.

mod inbox;
mod server;
mod socket;

use std::process::ExitCode;

fn main() -> ExitCode {
    namesrv_shell::run("async-std", server::serve)
}
