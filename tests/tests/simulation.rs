//! The simulated world, some minutes of it for some seeds, and every scenario.

#![allow(clippy::expect_used, clippy::panic)]

use namesrv_tests::simulation::scenarios::SCENARIOS;
use namesrv_tests::simulation::{self, Outcome, Violation};
use std::collections::BTreeSet;

/// Simulated minutes of each seed.
const MINUTES: u64 = 6;

fn holds(result: Result<Outcome, Violation>) -> Outcome {
    result.unwrap_or_else(|violation| panic!("{} does not hold: {}", violation.invariant, violation.details))
}

fn simulate(seed: u64) -> Outcome {
    simulation::announce_on_panic(simulation::reproduction(seed, MINUTES));
    holds(simulation::run(seed, MINUTES, false))
}

#[test]
fn everything_holds_for_some_seeds() {
    let outcomes: Vec<_> = (1..=6).map(simulate).collect();
    let kinds: BTreeSet<_> =
        outcomes.iter().flat_map(|outcome| outcome.coverage.faults()).map(|(kind, _)| kind).collect();
    assert!(kinds.len() > 15, "few kinds of faults are injected: {kinds:?}");
    for event in ["handshake full", "handshake resumed", "handshake refused"] {
        assert!(outcomes.iter().any(|outcome| outcome.coverage.of(event) > 0), "no seed has: {event}");
    }
    for event in ["start with routes", "start with a snapshot that is too old", "event BrokerEvicted Unconfirmed"] {
        assert!(outcomes.iter().any(|outcome| outcome.coverage.of(event) > 0), "no seed has: {event}");
    }
    for (seed, outcome) in (1..).zip(&outcomes) {
        assert!(outcome.coverage.faults().count() > 3, "seed {seed} injects few kinds of faults");
        let unforeseen = outcome.coverage.unforeseen();
        assert!(!unforeseen.iter().any(|name| name.starts_with("transport ")), "seed {seed}: {unforeseen:?}");
        assert!(outcome.coverage.of("over TLS") > 10, "seed {seed} speaks little TLS");
    }
}

#[test]
fn one_seed_makes_one_trace_and_another_seed_another() {
    let [first, again, other] = [7, 7, 8].map(simulate);
    assert_eq!((first.digest, first.lines), (again.digest, again.lines), "seed 7 made two different traces");
    assert_ne!(first.digest, other.digest);
}

macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                play(stringify!($name));
            }
        )*

        #[test]
        fn every_scenario_is_a_test() {
            let names: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

scenarios!(
    address_changes_without_reconnecting,
    brokers_move_during_a_restart,
    clocks_step,
    conflict_for_an_identifier,
    crash_in_the_middle_of_a_save,
    crash_in_the_middle_of_a_snapshot,
    disk_fails,
    large_frame_arrives_slowly,
    late_heartbeats_resurrect_nobody,
    missed_single_topic,
    old_connection_closes_late,
    paused_server_evicts_nobody,
    registration_storm,
    registrations_out_of_order,
    restart_under_load,
    same_name_in_two_clusters,
    several_brokers_over_one_connection,
    snapshot_is_too_old,
    split_tables,
    two_data_centres,
    unregister_and_register_at_once,
    warm_restart_under_load,
);

fn play(name: &str) {
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name).expect("a scenario of that name");
    for seed in 1..=2 {
        simulation::announce_on_panic(scenario.reproduction(seed));
        holds(scenario.run(seed, false));
    }
}
