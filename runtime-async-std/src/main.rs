//! The NameServer on async-std.

mod server;
mod shard;
mod socket;

use namesrv_shell::Build;
use std::process::ExitCode;

const BUILD: Build = Build { runtime: "async-std", revision: env!("NAMESRV_REVISION") };

fn main() -> ExitCode {
    namesrv_shell::run(BUILD, server::serve)
}
