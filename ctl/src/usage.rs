//! Texts about all commands: help, completions and the manual page, all from the same table of commands.

pub(crate) mod completions;
pub(crate) mod help;
pub(crate) mod man;

use crate::command::Command;
use crate::options::{COMMON, OptionRow};

/// Exit statuses with their meanings.
const STATUSES: [(u8, &str); 4] = [
    (0, "done; `diff`: equal; `health`: every server serves"),
    (1, "no answer, an error, or no"),
    (2, "the command line is wrong"),
    (3, "`diff`: the servers differ"),
];

/// Returns every option with the commands that have it. All commands have the common options.
pub(crate) fn options(commands: &[Command]) -> Vec<(&'static OptionRow, Vec<&'static str>)> {
    let mut options: Vec<_> = COMMON.iter().map(|option| (option, Vec::new())).collect();
    for command in commands {
        for option in command.options {
            match options.iter_mut().find(|(known, _)| known.long == option.long) {
                Some((_, names)) => names.push(command.name),
                None => options.push((option, vec![command.name])),
            }
        }
    }
    options
}

/// Writes an option: `-o, --output FORMAT`.
fn spelling(option: &OptionRow) -> String {
    let short = option.short.map_or_else(|| "    ".to_owned(), |short| format!("-{short}, "));
    let argument = option.argument.map(|argument| format!(" {}", argument.name)).unwrap_or_default();
    format!("{short}--{}{argument}", option.long)
}
