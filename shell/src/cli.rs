//! The command line of `mqnamesrv`, as commons-cli 1.5.0 reads it (Java: `NamesrvStartup`), and `--version`.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// The text of `--help`. It also follows the message about a wrong command line.
pub(crate) const USAGE: &str = "\
usage: mqnamesrv [-c <file>] [-h] [-n <list>] [-p] [--version] [--check] [--health [<address>]]
       mqnamesrv ctl <command>
 -c,--configFile <file>     properties file with the configuration
 -h,--help                  print this help
 -n,--namesrvAddr <list>    accepted, without effect
 -p,--printConfigItem       print every configuration item, then exit
    --version               print the version
    --check                 read all files as the start does: status 0 if they are good, 1 if not
    --health [<address>]    ask a NameServer whether it serves: status 0 if so, 1 if not
 ctl <command>              ask NameServers who is registered and more: see `ctl --help`
";

/// The most characters of an argument that are shown.
const SHOWN_MAX: usize = 60;
/// The most ignored arguments that are named.
const NAMED_MAX: usize = 20;

/// What the operator asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Run.
    Serve { config_file: Option<PathBuf> },
    /// Print all configuration keys.
    PrintItems { config_file: Option<PathBuf> },
    /// Read all files and report what is wrong with them.
    Check { config_file: Option<PathBuf> },
    /// Ask the server at this address, or at the one in the file, whether it serves.
    Health { address: Option<String>, config_file: Option<PathBuf> },
    /// Print the usage.
    Help,
    /// Print the version.
    Version,
}

/// What the arguments say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommandLine {
    pub(crate) command: Command,
    /// Lines about arguments without effect.
    pub(crate) warnings: Vec<String>,
}

/// Why a command line is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CliError {
    #[error("unrecognized option: {}{}", shown(.0), advice(.0))]
    Unrecognized(Vec<u8>),
    #[error("{} begins more than one option: write one of {}", shown(.0), .1.join(", "))]
    Ambiguous(Vec<u8>, Vec<&'static str>),
    #[error("-{0} needs an argument: write `-{0} <{1}>`")]
    MissingArgument(char, &'static str),
    #[error("{} begins with `{dash}` (U+{:04X}), which is not a hyphen: write `{}`", shown(.argument), u32::from(*.dash), hyphenated(.argument))]
    PastedDash { argument: Vec<u8>, dash: char },
}

/// An option of the Java server.
#[derive(Debug, PartialEq, Eq)]
struct JavaOption {
    short: u8,
    long: &'static str,
    /// The name of its argument, if it has one.
    argument: Option<&'static str>,
}

const CONFIG_FILE: JavaOption = JavaOption { short: b'c', long: "configFile", argument: Some("file") };
const HELP: JavaOption = JavaOption { short: b'h', long: "help", argument: None };
const NAMESRV_ADDR: JavaOption = JavaOption { short: b'n', long: "namesrvAddr", argument: Some("list") };
const PRINT_ITEMS: JavaOption = JavaOption { short: b'p', long: "printConfigItem", argument: None };
const OPTIONS: [&JavaOption; 4] = [&CONFIG_FILE, &HELP, &NAMESRV_ADDR, &PRINT_ITEMS];

/// Options that only this server has. Only their full names count, so prefixes keep their meaning from Java.
const VERSION: &[u8] = b"--version";
const CHECK: &[u8] = b"--check";
const HEALTH: &[u8] = b"--health";
const HEALTH_AT: &[u8] = b"--health=";

/// Reads the arguments after the program's name.
///
/// # Errors
/// An unknown option, a missing argument, or a dash from a document in place of a hyphen.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<CommandLine, CliError> {
    let mut parser = Parser::default();
    for argument in arguments {
        parser.take(argument.into_vec())?;
    }
    parser.end_option()?;
    // Everything is read before anything takes effect: a wrong option is an error even beside --help.
    Ok(CommandLine { command: parser.command(), warnings: parser.warnings() })
}

/// The `DefaultParser` of commons-cli.
#[derive(Default)]
struct Parser {
    /// An option that still needs its argument.
    open: Option<&'static JavaOption>,
    /// Whether all remaining arguments are words and not options.
    only_words: bool,
    found: Vec<&'static JavaOption>,
    version: bool,
    check: bool,
    health: bool,
    address: Option<Vec<u8>>,
    config_files: Vec<Vec<u8>>,
    words: Vec<Vec<u8>>,
}

impl Parser {
    fn command(&self) -> Command {
        let config_file = self.config_files.first().map(|path| PathBuf::from(OsStr::from_bytes(path)));
        if self.found.contains(&&HELP) {
            Command::Help
        } else if self.version {
            Command::Version
        } else if self.check {
            Command::Check { config_file }
        } else if self.health {
            let address = self.address.as_ref().or(self.address_word());
            Command::Health { address: address.map(|word| String::from_utf8_lossy(word).into_owned()), config_file }
        } else if self.found.contains(&&PRINT_ITEMS) {
            Command::PrintItems { config_file }
        } else {
            Command::Serve { config_file }
        }
    }

    /// Returns the word behind `--health`, which may be the address.
    fn address_word(&self) -> Option<&Vec<u8>> {
        self.words.first().filter(|_| self.health && self.address.is_none())
    }

    fn warnings(&self) -> Vec<String> {
        let more_files = self.config_files.get(1..).unwrap_or_default();
        let more_files = more_files.iter().map(|path| format!("-c {}", shown(path)));
        let ignored: Vec<_> = more_files
            .chain(
                self.words.iter().skip(usize::from(self.address_word().is_some())).map(|word| shown(word).to_string()),
            )
            .collect();
        let named = ignored.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
        match ignored.len() {
            0 => Vec::new(),
            count @ 1..=NAMED_MAX => {
                vec![format!("ignored argument{}: {named}", if count == 1 { "" } else { "s" })]
            }
            count => vec![format!("ignored arguments: {named} and {} more", count - NAMED_MAX)],
        }
    }

    fn take(&mut self, token: Vec<u8>) -> Result<(), CliError> {
        if self.only_words {
            self.words.push(token);
            return Ok(());
        }
        if let Some(dash) = pasted_dash(&token) {
            return Err(CliError::PastedDash { argument: token, dash });
        }
        match (self.open, &*token) {
            (_, b"--") => self.only_words = true,
            (Some(_), _) if !is_option(&token) => self.close(without_quotes(token)),
            (_, VERSION) => {
                self.end_option()?;
                self.version = true;
            }
            (_, CHECK) => {
                self.end_option()?;
                self.check = true;
            }
            (_, HEALTH) => {
                self.end_option()?;
                self.health = true;
            }
            (_, at) if at.starts_with(HEALTH_AT) => {
                self.end_option()?;
                self.health = true;
                self.address = at.strip_prefix(HEALTH_AT).map(<[u8]>::to_vec);
            }
            (_, [b'-', b'-', ..]) => self.take_long(&token)?,
            (_, [b'-', _, ..]) => self.take_short_or_long(&token)?,
            _ => self.words.push(token),
        }
        Ok(())
    }

    /// Reads `--name` or `--name=value`, with the name in full or abbreviated.
    fn take_long(&mut self, token: &[u8]) -> Result<(), CliError> {
        let (name, value) = split_value(token);
        let option = match *matching(name) {
            [] => return Err(CliError::Unrecognized(token.to_vec())),
            [option] => option,
            ref several => {
                let names = several.iter().map(|option| option.long).collect();
                return Err(CliError::Ambiguous(token.to_vec(), names));
            }
        };
        match value {
            Some(_) if option.argument.is_none() => return Err(CliError::Unrecognized(token.to_vec())),
            Some(value) => {
                self.open(option)?;
                self.close(value.to_vec());
            }
            None => self.open(option)?,
        }
        Ok(())
    }

    /// Reads `-c`, `-c=value`, `-cvalue`, `-pc value`, and every form that may also follow two dashes.
    fn take_short_or_long(&mut self, token: &[u8]) -> Result<(), CliError> {
        let (name, value) = split_value(token);
        match (name, value) {
            (&[short], None) => match short_option(short) {
                Some(option) => self.open(option),
                None => Err(CliError::Unrecognized(token.to_vec())),
            },
            (&[short], Some(value)) => match short_option(short).filter(|option| option.argument.is_some()) {
                Some(option) => {
                    self.open(option)?;
                    self.close(value.to_vec());
                    Ok(())
                }
                None => Err(CliError::Unrecognized(token.to_vec())),
            },
            (_, Some(_)) => self.take_long(token),
            (name, None) if !matching(name).is_empty() => self.take_long(token),
            (name, None) => match long_prefix(name).filter(|option| option.argument.is_some()) {
                Some(option) => {
                    self.open(option)?;
                    self.close(name[option.long.len()..].to_vec());
                    Ok(())
                }
                None => self.take_short_ones(token),
            },
        }
    }

    /// Reads several short options behind one dash. After the first one with an argument, the rest is that argument.
    fn take_short_ones(&mut self, token: &[u8]) -> Result<(), CliError> {
        for (index, short) in token.iter().enumerate().skip(1) {
            let Some(option) = short_option(*short) else { return Err(CliError::Unrecognized(token.to_vec())) };
            self.open(option)?;
            let rest = &token[index + 1..];
            if option.argument.is_some() && !rest.is_empty() {
                self.close(rest.to_vec());
                break;
            }
        }
        Ok(())
    }

    fn open(&mut self, option: &'static JavaOption) -> Result<(), CliError> {
        self.end_option()?;
        self.found.push(option);
        self.open = option.argument.is_some().then_some(option);
        Ok(())
    }

    /// Gives the open option its argument.
    fn close(&mut self, value: Vec<u8>) {
        if self.open.take() == Some(&CONFIG_FILE) {
            self.config_files.push(value);
        }
    }

    /// Ends the open option, which gets no argument.
    fn end_option(&mut self) -> Result<(), CliError> {
        match self.open {
            Some(JavaOption { short, argument: Some(argument), .. }) => {
                Err(CliError::MissingArgument(char::from(*short), argument))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Whether a token cannot be the argument of the option before it.
fn is_option(token: &[u8]) -> bool {
    let [b'-', rest @ ..] = token else { return false };
    let (name, _) = split_value(token);
    let begins_short = rest.first().is_some_and(|short| short_option(*short).is_some());
    let is_short = matches!(*split_value(rest).0, [short] if short_option(short).is_some());
    let is_long = !matching(name).is_empty() || (!rest.starts_with(b"-") && long_prefix(name).is_some());
    !rest.is_empty() && (begins_short || is_short || is_long || [VERSION, CHECK, HEALTH].contains(&token))
}

/// Splits an option into its name, without dashes, and what follows the first `=`.
fn split_value(token: &[u8]) -> (&[u8], Option<&[u8]>) {
    let name = token.strip_prefix(b"--").or_else(|| token.strip_prefix(b"-")).unwrap_or(token);
    match name.iter().position(|byte| *byte == b'=') {
        Some(end) => (&name[..end], Some(&name[end + 1..])),
        None => (name, None),
    }
}

fn short_option(short: u8) -> Option<&'static JavaOption> {
    OPTIONS.into_iter().find(|option| option.short == short)
}

/// Returns the option with this long name, or else all options whose long names begin with it.
fn matching(name: &[u8]) -> Vec<&'static JavaOption> {
    let begins = |option: &&JavaOption| option.long.as_bytes().starts_with(name);
    OPTIONS.into_iter().filter(begins).collect()
}

/// Returns the option whose long name is followed by at least two more characters.
fn long_prefix(name: &[u8]) -> Option<&'static JavaOption> {
    OPTIONS.into_iter().find(|option| name.len() > option.long.len() + 1 && name.starts_with(option.long.as_bytes()))
}

/// Removes quotation marks that no shell removed.
fn without_quotes(token: Vec<u8>) -> Vec<u8> {
    match &*token {
        [b'"', inner @ .., b'"'] if !inner.contains(&b'"') => inner.to_vec(),
        _ => token,
    }
}

/// Returns the dash at the beginning, if it is one that word processors and web pages write in place of a hyphen.
fn pasted_dash(token: &[u8]) -> Option<char> {
    let first = first_character(token)?;
    matches!(first, '\u{AD}' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' | '\u{FF0D}')
        .then_some(first)
}

fn first_character(token: &[u8]) -> Option<char> {
    token.utf8_chunks().next()?.valid().chars().next()
}

/// Returns what the user meant: one hyphen before a single letter, two before a name.
fn hyphenated(token: &[u8]) -> String {
    let text = String::from_utf8_lossy(token);
    let name = text.trim_start_matches(|dash: char| dash == '-' || pasted_dash(dash.to_string().as_bytes()).is_some());
    let (whole, _) = split_value(name.as_bytes());
    let dashes = if whole.len() <= 1 || matching(whole).is_empty() { "-" } else { "--" };
    format!("{dashes}{}", shown(name.as_bytes()))
}

/// Names the option that differs only in case.
fn advice(token: &[u8]) -> String {
    let (name, _) = split_value(token);
    let meant = OPTIONS.into_iter().find(|option| option.long.as_bytes().eq_ignore_ascii_case(name));
    meant.map(|option| format!(": write `--{}`", option.long)).unwrap_or_default()
}

/// Returns an argument as a log line can show it.
fn shown(token: &[u8]) -> Cow<'static, str> {
    if token.is_empty() {
        return "''".into();
    }
    let text = String::from_utf8_lossy(token);
    let mut cut: String = text.chars().take(SHOWN_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN_MAX).is_some() {
        cut.push('…');
    }
    cut.into()
}

/// Whether an unreadable command line was meant as a question. Its exit status must not look like an answer.
pub(crate) fn asks(mut arguments: impl Iterator<Item = OsString>) -> bool {
    arguments.any(|argument| argument == "--check" || argument.as_bytes().starts_with(HEALTH))
}

#[cfg(test)]
mod tests;
