//! What every runtime needs and none should own: the command line, files, the registry thread, the saver, the notifier,
//! logs and signals.
//!
//! A runtime calls [`run`]. It receives a [`Server`], serves until it is told to stop, and returns. Everything else
//! happens here: `process` assembles the parts, starts the threads, and ends them in the right order.

pub mod accept_backoff;
pub mod connection;
pub mod counters;
pub mod disk;
pub mod environment;
pub mod files;
pub mod http;
pub mod io_threads;
pub mod line_limit;
pub mod mailbox;
pub mod progress;
pub mod quota;
pub mod resource_limit;
pub mod saved_files;
pub mod server;
pub mod shard;
pub mod stack;
pub mod stream;
pub mod tls;
pub mod transport;
pub mod warm_start;

mod address_families;
mod admin;
mod audit;
mod boot;
mod build;
mod cli;
mod clock;
mod console;
mod credit;
mod drain;
mod event_store;
mod events;
#[cfg(test)]
mod field_table;
mod health_check;
mod inspection;
mod java_options;
mod journal;
mod jvm_defaults;
mod keys;
mod lifecycle;
mod limit_events;
mod listen;
mod listing;
mod logging;
mod notifier;
mod process;
mod publisher;
mod queue;
mod record;
mod registry_thread;
mod reload;
mod saver;
mod service_manager;
mod shutdown;
mod signals;
mod socket_activation;
mod start_error;
mod start_files;
mod startup;
mod summary;
mod threads;
mod users;

pub use build::Build;

use cli::{Command, CommandLine};
use console::{print, print_line};
use health_check::HealthCheck;
use server::Server;
use start_error::StartError;
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// Exit status of a server that cannot start, the same as the Java server's (−1).
const START_FAILED: u8 = 255;

/// Exit status if standard output does not take what was asked for.
const CANNOT_WRITE: u8 = 1;

/// Exit status of a question whose answer is no.
const ANSWER_IS_NO: u8 = 1;
/// Exit status of a question that could not be asked.
const CANNOT_ASK: u8 = 2;

/// Runs the whole server: reads the command line and the files, binds, starts the registry, and calls `serve` on this
/// thread. `serve` must return once everything has stopped.
pub fn run(build: Build, serve: fn(Server) -> io::Result<()>) -> ExitCode {
    run_where(build, || Ok(()), serve)
}

/// As [`run`], for an event loop that some machines lack. If `probe` fails, the server reads and binds nothing, and
/// shows the operator its message.
pub fn run_where(build: Build, probe: fn() -> Result<(), String>, serve: fn(Server) -> io::Result<()>) -> ExitCode {
    let runtime = build.runtime;
    let arguments: Vec<_> = std::env::args_os().collect();
    if let Some((program, own)) = namesrv_ctl::is_called(&arguments) {
        return namesrv_ctl::run(&program, arguments.into_iter().skip(own), tls::client_config);
    }
    let arguments = || arguments.iter().skip(1).cloned();
    let CommandLine { command, warnings } = match cli::parse(arguments()) {
        Ok(line) => line,
        Err(error) => {
            print_line(io::stderr(), &error.to_string());
            // There is no other place to complain.
            let _ = print(io::stderr(), cli::USAGE);
            return ExitCode::from(if cli::asks(arguments()) { CANNOT_ASK } else { 1 });
        }
    };
    for warning in warnings {
        print_line(io::stderr(), &format!("namesrv-{runtime}: {warning}"));
    }
    let result = match command {
        Command::Help => Ok(say(cli::USAGE)),
        Command::Version => Ok(say(&format!("namesrv-{runtime} {}\n", env!("CARGO_PKG_VERSION")))),
        Command::Health { address, config_file } => Ok(health(address, config_file.as_deref())),
        Command::Check { config_file } => Ok(check(config_file.as_deref())),
        Command::PrintItems { config_file } => process::items(config_file.as_deref()).map(|lines| say(&lines)),
        Command::Serve { config_file } => probe()
            .map_err(StartError::Machine)
            .and_then(|()| process::serve(build, config_file.as_deref(), serve))
            .map(|()| ExitCode::SUCCESS),
    };
    result.unwrap_or_else(|error| {
        print_line(io::stderr(), &format!("namesrv-{runtime}: {error}"));
        ExitCode::from(START_FAILED)
    })
}

/// Prints what was asked for, and returns the exit status.
fn say(text: &str) -> ExitCode {
    match print(io::stdout(), text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_line(io::stderr(), &format!("cannot write: {error}"));
            ExitCode::from(CANNOT_WRITE)
        }
    }
}

fn health(address: Option<String>, config_file: Option<&Path>) -> ExitCode {
    let check = match HealthCheck::new(address, config_file) {
        Ok(check) => check,
        Err(error) => {
            print_line(io::stderr(), &error.to_string());
            return ExitCode::from(CANNOT_ASK);
        }
    };
    match check.ask() {
        Ok(()) => ExitCode::SUCCESS,
        Err(line) => {
            print_line(io::stderr(), &line);
            ExitCode::from(ANSWER_IS_NO)
        }
    }
}

fn check(config_file: Option<&Path>) -> ExitCode {
    match process::check(config_file) {
        Ok(()) => say("the server would start with these files\n"),
        Err(error) => {
            print_line(io::stderr(), &error.to_string());
            ExitCode::from(ANSWER_IS_NO)
        }
    }
}
