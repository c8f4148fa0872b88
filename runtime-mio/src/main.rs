//! The NameServer on epoll.

mod server;
mod socket;

use namesrv_shell::Build;
use std::process::ExitCode;

const BUILD: Build = Build { runtime: "mio", revision: env!("NAMESRV_REVISION") };

fn main() -> ExitCode {
    namesrv_shell::run(BUILD, server::serve)
}
