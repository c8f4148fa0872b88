//! Random sequences of everything that can happen, taken by two servers that must show no difference: their secrets
//! differ, and recognising a registration that repeats the one before is a shortcut and nothing else.

use namesrv_tests::fuzz::check_twins;
use namesrv_tests::step::words::SETTINGS;
use namesrv_tests::step::{Scope, sequence};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 32,
        rng_seed: RngSeed::Fixed(5),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn secrets_and_recognised_repetitions_make_no_difference(
        switches in any::<[bool; SETTINGS.len()]>(),
        binary in any::<bool>(),
        steps in sequence(Scope::Everything, 40),
    ) {
        check_twins(switches, binary, &steps);
    }
}
