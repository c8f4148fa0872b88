//! The command line.

use anyhow::{Context, Result, ensure};
use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// The parts of a comparison.
pub const PARTS: [&str; 7] = ["start", "connections", "routes", "registrations", "cluster", "threads", "tls"];

/// Which NameServer to run on this host?
#[derive(Debug, Parser)]
#[command(name = "namesrv-bench", flatten_help = true, disable_help_subcommand = true)]
pub struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Folder for what it writes.
    #[arg(long, global = true, value_name = "DIR", default_value = "target/compare")]
    pub out: PathBuf,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build the NameServers of this repository, run them, the echo servers of their runtimes and the other NameServers
    /// that it finds under the same load, and write report.md, report.html, picture.svg, figures.tsv (what these show)
    /// and samples.json (every run).
    Compare(Options),
    /// Write the pages again.
    Report {
        /// figures.tsv or samples.json of an earlier run.
        file: PathBuf,
    },
}

/// What to compare, and how.
#[derive(Clone, Debug, Serialize, Deserialize, Args)]
pub struct Options {
    /// Run less of everything; takes some minutes.
    #[arg(long)]
    pub quick: bool,
    /// Only these servers.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Only these parts.
    #[arg(long, value_name = "PART,...", value_delimiter = ',', value_parser = PARTS)]
    pub parts: Vec<String>,
    /// Runs of each load on each server; with --quick 3.
    #[arg(long, value_name = "N", default_value = "5", default_value_if("quick", "true", "3"))]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(1..=1000))]
    pub repetitions: usize,
    /// Length of a run in seconds; with --quick 0.3.
    #[arg(long = "seconds", value_name = "S", default_value = "2", default_value_if("quick", "true", "0.3"))]
    #[arg(value_parser = seconds)]
    pub run: Duration,
    /// A folder with the jars of the Java NameServer; else what tests/interop/run fetched.
    #[serde(skip)]
    #[arg(long, value_name = "DIR")]
    pub java: Option<PathBuf>,
    /// The program rocketmq-namesrv-rust of rocketmq-rust; else looked for on the PATH and in ~/.cargo/bin.
    #[serde(skip)]
    #[arg(long, value_name = "FILE")]
    pub rocketmq_rust: Option<PathBuf>,
    /// Processor of the servers; else the first.
    #[arg(long, value_name = "N")]
    pub server_processor: Option<usize>,
    /// Processor of the load generator; else the second.
    #[arg(long, value_name = "N")]
    pub load_processor: Option<usize>,
}

fn seconds(text: &str) -> Result<Duration> {
    let seconds: f64 = text.parse().context("not a number")?;
    ensure!((0.01..=600.0).contains(&seconds), "must be between 0.01 and 600");
    Ok(Duration::from_secs_f64(seconds))
}

impl Options {
    /// Whether a part is measured.
    pub fn measures(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|one| one == part)
    }

    /// Whether to compare a server.
    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::path::Path;

    /// The options of a command line that compares.
    pub(crate) fn compare(line: &str) -> Options {
        let Command::Compare(options) = parse(line).unwrap().command else { panic!("{line} does not compare") };
        options
    }

    fn parse(line: &str) -> Result<CommandLine, clap::Error> {
        CommandLine::try_parse_from(format!("namesrv-bench {line}").split_whitespace())
    }

    #[test]
    fn quick_has_other_defaults() {
        let long = compare("compare");
        let quick = compare("compare --quick --only namesrv-mio,java-5.5.0");
        assert!(quick.run < long.run && quick.repetitions < long.repetitions);
        assert_eq!(compare("compare --quick --repetitions 9").repetitions, 9);
        assert!(quick.wants("namesrv-mio") && !quick.wants("namesrv-glommio") && long.wants("namesrv-glommio"));
    }

    #[test]
    fn nonsense_is_refused() {
        for line in [
            "compare --what",
            "compare --parts day",
            "compare --repetitions 0",
            "compare --seconds nan",
            "compare compare",
            "compare report x",
            "report",
            "report x compare",
            "race",
            "",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
        let report = parse("report x --out y").unwrap();
        assert!(
            matches!(report.command, Command::Report { file } if file == Path::new("x"))
                && report.out == Path::new("y")
        );
    }
}
