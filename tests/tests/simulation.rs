//! The simulated world, some minutes of it for some seeds, and every scenario.

#![allow(clippy::panic, clippy::unit_arg)]

use libtest_mimic::{Arguments, Trial};
use namesrv_tests::simulation::scenarios::{SCENARIOS, Scenario};
use namesrv_tests::simulation::{self, Outcome, Violation};
use std::collections::BTreeSet;

/// The first ones, and one in which a server finds a snapshot that is too old.
const SEEDS: [u64; 7] = [1, 2, 3, 4, 5, 6, 15];
/// Simulated minutes of each seed.
const MINUTES: u64 = 6;

fn holds(result: Result<Outcome, Violation>) -> Outcome {
    result.unwrap_or_else(|violation| panic!("{} does not hold: {}", violation.invariant, violation.details))
}

fn simulate(seed: u64) -> Outcome {
    simulation::announce_on_panic(simulation::reproduction(seed, MINUTES));
    holds(simulation::run(seed, MINUTES, false))
}

fn everything_holds_for_some_seeds() {
    let outcomes = SEEDS.map(simulate);
    let kinds: BTreeSet<_> =
        outcomes.iter().flat_map(|outcome| outcome.coverage.faults()).map(|(kind, _)| kind).collect();
    assert!(kinds.len() > 15, "few kinds of faults are injected: {kinds:?}");
    for event in ["handshake full", "handshake resumed", "handshake refused"] {
        assert!(outcomes.iter().any(|outcome| outcome.coverage.of(event) > 0), "no seed has: {event}");
    }
    for event in ["start with routes", "start with a snapshot that is too old", "event BrokerEvicted Unconfirmed"] {
        assert!(outcomes.iter().any(|outcome| outcome.coverage.of(event) > 0), "no seed has: {event}");
    }
    for (seed, outcome) in SEEDS.iter().zip(&outcomes) {
        assert!(outcome.coverage.faults().count() > 3, "seed {seed} injects few kinds of faults");
        let unforeseen = outcome.coverage.unforeseen();
        assert!(!unforeseen.iter().any(|name| name.starts_with("transport ")), "seed {seed}: {unforeseen:?}");
        assert!(outcome.coverage.of("over TLS") > 10, "seed {seed} speaks little TLS");
    }
}

fn one_seed_makes_one_trace_and_another_seed_another() {
    let [first, again, other] = [7, 7, 8].map(simulate);
    assert_eq!((first.digest, first.lines), (again.digest, again.lines), "seed 7 made two different traces");
    assert_ne!(first.digest, other.digest);
}

fn play(scenario: &Scenario) {
    for seed in 1..=2 {
        simulation::announce_on_panic(scenario.reproduction(seed));
        holds(scenario.run(seed, false));
    }
}

fn main() {
    let runs: [(&str, fn()); 2] = [
        ("everything_holds_for_some_seeds", everything_holds_for_some_seeds),
        ("one_seed_makes_one_trace_and_another_seed_another", one_seed_makes_one_trace_and_another_seed_another),
    ];
    let runs = runs.map(|(name, run)| Trial::test(name, move || Ok(run())));
    let scenarios = SCENARIOS.iter().map(|scenario| Trial::test(scenario.name, || Ok(play(scenario))));
    libtest_mimic::run(&Arguments::from_args(), runs.into_iter().chain(scenarios).collect()).exit()
}
