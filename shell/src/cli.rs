//! The command line: that of `mqnamesrv`, and `--version`.

use lexopt::prelude::{Long, Short, Value};
use std::ffi::OsString;
use std::path::PathBuf;

/// What `--help` prints, and a wrong command line after its message.
pub(crate) const USAGE: &str = "\
usage: mqnamesrv [-c <file>] [-h] [-n <list>] [-p] [--version]
 -c,--configFile <file>     properties file with the configuration
 -h,--help                  print this help
 -n,--namesrvAddr <list>    accepted, without effect
 -p,--printConfigItem       print every configuration item, then exit
    --version               print the version
";

/// What the operator asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Run.
    Serve { config_file: Option<PathBuf> },
    /// Print all configuration items.
    PrintItems { config_file: Option<PathBuf> },
    /// Print the usage.
    Help,
    /// Print the version.
    Version,
}

/// Reads the arguments after the program's name. Surplus words are ignored, as in Java.
///
/// # Errors
/// An unknown option or a missing argument.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let (mut config_file, mut print_items, mut help, mut version) = (None, false, false, false);
    while let Some(argument) = parser.next()? {
        match argument {
            Short('c') | Long("configFile") => config_file = Some(PathBuf::from(parser.value()?)),
            Short('n') | Long("namesrvAddr") => drop(parser.value()?),
            Short('p') | Long("printConfigItem") => print_items = true,
            Short('h') | Long("help") => help = true,
            Long("version") => version = true,
            Value(_) => {}
            Short(_) | Long(_) => return Err(argument.unexpected()),
        }
    }
    // Everything is read before anything counts: a wrong option is one even beside --help.
    Ok(match (help, version, print_items) {
        (true, _, _) => Command::Help,
        (false, true, _) => Command::Version,
        (false, false, true) => Command::PrintItems { config_file },
        (false, false, false) => Command::Serve { config_file },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(line: &str) -> Result<Command, lexopt::Error> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn every_form_is_understood() {
        let serve = |file: Option<&str>| Command::Serve { config_file: file.map(PathBuf::from) };
        let print = |file: Option<&str>| Command::PrintItems { config_file: file.map(PathBuf::from) };
        let table = [
            ("", serve(None)),
            ("-c f", serve(Some("f"))),
            ("--configFile f", serve(Some("f"))),
            ("--configFile=f", serve(Some("f"))),
            ("-c a -c b", serve(Some("b"))),
            ("-n 127.0.0.1:9876;127.0.0.1:9877 surplus words", serve(None)),
            ("--namesrvAddr=x -c f", serve(Some("f"))),
            ("-p", print(None)),
            ("-c f --printConfigItem", print(Some("f"))),
            ("-pc f", print(Some("f"))),
            ("-p -h", Command::Help),
            ("--help", Command::Help),
            ("--version -p", Command::Version),
        ];
        for (line, expected) in table {
            assert_eq!(parse_words(line).ok(), Some(expected), "{line}");
        }
    }

    #[test]
    fn unknown_options_and_missing_arguments_are_refused() {
        for line in ["-x", "--configfile f", "-c", "--configFile", "-n", "-h --nonsense", "--help=yes"] {
            assert!(parse_words(line).is_err(), "{line}");
        }
    }
}
