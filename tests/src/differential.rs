//! The differential run: random sequences of requests against the Java NameServer and ours side by side, every answer
//! compared.

pub mod clusters;
pub mod judge;
pub mod pair;
pub mod recognise;
pub mod report;

mod cleaning;
mod run;

use crate::server::Server;
use crate::step::{Scope, sequence};
use judge::{judge, shrink};
use pair::{Pair, Spoiled};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngSeed, TestRunner};
pub use report::{Finding, Report};
pub use run::{Difference, Done, Run};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// What is run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many sequences.
    pub sequences: u64,
    /// The seed of the first; each of the following has the next number.
    pub seed: u64,
    /// Steps of a sequence, at most.
    pub steps_max: usize,
    /// After so many findings it stops.
    pub findings_max: usize,
    /// How long a difference must last, each time anew, before it is a finding. Before anybody thinks about its cause
    /// it is a sixtieth of that.
    pub timeout: Duration,
}

/// Runs sequences; `start` starts both servers, again when they are spoiled, and `watch` sees the report after each
/// sequence.
pub fn run<J: Server, O: Server>(
    options: Options,
    mut start: impl FnMut() -> Pair<J, O>,
    mut watch: impl FnMut(&Report),
) -> Report {
    let mut report = Report::default();
    let mut pair = start();
    for seed in options.seed..options.seed.saturating_add(options.sequences) {
        if report.findings.len() >= options.findings_max {
            break;
        }
        report.sequences += 1;
        // A server that neither answers nor closes ends in a panic, after a minute.
        let outcome = catch_unwind(AssertUnwindSafe(|| one(&mut pair, options, seed, &mut report)));
        let spoiled = outcome.map_or_else(
            |_| Some(format!("asked {}", pair.asked.escape_ascii())),
            |end| end.err().map(|Spoiled(reason)| reason),
        );
        if let Some(reason) = spoiled {
            report.spoiled.push((seed, reason));
            report.add(&pair);
            pair = start();
        }
        watch(&report);
    }
    report.add(&pair);
    report
}

fn one<J: Server, O: Server>(
    pair: &mut Pair<J, O>,
    options: Options,
    seed: u64,
    report: &mut Report,
) -> Result<(), Spoiled> {
    let config = Config { rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let mut tree = sequence(Scope::Java, options.steps_max).new_tree(&mut runner).expect("nothing is filtered");
    let steps = tree.current();
    report.steps += steps.len();
    let verdict = judge(pair, &steps, [options.timeout / 60, options.timeout])?;
    report.passing += verdict.passing;
    for (entry, count) in verdict.recognised {
        *report.recognised.entry(entry).or_default() += count;
    }
    if let Some(found) = verdict.finding {
        let (_, run) = shrink(pair, &mut tree, found, options.timeout / 60)?;
        report.findings.push(Finding { seed, run });
    }
    Ok(())
}
