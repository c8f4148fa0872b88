//! Runs the simulated world for as many hours as asked, or one scenario, and reports what it went through.

use lexopt::prelude::*;
use namesrv_tests::simulation::scenarios::SCENARIOS;
use namesrv_tests::simulation::{self, Coverage, Outcome, Violation};
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

const USAGE: &str = "simulate [--seed N] [--hours H] [--minutes M] [--trace]\n\
                     simulate --scenario NAME [--seed N] [--trace]\n\n\
                     Simulates at least H hours (default 24) in runs of M minutes (default 60), with the seeds from N (default 1) on.\n\
                     --trace writes everything that happens to stderr.";

struct Options {
    seed: u64,
    minutes: u64,
    hours: u64,
    scenario: Option<String>,
    shows_trace: bool,
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(error) => return fail(&format!("{error}\n\n{USAGE}")),
    };
    let result = match &options.scenario {
        Some(name) => play(name, &options),
        None => simulate(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn options() -> Result<Options, lexopt::Error> {
    let mut options = Options { seed: 1, minutes: 60, hours: 24, scenario: None, shows_trace: false };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("seed") => options.seed = parser.value()?.parse()?,
            Long("minutes") => options.minutes = parser.value()?.parse()?,
            Long("hours") => options.hours = parser.value()?.parse()?,
            Long("scenario") => options.scenario = Some(parser.value()?.parse()?),
            Long("trace") => options.shows_trace = true,
            Short(_) | Long(_) | Value(_) => return Err(argument.unexpected()),
        }
    }
    Ok(options)
}

fn play(name: &str, options: &Options) -> Result<(), String> {
    let found = SCENARIOS.iter().find(|scenario| scenario.name == name);
    let names: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    let scenario = found.ok_or_else(|| format!("no scenario {name}; there are: {}", names.join(", ")))?;
    simulation::announce_on_panic(scenario.reproduction(options.seed));
    let outcome = scenario.run(options.seed, options.shows_trace);
    let outcome = outcome.map_err(|violation| describe(&violation, &scenario.reproduction(options.seed)))?;
    say(&format!("{name}: {} simulated seconds, digest {:016x}\n", outcome.millis / 1000, outcome.digest))
}

fn simulate(options: &Options) -> Result<(), String> {
    let begin = Instant::now();
    let mut coverage = Coverage::default();
    let mut millis = 0;
    let mut lines = 0;
    for seed in options.seed.. {
        let reproduction = simulation::reproduction(seed, options.minutes);
        simulation::announce_on_panic(reproduction.clone());
        let outcome: Outcome = simulation::run(seed, options.minutes, options.shows_trace)
            .map_err(|violation| describe(&violation, &reproduction))?;
        millis += outcome.millis;
        lines += outcome.lines;
        coverage.add(&outcome.coverage);
        if millis >= options.hours * 3_600_000 {
            break;
        }
    }
    let hours = millis as f64 / 3_600_000.0;
    let rate = hours / begin.elapsed().as_secs_f64();
    let mut report = format!("{hours:.1} simulated hours, {rate:.2} an elapsed second, {lines} lines of trace\n\n");
    report += &format!("faults injected: {}\n", coverage.faults().map(|(_, count)| count).sum::<u64>());
    for (name, count) in coverage.faults() {
        report += &format!("  {count:>10}  {name}\n");
    }
    say(&format!("{report}\n{coverage}"))
}

fn describe(violation: &Violation, reproduction: &str) -> String {
    format!("{} does not hold: {}\nagain: {reproduction}", violation.invariant, violation.details)
}

fn say(text: &str) -> Result<(), String> {
    io::stdout().write_all(text.as_bytes()).map_err(|error| error.to_string())
}

fn fail(text: &str) -> ExitCode {
    // Nobody may be reading.
    let _ = writeln!(io::stderr(), "{text}");
    ExitCode::FAILURE
}
