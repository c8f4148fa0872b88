//! Random sequences of everything that can happen, taken by the core and by the model of it.
//!
//! `PROPTEST_CASES` says how many sequences, `PROPTEST_RNG_SEED` where they begin. A failure prints the command that
//! repeats it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests too")]

use namesrv_tests::model::{self, Switches, invariants};
use namesrv_tests::step::words::SETTINGS;
use namesrv_tests::step::{Scope, Step, sequence};
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestError, TestRunner};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::panic::resume_unwind;
use std::sync::Mutex;
use std::thread::{self, ScopedJoinHandle};

/// Sequences unless `PROPTEST_CASES` says how many, and those of one seed.
const SEQUENCES: u32 = 128;
const SEQUENCES_PER_SEED: u32 = 64;
const STEPS_MAX: usize = 60;

type Told = BTreeMap<String, usize>;

#[test]
#[expect(clippy::print_stdout, reason = "the figures are for a run with --nocapture")]
fn the_core_does_what_the_model_does() {
    let asked = ProptestConfig::default();
    let is_default = std::env::var_os("PROPTEST_CASES").is_none();
    let sequences = if is_default { SEQUENCES } else { asked.cases };
    let first = match asked.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random if is_default => 5,
        RngSeed::Random => RandomState::new().hash_one(0) >> 32,
    };
    let seeds = Mutex::new((first..).take(sequences.div_ceil(SEQUENCES_PER_SEED) as usize));
    let next_seed = || seeds.lock().unwrap().next();
    let work = || std::iter::from_fn(next_seed).map(run).fold(Told::new(), sum);
    let told: Result<Vec<_>, _> = thread::scope(|scope| {
        let threads = [scope.spawn(work), scope.spawn(work)];
        threads.into_iter().map(ScopedJoinHandle::join).collect()
    });
    let told = told.unwrap_or_else(|failure| resume_unwind(failure)).into_iter().fold(Told::new(), sum);
    println!("{sequences} sequences of up to {STEPS_MAX} steps from seed {first}, in which the server told");
    told.iter().for_each(|(kind, count)| println!("{count:8} {kind}"));
    let missing: Vec<_> = invariants::KINDS.iter().filter(|kind| !told.contains_key(**kind)).collect();
    assert!(missing.is_empty() || sequences < SEQUENCES, "never happened: {missing:?}");
}

fn switches() -> impl Strategy<Value = Switches> {
    SETTINGS.map(|name| {
        prop::bool::weighted(if name.starts_with("need") || name.starts_with("delete") { 0.1 } else { 0.8 })
    })
}

fn sum(mut told: Told, more: Told) -> Told {
    more.into_iter().for_each(|(kind, count)| *told.entry(kind).or_default() += count);
    told
}

/// Runs the sequences that one seed makes, and returns how often the server told what.
fn run(seed: u64) -> Told {
    let config = ProptestConfig {
        cases: SEQUENCES_PER_SEED,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    };
    let all = (switches(), prop::bool::weighted(0.2), sequence(Scope::Model, STEPS_MAX));
    let told = RefCell::new(Told::new());
    let result = TestRunner::new(config).run(&all, |(switches, binary, steps)| {
        let told_now = model::check(switches, binary, &steps);
        told.replace_with(|told| sum(std::mem::take(told), told_now));
        Ok(())
    });
    if let Err(failure) = result {
        panic!(
            "{}\nrepeat it with\n  PROPTEST_RNG_SEED={seed} PROPTEST_CASES={SEQUENCES_PER_SEED} cargo test -p namesrv-tests --test model",
            shown(&failure)
        );
    }
    told.into_inner()
}

/// A failure with the settings that its server began with and the steps to it, one a line.
fn shown(failure: &TestError<(Switches, bool, Vec<Step>)>) -> String {
    match failure {
        TestError::Abort(reason) => reason.to_string(),
        TestError::Fail(reason, (switches, binary, steps)) => {
            let steps: Vec<_> = (1..).zip(steps).map(|(number, step)| format!("  {number}. {step}")).collect();
            let on: Vec<_> = SETTINGS.iter().zip(switches).filter(|(_, on)| **on).map(|(name, _)| name).collect();
            format!("{reason}\nwith {on:?} switched on, binary answers: {binary}\n{}", steps.join("\n"))
        }
    }
}
