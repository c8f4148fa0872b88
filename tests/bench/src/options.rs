//! The command line.

use anyhow::{Context, Result};
use lexopt::prelude::{Long, Short, Value, ValueExt};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// What `--help` prints.
pub const USAGE: &str = "\
usage: namesrv-bench compare [OPTIONS]
       namesrv-bench report FILE [--out DIR]

compare builds the NameServers of this repository, runs them, the echo servers of their runtimes and the other NameServers
that it finds under the same load, and writes report.md, report.html, picture.svg, figures.tsv (what these show) and
samples.json (every run).

report writes the pages again, from figures.tsv or from samples.json.

  --out DIR              folder for what it writes (default: target/compare)
  --quick                run less of everything; takes some minutes
  --only NAME,...        only these servers
  --parts PART,...       only these parts: start, connections, routes, registrations, cluster, threads,
                         tls
  --repetitions N        runs of each load on each server (default: 5; quick: 3)
  --seconds S            length of a run (default: 2; quick: 0.3)
  --java DIR             a folder with the jars of the Java NameServer (default: what tests/interop/run fetched)
  --rocketmq-rust FILE   rocketmq-namesrv-rust of rocketmq-rust (default: looked for on the PATH and in ~/.cargo/bin)
  --server-processor N   processor of the servers (default: the first)
  --load-processor N     processor of the load generator (default: the second)
  --help                 print this text
";

/// The parts of a comparison.
pub const PARTS: [&str; 7] = ["start", "connections", "routes", "registrations", "cluster", "threads", "tls"];

/// The parsed command line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Options {
    /// The folder of the report.
    #[serde(skip)]
    pub out: PathBuf,
    /// `figures.tsv` or `samples.json` of an earlier run, to write its pages again instead of measuring.
    #[serde(skip)]
    pub report: Option<PathBuf>,
    /// Whether to measure less of everything.
    pub quick: bool,
    /// Names of the servers to compare; empty for all.
    pub only: Vec<String>,
    /// Names of [`PARTS`]; empty for all.
    pub parts: Vec<String>,
    /// Repetitions of each load on each server.
    pub repetitions: usize,
    /// Length of each run.
    pub run: Duration,
    /// Folder with the jars of the Java NameServer.
    #[serde(skip)]
    pub java: Option<PathBuf>,
    /// Program of rocketmq-rust.
    #[serde(skip)]
    pub rocketmq_rust: Option<PathBuf>,
    /// Processor of the servers.
    pub server_processor: Option<usize>,
    /// Processor of the load generator.
    pub load_processor: Option<usize>,
}

impl Options {
    /// Reads the arguments after the program's name. Returns `None` for `--help`.
    ///
    /// # Errors
    /// An argument is unknown or invalid.
    pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Option<Self>> {
        let mut parser = lexopt::Parser::from_args(words);
        let (mut compare, mut help) = (false, false);
        let (mut repetitions, mut seconds) = (None, None);
        let mut options = Self {
            out: PathBuf::from("target/compare"),
            report: None,
            quick: false,
            only: Vec::new(),
            parts: Vec::new(),
            repetitions: 0,
            run: Duration::ZERO,
            java: None,
            rocketmq_rust: None,
            server_processor: None,
            load_processor: None,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Value(word) if word == "compare" && !compare && options.report.is_none() => compare = true,
                Value(word) if word == "report" && !compare && options.report.is_none() => {
                    options.report = Some(parser.value().context("report needs a FILE")?.into());
                }
                Long("out") => options.out = parser.value()?.into(),
                Long("quick") => options.quick = true,
                Long("only") => options.only.extend(parser.value()?.string()?.split(',').map(str::to_owned)),
                Long("parts") => options.parts.extend(parser.value()?.string()?.split(',').map(str::to_owned)),
                Long("repetitions") => repetitions = Some(parser.value()?.parse::<usize>()?),
                Long("seconds") => seconds = Some(parser.value()?.parse::<f64>()?),
                Long("java") => options.java = Some(parser.value()?.into()),
                Long("rocketmq-rust") => options.rocketmq_rust = Some(parser.value()?.into()),
                Long("server-processor") => options.server_processor = Some(parser.value()?.parse()?),
                Long("load-processor") => options.load_processor = Some(parser.value()?.parse()?),
                Long("help") | Short('h') => help = true,
                Value(_) | Long(_) | Short(_) => return Err(argument.unexpected().into()),
            }
        }
        if help || !(compare || options.report.is_some()) {
            return Ok(None);
        }
        options.repetitions = repetitions.unwrap_or(if options.quick { 3 } else { 5 });
        let seconds = seconds.unwrap_or(if options.quick { 0.3 } else { 2.0 });
        for part in &options.parts {
            anyhow::ensure!(PARTS.contains(&part.as_str()), "unknown part {part}");
        }
        anyhow::ensure!((1..=1000).contains(&options.repetitions), "--repetitions must be between 1 and 1000");
        anyhow::ensure!((0.01..=600.0).contains(&seconds), "--seconds must be between 0.01 and 600");
        options.run = Duration::from_secs_f64(seconds);
        Ok(Some(options))
    }

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
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Option<Options>> {
        Options::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn quick_has_other_defaults() {
        let long = parse("compare").unwrap().unwrap();
        let quick = parse("compare --quick --only namesrv-mio,java-5.5.0").unwrap().unwrap();
        assert!(quick.run < long.run && quick.repetitions < long.repetitions);
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
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
        assert!(parse("").unwrap().is_none());
        assert_eq!(parse("report x --out y").unwrap().unwrap().report, Some(PathBuf::from("x")));
        assert!(parse("compare --help").unwrap().is_none());
    }
}
