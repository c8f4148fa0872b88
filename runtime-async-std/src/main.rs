//! The NameServer on async-std.

mod connection;
mod inbox;
mod server;

use std::process::ExitCode;

fn main() -> ExitCode {
    namesrv_shell::run("async-std", server::serve)
}
