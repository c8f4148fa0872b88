//! Random sequences of requests against two NameServers side by side, the Java one and ours. `tests/differential/run`
//! starts it.

use lexopt::prelude::{Long, Short, Value, ValueExt};
use namesrv_tests::differential::pair::Pair;
use namesrv_tests::differential::{Options, run};
use namesrv_tests::golden::process_server::ProcessServer;
use namesrv_tests::server::Setup;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const USAGE: &str =
    "usage: differential --java PATH --nameserver PATH [--sequences N] [--seed N] [--steps N] [--findings N]";

/// After so many sequences it says that it is still there.
const PROGRESS: usize = 500;

/// How long Java may take to do what it queues.
const PATIENCE: Duration = Duration::from_secs(3);

/// What both servers have in their configuration. With one thread Java carries out requests in the order in which they
/// come.
const PROPERTIES: [(&str, &str); 5] = [
    ("defaultThreadPoolNums", "1"),
    ("clientRequestThreadPoolNums", "1"),
    ("serverNettyWorkerGroupEnable", "false"),
    ("serverSelectorThreads", "1"),
    ("scanNotActiveBrokerInterval", "100"),
];

fn main() -> io::Result<ExitCode> {
    let (java, ours, options) = match arguments() {
        Ok(arguments) => arguments,
        Err(error) => {
            writeln!(io::stderr(), "{error}\n{USAGE}")?;
            return Ok(ExitCode::from(2));
        }
    };
    let began = Instant::now();
    let properties = PROPERTIES.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let setup = Setup { properties, listeners: Vec::new() };
    let start = || Pair::new(ProcessServer::start(&java, &setup), ProcessServer::start(&ours, &setup));
    let (mut told, mut spoiled) = (0, 0);
    let report = run(options, start, |report| {
        for finding in report.findings.iter().skip(told) {
            // Whoever does not read it has the report.
            let _ = writeln!(io::stdout(), "{finding}");
        }
        for (seed, reason) in report.spoiled.iter().skip(spoiled) {
            let _ = writeln!(io::stdout(), "SPOILED by seed {seed}: {reason}");
        }
        (told, spoiled) = (report.findings.len(), report.spoiled.len());
        if report.sequences.is_multiple_of(PROGRESS) {
            let _ = writeln!(io::stderr(), "{} sequences in {} s", report.sequences, began.elapsed().as_secs());
        }
    });
    writeln!(io::stdout(), "{report} in {} s", began.elapsed().as_secs())?;
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn arguments() -> Result<(PathBuf, PathBuf, Options), lexopt::Error> {
    let (mut java, mut ours) = (None, None);
    let mut options = Options { sequences: 1000, seed: 1, steps_max: 30, findings_max: 5, timeout: PATIENCE };
    let mut words = lexopt::Parser::from_env();
    while let Some(word) = words.next()? {
        match word {
            Long("java") => java = Some(words.value()?.into()),
            Long("nameserver") => ours = Some(words.value()?.into()),
            Long("sequences") => options.sequences = words.value()?.parse()?,
            Long("seed") => options.seed = words.value()?.parse()?,
            Long("steps") => options.steps_max = words.value()?.parse()?,
            Long("findings") => options.findings_max = words.value()?.parse()?,
            other @ (Long(_) | Short(_) | Value(_)) => return Err(other.unexpected()),
        }
    }
    Ok((java.ok_or("--java is missing")?, ours.ok_or("--nameserver is missing")?, options))
}
