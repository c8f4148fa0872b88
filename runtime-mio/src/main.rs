//! The NameServer on epoll.

mod connection;
mod inbox;
mod server;

use std::process::ExitCode;

fn main() -> ExitCode {
    namesrv_shell::run("mio", server::serve)
}
