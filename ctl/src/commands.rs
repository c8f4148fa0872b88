//! All commands, in the order of the help.

mod admin_pages;
mod brokers;
mod config;
mod diff;
mod events;
mod health;
mod kv;
mod top;
mod topics;
mod wait;
mod watch;

use crate::command::{Command, Run};
use crate::options::{AFTER, Argument, BROKERS, CLOSED, COUNT, FOLLOW, INTERVAL, Kind, ONLY, READY, TYPE};
use crate::usage::{completions, help, man};

const fn text(name: &'static str) -> Option<Argument> {
    Some(Argument { name, kind: Kind::Text })
}

const SHELLS: Argument = Argument { name: "SHELL", kind: Kind::OneOf(&["bash", "zsh", "fish"]) };

/// A command without its own words and options.
const PLAIN: Command = Command {
    name: "",
    alias: None,
    usage: "",
    argument: None,
    arguments: (0, 0),
    options: &[],
    help: "",
    run: Run::Prints(help::write),
};

/// All commands.
pub(crate) static COMMANDS: [Command; 19] = [
    Command {
        name: "brokers",
        help: "list brokers; --admin adds when each was heard last",
        run: Run::Once(brokers::brokers),
        ..PLAIN
    },
    Command {
        name: "clusters",
        help: "list clusters with their broker groups",
        run: Run::Once(brokers::clusters),
        ..PLAIN
    },
    Command { name: "topics", help: "list topics", run: Run::Once(topics::topics), ..PLAIN },
    Command {
        name: "topic",
        alias: Some("route"),
        usage: "TOPIC",
        argument: text("TOPIC"),
        arguments: (1, 1),
        help: "show where a topic is",
        run: Run::Once(topics::topic),
        ..PLAIN
    },
    Command {
        name: "config",
        help: "list configuration keys; --admin adds where each value comes from",
        run: Run::Once(config::config),
        ..PLAIN
    },
    Command {
        name: "kv",
        usage: "[NAMESPACE [KEY]]",
        argument: text("NAMESPACE"),
        arguments: (0, 2),
        help: "list KV entries of a namespace: ORDER_TOPIC_CONFIG",
        run: Run::Once(kv::kv),
        ..PLAIN
    },
    Command {
        name: "health",
        help: "ask each NameServer whether it answers route queries",
        run: Run::Once(health::health),
        ..PLAIN
    },
    Command {
        name: "diff",
        usage: "[ADDR ADDR...]",
        argument: text("ADDR"),
        arguments: (0, 64),
        options: &[&ONLY],
        help: "show where NameServers differ: status 0 equal, 3 different",
        run: Run::Once(diff::diff),
        ..PLAIN
    },
    Command {
        name: "wait",
        options: &[&BROKERS, &READY],
        help: "wait for brokers, or for route queries to be answered",
        run: Run::Goes(wait::wait),
        ..PLAIN
    },
    Command {
        name: "watch",
        usage: "TOPIC",
        argument: text("TOPIC"),
        arguments: (1, 1),
        options: &[&INTERVAL, &COUNT],
        help: "write a line for each change of a route",
        run: Run::Goes(watch::watch),
        ..PLAIN
    },
    Command {
        name: "top",
        options: &[&INTERVAL, &COUNT],
        help: "write a line of rates for each interval (second port)",
        run: Run::Goes(top::top),
        ..PLAIN
    },
    Command {
        name: "status",
        help: "show version, state, counts and limits (second port)",
        run: Run::Once(admin_pages::status),
        ..PLAIN
    },
    Command {
        name: "connections",
        options: &[&CLOSED],
        help: "list connections (second port)",
        run: Run::Once(admin_pages::connections),
        ..PLAIN
    },
    Command {
        name: "events",
        options: &[&FOLLOW, &AFTER, &TYPE],
        help: "list what happened (second port)",
        run: Run::Goes(events::events),
        ..PLAIN
    },
    Command {
        name: "errors",
        help: "list the last refused requests of each kind (second port)",
        run: Run::Once(admin_pages::errors),
        ..PLAIN
    },
    Command {
        name: "misses",
        help: "list topics that clients ask for in vain (second port)",
        run: Run::Once(admin_pages::misses),
        ..PLAIN
    },
    Command {
        name: "completions",
        usage: "SHELL",
        argument: Some(SHELLS),
        arguments: (1, 1),
        help: "print completions for bash, zsh or fish",
        run: Run::Prints(completions::write),
        ..PLAIN
    },
    Command { name: "man", help: "print the manual page", run: Run::Prints(man::write), ..PLAIN },
    Command { name: "help", help: "print this help", run: Run::Prints(help::write), ..PLAIN },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::options;

    /// Help, the manual page and the completions of each shell have every command and every option.
    #[test]
    fn nothing_is_left_out_anywhere() {
        let texts = [
            ("help", help::of(&COMMANDS, "ctl")),
            ("man", man::of(&COMMANDS).replace("\\-", "-")),
            ("bash", completions::of(&COMMANDS, "bash")),
            ("zsh", completions::of(&COMMANDS, "zsh")),
            ("fish", completions::of(&COMMANDS, "fish")),
        ];
        for (name, text) in &texts {
            for command in &COMMANDS {
                assert!(has_word(text, command.name), "{name} lacks {}", command.name);
            }
            for (option, _) in options(&COMMANDS) {
                let spelling =
                    if *name == "fish" { format!("-l {}", option.long) } else { format!("--{}", option.long) };
                assert!(has_word(text, &spelling), "{name} lacks {spelling}");
            }
        }
    }

    fn has_word(text: &str, word: &str) -> bool {
        let is_part = |character: Option<char>| {
            character.is_some_and(|character| character.is_alphanumeric() || character == '-')
        };
        text.match_indices(word).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            !is_part(before) && !is_part(text[at + word.len()..].chars().next())
        })
    }

    #[test]
    fn names_are_unique_and_lines_are_short() {
        let mut names: Vec<_> =
            COMMANDS.iter().flat_map(|command| [Some(command.name), command.alias]).flatten().collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
        for line in help::of(&COMMANDS, "namesrv-async-std ctl").lines() {
            assert!(line.len() <= 110, "{line}");
        }
    }
}
