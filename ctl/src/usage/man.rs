//! `man`: the manual page, in roff.

use super::{STATUSES, options, spelling};
use crate::command::Command;
use crate::session::Session;

pub(crate) fn write(commands: &[Command], _session: &Session) -> String {
    of(commands)
}

/// Returns the manual page.
pub(crate) fn of(commands: &[Command]) -> String {
    let mut text = format!(
        ".TH NAMESRVCTL 1 \"\" \"namesrvctl {}\"\n\
         .SH NAME\nnamesrvctl \\- asks NameServers of Apache RocketMQ\n\
         .SH SYNOPSIS\n.B namesrvctl\n[OPTIONS] COMMAND [ARGUMENTS]\n.br\n.B namesrv\\-mio ctl\n[OPTIONS] COMMAND [ARGUMENTS]\n\
         .SH DESCRIPTION\nAsks NameServers, of RocketMQ and this one, over their own protocol.\nIt changes nothing.\n\
         Commands that name the second port ask a server of this project over HTTP.\n",
        env!("CARGO_PKG_VERSION")
    );
    text += ".SH COMMANDS\n";
    for command in commands {
        let names = command.alias.map_or_else(|| command.name.to_owned(), |alias| format!("{}|{alias}", command.name));
        text += &entry(&format!("{names} {}", command.usage), command.help);
    }
    text += ".SH OPTIONS\n";
    for (option, commands) in options(commands) {
        let of = if commands.is_empty() { String::new() } else { format!("({}) ", commands.join(", ")) };
        text += &entry(&spelling(option), &format!("{of}{}", option.help));
    }
    text += ".SH EXIT STATUS\n";
    for (status, meaning) in STATUSES {
        text += &entry(&status.to_string(), meaning);
    }
    text += ".SH ENVIRONMENT\n";
    for (name, meaning) in [
        ("NAMESRV_ADDR", "the NameServers, unless \\-n names them"),
        ("ROCKETMQ_HOME", "where conf/tools.yml is, unless \\-\\-tools names it"),
        ("NO_COLOR", "if it is not empty, titles are not bold"),
    ] {
        text += &format!(".TP\n.B {name}\n{meaning}\n");
    }
    text
}

fn entry(name: &str, meaning: &str) -> String {
    format!(".TP\n.B {}\n{}\n", roff(name.trim()), roff(meaning))
}

/// Escapes everything that roff would interpret.
fn roff(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-");
    if escaped.starts_with(['.', '\'']) { format!("\\&{escaped}") } else { escaped }
}
