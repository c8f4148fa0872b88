//! What every runtime needs and none should own: command line, files, the registry thread, the saver, the notifier,
//! logs and signals.

pub mod accepting;
pub mod conversation;
pub mod deadlines;
mod input;
pub mod line_limit;
pub mod output;
pub mod server;

use std::process::ExitCode;

/// Runs the whole server: reads the command line and the files, binds, starts the registry, and calls `serve` on this
/// thread, which returns once everything is stopped.
pub fn run(_runtime: &'static str, _serve: fn(server::Server) -> std::io::Result<()>) -> ExitCode {
    todo!()
}
