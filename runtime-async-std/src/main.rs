//! The NameServer on async-std.

mod inbox;
mod link;
mod server;
mod shard;
mod socket;

use std::process::ExitCode;

fn main() -> ExitCode {
    namesrv_shell::run("async-std", server::serve)
}
