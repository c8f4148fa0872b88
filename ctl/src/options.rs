//! The options of every command, with the functions that read them.

use crate::escape::escape;
use crate::report::Format;
use std::path::PathBuf;
use std::time::Duration;

/// The default address of a NameServer.
const DEFAULT_ADDRESS: &str = "127.0.0.1:9876";
/// The default time limit of an answer.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3);
/// The shortest and longest interval of continuous commands.
const INTERVALS: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(24 * 3600));

/// One option.
#[derive(Debug)]
pub(crate) struct OptionRow {
    pub(crate) short: Option<char>,
    pub(crate) long: &'static str,
    pub(crate) argument: Option<Argument>,
    /// What it does, in the form that follows its name in a list.
    pub(crate) help: &'static str,
    /// Sets the option. The text is empty if the option has no argument.
    pub(crate) set: fn(&mut Options, &str) -> Result<(), String>,
}

/// The argument of an option or a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Argument {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

/// The kind of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any text.
    Text,
    /// The path of a file.
    File,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

/// Returns the words that an argument may be, or none if it may be anything.
pub(crate) const fn words(argument: Option<Argument>) -> &'static [&'static str] {
    match argument {
        Some(Argument { kind: Kind::OneOf(words), .. }) => words,
        Some(Argument { kind: Kind::Text | Kind::File, .. }) | None => &[],
    }
}

/// The values of all options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    addresses: Option<Vec<String>>,
    pub(crate) admin: Option<String>,
    pub(crate) format: Option<Format>,
    timeout: Option<Duration>,
    pub(crate) tls: bool,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) insecure: bool,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) key_password_file: Option<PathBuf>,
    pub(crate) tools: Option<PathBuf>,
    pub(crate) brokers: Option<usize>,
    pub(crate) ready: bool,
    pub(crate) follow: bool,
    pub(crate) closed: bool,
    interval: Option<Duration>,
    pub(crate) count: Option<usize>,
    pub(crate) only: Vec<String>,
    pub(crate) after: Option<String>,
    pub(crate) event_type: Option<String>,
    pub(crate) help: bool,
    pub(crate) version: bool,
}

const fn option(
    short: Option<char>,
    long: &'static str,
    argument: Option<Argument>,
    help: &'static str,
    set: fn(&mut Options, &str) -> Result<(), String>,
) -> OptionRow {
    OptionRow { short, long, argument, help, set }
}

const fn text(name: &'static str) -> Option<Argument> {
    Some(Argument { name, kind: Kind::Text })
}

const fn file() -> Option<Argument> {
    Some(Argument { name: "FILE", kind: Kind::File })
}

const fn one_of(name: &'static str, words: &'static [&'static str]) -> Option<Argument> {
    Some(Argument { name, kind: Kind::OneOf(words) })
}

/// Options of all commands.
pub(crate) static COMMON: [OptionRow; 14] = [
    option(
        Some('n'),
        "namesrvAddr",
        text("ADDR[;ADDR]"),
        "the NameServers; $NAMESRV_ADDR, else 127.0.0.1:9876",
        |options, value| {
            options.addresses = Some(addresses(value)?);
            Ok(())
        },
    ),
    option(None, "admin", text("URL"), "the second port of the server, which knows more", |options, value| {
        options.admin = Some(value.to_owned());
        Ok(())
    }),
    option(
        Some('o'),
        "output",
        one_of("FORMAT", &["table", "wide", "json", "tsv"]),
        "table (on a terminal), wide, json or tsv (else)",
        |options, value| {
            options.format = Some(Format::from_name(value).ok_or("write table, wide, json or tsv")?);
            Ok(())
        },
    ),
    option(None, "json", None, "the same as -o json", |options, _| {
        options.format = Some(Format::Json);
        Ok(())
    }),
    option(
        None,
        "timeout",
        text("TIME"),
        "how long one answer, or all of `wait`, may take: 3s (wait: 60s)",
        |options, value| {
            options.timeout = Some(time(value)?);
            Ok(())
        },
    ),
    option(None, "tls", None, "connect over TLS", |options, _| {
        options.tls = true;
        Ok(())
    }),
    option(
        None,
        "ca",
        file(),
        "PEM file with the CAs that the server's certificate is checked against",
        |options, value| {
            options.ca = Some(value.into());
            Ok(())
        },
    ),
    option(None, "insecure", None, "believe any certificate", |options, _| {
        options.insecure = true;
        Ok(())
    }),
    option(None, "cert", file(), "PEM file with the certificate that is shown to the server", |options, value| {
        options.certificate = Some(value.into());
        Ok(())
    }),
    option(None, "key", file(), "PEM file with its private key", |options, value| {
        options.key = Some(value.into());
        Ok(())
    }),
    option(None, "key-password-file", file(), "file whose first line opens the private key", |options, value| {
        options.key_password_file = Some(value.into());
        Ok(())
    }),
    option(
        None,
        "tools",
        file(),
        "mqadmin's file with accessKey and secretKey; $ROCKETMQ_HOME/conf/tools.yml",
        |options, value| {
            options.tools = Some(value.into());
            Ok(())
        },
    ),
    option(Some('h'), "help", None, "print this help", |options, _| {
        options.help = true;
        Ok(())
    }),
    option(None, "version", None, "print the version", |options, _| {
        options.version = true;
        Ok(())
    }),
];

pub(crate) static BROKERS: OptionRow =
    option(None, "brokers", text("N"), "until so many brokers are registered", |options, value| {
        options.brokers = Some(number(value)?);
        Ok(())
    });
pub(crate) static READY: OptionRow = option(None, "ready", None, "until route queries are answered", |options, _| {
    options.ready = true;
    Ok(())
});
pub(crate) static FOLLOW: OptionRow =
    option(None, "follow", None, "go on with those that happen from now on", |options, _| {
        options.follow = true;
        Ok(())
    });
pub(crate) static CLOSED: OptionRow =
    option(None, "closed", None, "those that were closed last, with the reason", |options, _| {
        options.closed = true;
        Ok(())
    });
pub(crate) static INTERVAL: OptionRow =
    option(None, "interval", text("TIME"), "time between two looks: 1s", |options, value| {
        let interval = time(value)?;
        if (INTERVALS.0..=INTERVALS.1).contains(&interval) {
            options.interval = Some(interval);
            Ok(())
        } else {
            Err("write a time from 10ms to 24h".to_owned())
        }
    });
pub(crate) static COUNT: OptionRow = option(None, "count", text("N"), "end after so many lines", |options, value| {
    options.count = Some(number(value)?);
    Ok(())
});
pub(crate) static ONLY: OptionRow = option(
    None,
    "only",
    text("KINDS"),
    "brokers, clusters, topics, config: with commas; else all",
    |options, value| {
        options.only = value.split(',').map(str::trim).map(str::to_owned).collect();
        Ok(())
    },
);
pub(crate) static AFTER: OptionRow =
    option(None, "after", text("SEQ"), "events that come after the one with this number", |options, value| {
        options.after = Some(number(value)?.to_string());
        Ok(())
    });
pub(crate) static TYPE: OptionRow =
    option(None, "type", text("TYPE"), "events of this type alone", |options, value| {
        options.event_type = Some(value.to_owned());
        Ok(())
    });

impl Options {
    /// Returns the NameServers to ask: those on the command line, or else those in the environment variable.
    ///
    /// # Errors
    /// The variable is malformed.
    pub(crate) fn addresses(&self, variable: Option<&str>) -> Result<Vec<String>, String> {
        match (&self.addresses, variable.filter(|value| !value.trim().is_empty())) {
            (Some(addresses), _) => Ok(addresses.clone()),
            (None, Some(variable)) => addresses(variable).map_err(|error| format!("NAMESRV_ADDR: {error}")),
            (None, None) => Ok(vec![DEFAULT_ADDRESS.to_owned()]),
        }
    }

    /// Sets the NameServers, as `-n` does.
    #[cfg(test)]
    pub(crate) fn with_addresses(self, list: &str) -> Self {
        Self { addresses: addresses(list).ok(), ..self }
    }

    /// Returns the time limit of one answer.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout_or(DEFAULT_TIMEOUT)
    }

    /// Returns the time limit on the command line, or else `default`.
    pub(crate) fn timeout_or(&self, default: Duration) -> Duration {
        self.timeout.unwrap_or(default)
    }

    /// Returns the time between two looks.
    pub(crate) fn interval(&self) -> Duration {
        self.interval.unwrap_or(Duration::from_secs(1))
    }
}

/// Reads addresses separated by semicolons, as RocketMQ writes them.
///
/// # Errors
/// There are no addresses, or one has no port.
pub(crate) fn addresses(list: &str) -> Result<Vec<String>, String> {
    let addresses: Vec<_> = list.split(';').map(str::trim).filter(|address| !address.is_empty()).collect();
    if addresses.is_empty() {
        return Err("write HOST:PORT".to_owned());
    }
    addresses.iter().try_for_each(|address| check_address(address))?;
    Ok(addresses.into_iter().map(str::to_owned).collect())
}

/// Checks the form of one address.
///
/// # Errors
/// In words: it is not `HOST:PORT`.
pub fn check_address(address: &str) -> Result<(), String> {
    match address.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(()),
        _ if address.is_empty() => Err("write HOST:PORT".to_owned()),
        _ => Err(format!("{} has no port: write HOST:PORT", escape(address))),
    }
}

fn number(value: &str) -> Result<usize, String> {
    value.parse().map_err(|_| format!("{} is no number", escape(value)))
}

/// Reads a time with a unit. Without a unit it is in seconds.
fn time(value: &str) -> Result<Duration, String> {
    let seconds = value.parse().map(Duration::from_secs);
    let time = seconds.or_else(|_| humantime::parse_duration(value));
    let time = time.map_err(|_| format!("{} is no time: write 500ms, 3s or 2m", escape(value)))?;
    if time.is_zero() || time > INTERVALS.1 { Err("write a time from 1ms to 24h".to_owned()) } else { Ok(time) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_from_the_command_line_then_from_the_variable() {
        let given = Options::default().with_addresses(" a:1; b:2 ;");
        assert_eq!(given.addresses(Some("c:3")).unwrap(), ["a:1", "b:2"]);
        assert_eq!(Options::default().addresses(Some("c:3")).unwrap(), ["c:3"]);
        assert_eq!(Options::default().addresses(Some(" ")).unwrap(), [DEFAULT_ADDRESS]);
        assert_eq!(
            Options::default().addresses(Some("c")).unwrap_err(),
            "NAMESRV_ADDR: c has no port: write HOST:PORT"
        );
        for list in ["", ";", "a", "a:", ":1", "a:x", "a:1;b", "a:70000"] {
            assert!(addresses(list).is_err(), "{list}");
        }
        assert_eq!(addresses("[::1]:9876").unwrap(), ["[::1]:9876"]);
    }

    #[test]
    fn times_have_units() {
        for (text, millis) in [("3", 3000), ("500ms", 500), ("2m", 120_000), ("1s 5ms", 1005)] {
            assert_eq!(time(text), Ok(Duration::from_millis(millis)));
        }
        for text in ["", "x", "-1", "0", "0s", "25h", "1.5", "99999999999999999999"] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
