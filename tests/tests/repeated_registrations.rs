//! Recognising a registration that repeats the one before is a shortcut and nothing else: a server whose brokers never
//! send the same bytes twice goes through the same states.

use namesrv_tests::fuzz::check_twins;
use namesrv_tests::model::Switches;
use namesrv_tests::step::{Scope, sequence};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Steps of one run.
const STEPS_MAX: usize = 40;

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(5), failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn a_repeated_registration_does_what_a_full_one_does(
        switches: Switches, binary: bool, steps in sequence(Scope::Everything, STEPS_MAX),
    ) {
        check_twins(switches, binary, &steps);
    }
}
