//! Asks NameServers: the command-line client inside the server binaries, as `ctl` or under the name `namesrvctl`.
//!
//! It speaks the remoting protocol, so it can also ask Java's servers, and HTTP with the second port of this project's
//! servers. It changes nothing. It has no threads, and never waits longer than its time limits. It limits everything
//! that a server sends, and escapes it before a terminal sees it.
//!
//! It depends only on the core. The caller passes in what TLS needs of files: see [`Secure`].

mod admin;
mod answer;
mod arguments;
mod ask_error;
mod bodies;
mod client;
mod command;
mod commands;
mod comparison;
mod escape;
mod facts;
mod failure;
mod health;
mod options;
mod questions;
mod report;
mod secure;
mod session;
mod setup;
mod timed;
mod tools_file;
mod usage;

pub use answer::Answer;
pub use ask_error::{AskError, Unanswered};
pub use client::{Client, Question, Way};
pub use comparison::compare_routes;
pub use facts::{Difference, Kind, Subject};
pub use health::check_health;
pub use options::check_address;
pub use secure::{Secure, TlsFiles};
pub use timed::Timed;
pub use tools_file::Keys;

use arguments::{Arguments, parse};
use command::{Command, Output, Run};
use commands::COMMANDS;
use escape::escape;
use failure::Failure;
use report::Format;
use session::Session;
use setup::session;
use std::env::var_os;
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

/// The name under which a server binary runs as this client.
pub const PROGRAM: &str = "namesrvctl";
/// The first argument with which a server binary runs as this client.
pub const COMMAND: &str = "ctl";

/// Whether a process with these arguments, including its name, runs as this client. Returns the name that the client
/// shows, and the number of arguments to skip.
#[must_use]
pub fn is_called(arguments: &[OsString]) -> Option<(String, usize)> {
    let name = Path::new(arguments.first()?).file_name()?;
    if name == OsStr::new(PROGRAM) {
        return Some((PROGRAM.to_owned(), 1));
    }
    let is_command = arguments.get(1).is_some_and(|argument| argument == COMMAND);
    is_command.then(|| (format!("{} {COMMAND}", escape(&name.to_string_lossy())), 2))
}

/// Runs the client: reads the arguments after its name, asks, and writes. `program` is the name that it shows.
pub fn run(program: &str, arguments: impl IntoIterator<Item = OsString>, secure: Secure) -> ExitCode {
    let arguments = match parse(arguments, &COMMANDS) {
        Ok(arguments) => arguments,
        Err(line) => return fail(program, &Failure::Usage(format!("{line}: see `{program} --help`"))),
    };
    let result = start(program, arguments, secure);
    match result {
        Ok(status) => ExitCode::from(status),
        // The reader has seen enough.
        Err(Failure::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => fail(program, &failure),
    }
}

fn fail(program: &str, failure: &Failure) -> ExitCode {
    warn(&format!("{program}: {failure}"));
    ExitCode::from(failure.status())
}

/// Writes a line to standard error. There may be no reader.
fn warn(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

fn start(program: &str, arguments: Arguments<'_>, secure: Secure) -> Result<u8, Failure> {
    let Arguments { command, options, words } = arguments;
    let is_terminal = io::stdout().is_terminal();
    let mut writer = io::BufWriter::new(io::stdout().lock());
    let format = options.format.unwrap_or(if is_terminal { Format::Table } else { Format::Tsv });
    let no_color = var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let mut output = Output { writer: &mut writer, format, is_colourful: is_terminal && !no_color };
    if options.version {
        writeln!(output.writer, "{PROGRAM} {}", env!("CARGO_PKG_VERSION"))?;
        output.writer.flush()?;
        return Ok(0);
    }
    let help = options.help.then(|| COMMANDS.iter().find(|command| command.name == "help")).flatten();
    let Some(command) = help.or(command) else { return Err(Failure::Usage("there is no command".to_owned())) };
    let session = session(program, options, words, command, secure, warn)?;
    let status = run_command(command, &session, &mut output)?;
    output.writer.flush()?;
    Ok(status)
}

fn run_command(command: &Command, session: &Session, output: &mut Output<'_>) -> Result<u8, Failure> {
    match command.run {
        Run::Once(find_out) => {
            let outcome = find_out(session)?;
            outcome.report.write(output.writer, output.format, output.is_colourful)?;
            Ok(outcome.status)
        }
        Run::Goes(go) => go(session, output),
        Run::Prints(text) => {
            output.writer.write_all(text(&COMMANDS, session).as_bytes())?;
            Ok(0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_binary_is_this_client_by_its_name_or_first_argument() {
        let called = |arguments: &[&str]| is_called(&arguments.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(called(&["/usr/bin/namesrvctl", "topics"]), Some(("namesrvctl".to_owned(), 1)));
        assert_eq!(called(&["./namesrv-mio", "ctl", "topics"]), Some(("namesrv-mio ctl".to_owned(), 2)));
        for server in [&["namesrv-mio"][..], &["namesrv-mio", "-c", "ctl"], &["mqnamesrv", "namesrvctl"], &[]] {
            assert_eq!(called(server), None);
        }
    }
}
