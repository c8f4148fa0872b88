//! A command: its words, its options, and what it does. Help, completions and the manual page come from this.

use crate::failure::Failure;
use crate::options::{Argument, OptionRow};
use crate::report::{Format, Report};
use crate::session::Session;
use std::io::Write;

/// One command.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) name: &'static str,
    /// Another name.
    pub(crate) alias: Option<&'static str>,
    /// Its arguments, in words.
    pub(crate) usage: &'static str,
    /// Its first argument, which may have a list of known words.
    pub(crate) argument: Option<Argument>,
    /// How many arguments it takes.
    pub(crate) arguments: (usize, usize),
    /// Options that it has in addition to the common ones.
    pub(crate) options: &'static [&'static OptionRow],
    /// What it does, in one line.
    pub(crate) help: &'static str,
    pub(crate) run: Run,
}

/// What a command does.
#[derive(Debug)]
pub(crate) enum Run {
    /// Finds something out, and ends.
    Once(fn(&Session) -> Result<Outcome, Failure>),
    /// Writes continuously. Returns the exit status.
    Goes(fn(&Session, &mut Output<'_>) -> Result<u8, Failure>),
    /// Prints something about all commands.
    Prints(fn(&[Command], &Session) -> String),
}

/// The result of a command, with its exit status.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) report: Report,
    pub(crate) status: u8,
}

/// Where a continuous command writes.
pub(crate) struct Output<'a> {
    pub(crate) writer: &'a mut dyn Write,
    pub(crate) format: Format,
    pub(crate) is_colourful: bool,
}

impl From<Report> for Outcome {
    fn from(report: Report) -> Self {
        Self { report, status: 0 }
    }
}
