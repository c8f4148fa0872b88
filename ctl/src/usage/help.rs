//! `help`.

use super::{STATUSES, options, spelling};
use crate::command::Command;
use crate::session::Session;

/// Width of the column before an explanation.
const LEFT: usize = 30;

pub(crate) fn write(commands: &[Command], session: &Session) -> String {
    of(commands, &session.program)
}

/// Returns the help of a program with this name.
pub(crate) fn of(commands: &[Command], program: &str) -> String {
    let mut text = format!(
        "usage: {program} [OPTIONS] COMMAND [ARGUMENTS]\n\nAsks NameServers, of RocketMQ and this one. It changes nothing.\n\ncommands:\n"
    );
    for command in commands {
        let names = command.alias.map_or_else(|| command.name.to_owned(), |alias| format!("{}|{alias}", command.name));
        text += &line(&format!("{names} {}", command.usage), command.help);
    }
    text += "\noptions:\n";
    for (option, commands) in options(commands) {
        let of = if commands.is_empty() { String::new() } else { format!("{}: ", commands.join(", ")) };
        text += &line(&spelling(option), &format!("{of}{}", option.help));
    }
    text += "\nexit status:\n";
    for (status, meaning) in STATUSES {
        text += &line(&status.to_string(), meaning);
    }
    text
}

fn line(left: &str, right: &str) -> String {
    format!("  {:<LEFT$}  {right}\n", left.trim_end())
}
