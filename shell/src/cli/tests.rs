//! `tests/field/command-lines.tsv` lists command lines with what the Java server does and what this server does.
//!
//! `UPDATE_EXPECTED=1` writes what this server does into the table.

use super::*;
use crate::field_table;

fn parse_words(line: &str) -> Result<CommandLine, CliError> {
    let words = line.split(' ').filter(|word| !word.is_empty());
    parse(words.map(|word| OsString::from(if word == "''" { "" } else { word })))
}

fn outcome(line: &str) -> String {
    let CommandLine { command, warnings } = match parse_words(line) {
        Ok(line) => line,
        Err(error) => return format!("refused: {error}"),
    };
    let (verb, file) = match command {
        Command::Serve { config_file } => ("serve", config_file),
        Command::PrintItems { config_file } => ("print", config_file),
        Command::Check { config_file } => ("check", config_file),
        Command::Health { address, config_file } => {
            return format!("health address={address:?} file={config_file:?}");
        }
        Command::Help => return "help".to_owned(),
        Command::Version => return "version".to_owned(),
    };
    let file = file.map(|file| format!(" file={}", file.display())).unwrap_or_default();
    let ignored = warnings.first().map(|line| format!(" ignored=[{}]", line.split_once(": ").unwrap().1));
    format!("{verb}{file}{}", ignored.unwrap_or_default())
}

/// Whether both refuse, each in its own words, or both do the same.
fn is_alike(java: &str, here: &str) -> bool {
    java == here || (java.starts_with("refused: ") && here.starts_with("refused: "))
}

#[test]
fn every_command_line_means_what_it_means_to_the_java_server() {
    field_table::hold("command-lines.tsv", 2, |columns| {
        let [words, java, _, reason] = columns[..] else { panic!("{columns:?}") };
        let here = outcome(words);
        assert!(is_alike(java, &here) || !reason.is_empty(), "{words}: {java} in Java, {here} here");
        if java == here { "the same".to_owned() } else { here }
    });
}

#[test]
fn questions_have_whole_names() {
    for (line, expected) in [
        ("--check", "check"),
        ("-c f --check", "check file=f"),
        ("--health", "health address=None file=None"),
        ("--health a:1 more", "health address=Some(\"a:1\") file=None"),
        ("--health=a:1", "health address=Some(\"a:1\") file=None"),
        ("--health -c f", "health address=None file=Some(\"f\")"),
        ("--health --version", "version"),
    ] {
        assert_eq!(outcome(line), expected, "{line}");
    }
    assert!(outcome("--healt").starts_with("refused: "));
    assert!(asks([OsString::from("-x"), OsString::from("--health=a:1")].into_iter()));
}
