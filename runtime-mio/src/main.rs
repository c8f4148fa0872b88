//! The NameServer on epoll.

mod inbox;
mod server;
mod socket;

use std::process::ExitCode;

fn main() -> ExitCode {
    namesrv_shell::run("mio", server::serve)
}
