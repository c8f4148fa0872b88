//! The command line, read according to the table of commands.

use crate::command::Command;
use crate::escape::escape;
use crate::options::{COMMON, OptionRow, Options, words};
use lexopt::Arg;
use lexopt::prelude::ValueExt;
use std::ffi::OsString;

/// The contents of the command line.
#[derive(Debug)]
pub(crate) struct Arguments<'a> {
    /// `None` if there is only an option that works without a command.
    pub(crate) command: Option<&'a Command>,
    pub(crate) options: Options,
    /// The words after the name of the command.
    pub(crate) words: Vec<String>,
}

/// Reads the arguments after the program's name.
///
/// # Errors
/// What is wrong with them, in one line.
pub(crate) fn parse<'a>(
    arguments: impl IntoIterator<Item = OsString>,
    commands: &'a [Command],
) -> Result<Arguments<'a>, String> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut options = Options::default();
    let mut words = Vec::new();
    let mut own = Vec::new();
    while let Some(argument) = parser.next().map_err(shown)? {
        let option = match argument {
            Arg::Value(word) => {
                words.push(word.string().map_err(shown)?);
                continue;
            }
            Arg::Short(short) => find(commands, |option| option.short == Some(short)),
            Arg::Long(long) => find(commands, |option| option.long == long),
        };
        let Some(option) = option else { return Err(shown(argument.unexpected())) };
        let value = match option.argument {
            Some(_) => parser.value().and_then(ValueExt::string).map_err(shown)?,
            None => String::new(),
        };
        (option.set)(&mut options, &value).map_err(|error| format!("--{}: {error}", option.long))?;
        own.extend((!COMMON.iter().any(|common| common.long == option.long)).then_some(option));
    }
    if words.is_empty() {
        let needs_none = options.help || options.version;
        return if needs_none {
            Ok(Arguments { command: None, options, words })
        } else {
            Err("there is no command".to_owned())
        };
    }
    let name = words.remove(0);
    let command = commands.iter().find(|command| command.name == name || command.alias == Some(&name));
    let Some(command) = command else { return Err(format!("there is no command {}", escape(&name))) };
    check(command, &words, &own)?;
    Ok(Arguments { command: Some(command), options, words })
}

fn find(commands: &[Command], is_it: impl Fn(&OptionRow) -> bool) -> Option<&'static OptionRow> {
    let own = commands.iter().flat_map(|command| command.options.iter().copied());
    COMMON.iter().chain(own).find(|option| is_it(option))
}

fn check(command: &Command, given: &[String], own: &[&OptionRow]) -> Result<(), String> {
    let Command { name, usage, .. } = command;
    let (min, max) = command.arguments;
    if given.len() < min || given.len() > max {
        return Err(if max == 0 { format!("{name} takes no argument") } else { format!("write `{name} {usage}`") });
    }
    let known = words(command.argument);
    if let Some(word) = given.first().filter(|word| !known.is_empty() && !known.contains(&word.as_str())) {
        return Err(format!("{name} {}: write one of {}", escape(word), known.join(", ")));
    }
    match own.iter().find(|option| !command.options.iter().any(|own| own.long == option.long)) {
        Some(option) => Err(format!("{name} has no option --{}", option.long)),
        None => Ok(()),
    }
}

/// Errors quote the command line.
fn shown(error: lexopt::Error) -> String {
    escape(&error.to_string()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::COMMANDS;
    use crate::report::Format;

    fn read(line: &str) -> Result<(String, Options, Vec<String>), String> {
        let arguments = parse(line.split_whitespace().map(OsString::from), &COMMANDS)?;
        Ok((arguments.command.map_or("", |command| command.name).to_owned(), arguments.options, arguments.words))
    }

    #[test]
    fn options_stand_anywhere() {
        for line in [
            "-n a:1 -o json topic T",
            "topic T --namesrvAddr=a:1 --json",
            "topic -na:1 T -ojson",
            "-n a:1 route -- T --json",
        ] {
            let (name, options, words) = match read(line) {
                Err(error) if line.contains("-- T") => {
                    assert_eq!(error, "write `topic TOPIC`");
                    continue;
                }
                read => read.unwrap(),
            };
            assert_eq!((&*name, &*words), ("topic", &["T".to_owned()][..]), "{line}");
            assert_eq!(
                (options.format, options.addresses(None)),
                (Some(Format::Json), Ok(vec!["a:1".into()])),
                "{line}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line() {
        for (line, expected) in [
            ("", "there is no command"),
            ("frob", "there is no command frob"),
            ("brokers x", "brokers takes no argument"),
            ("topic", "write `topic TOPIC`"),
            ("topics --frob", "invalid option '--frob'"),
            ("topics --json=1", "unexpected argument for option '--json'"),
            ("topics -o", "missing argument for option '-o'"),
            ("topics -o xml", "--output: write table, wide, json or tsv"),
            ("topics -n a", "--namesrvAddr: a has no port"),
            ("topics --timeout soon", "--timeout: soon is no time"),
            ("topics --follow", "topics has no option --follow"),
            ("wait --brokers many", "--brokers: many is no number"),
            ("completions csh", "completions csh: write one of bash, zsh, fish"),
        ] {
            let error = read(line).unwrap_err();
            assert!(error.starts_with(expected) && error.lines().count() == 1, "{line}: {error}");
        }
        let hostile = parse(["\u{1b}[1m\n".into()], &COMMANDS).unwrap_err();
        assert_eq!(hostile, "there is no command \\u{1b}[1m\\n");
    }

    #[test]
    fn help_and_version_need_no_command() {
        assert!(read("--help").unwrap().1.help && read("-h topics").unwrap().1.help);
        assert!(read("--version").unwrap().1.version);
    }
}
