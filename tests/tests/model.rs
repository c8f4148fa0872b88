//! Random sequences of everything that can happen, handed to the pure core and to a model of it in plain maps: after every step both have
//! answered alike, every question has the same answer, and the invariants hold.
//!
//! `PROPTEST_CASES` says how many sequences, `PROPTEST_RNG_SEED` where they begin; a failure prints the command that repeats it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::wildcard_enum_match_arm)]

#[path = "model/invariants.rs"]
mod invariants;
#[path = "model/registering.rs"]
mod registering;
#[path = "model/server.rs"]
mod server;
#[path = "model/side.rs"]
mod side;
#[path = "model/step.rs"]
mod step;
#[path = "model/storage.rs"]
mod storage;
#[path = "model/tables.rs"]
mod tables;
#[path = "model/written.rs"]
mod written;

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestError, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use server::Server;
use side::Side;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, Once};
use step::{SETTINGS, Step, step};

/// Sequences when nobody says how many, and those of one seed.
const SEQUENCES: u32 = 128;
const SEQUENCES_PER_SEED: u32 = 64;
const STEPS_MAX: usize = 60;

struct Model;

impl ReferenceStateMachine for Model {
    type State = Server;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Server> {
        let setting = |name: &str| {
            prop::bool::weighted(if name.starts_with("need") || name.starts_with("delete") { 0.1 } else { 0.8 })
        };
        let settings = SETTINGS.map(setting);
        (settings, prop::bool::weighted(0.2))
            .prop_map(|(settings, binary)| Server::new(settings, binary, side::WALL))
            .boxed()
    }

    fn transitions(server: &Server) -> BoxedStrategy<Step> {
        step(&server.known()).boxed()
    }

    fn preconditions(server: &Server, step: &Step) -> bool {
        server.allows(step)
    }

    fn apply(mut server: Server, step: &Step) -> Server {
        server.apply(step);
        server
    }
}

/// The pure core beside the model.
struct Core;

impl StateMachineTest for Core {
    type SystemUnderTest = Side;
    type Reference = Model;

    fn init_test(model: &Server) -> Side {
        Side::new(model)
    }

    fn apply(mut side: Side, model: &Server, step: Step) -> Side {
        side.carry_out(&step, model);
        side.ask_everything(model);
        side.check_invariants(model);
        side
    }

    fn teardown(mut side: Side, model: Server) {
        side.ask_for_versions(model);
        let mut told = TOLD.lock().unwrap();
        side.told.into_iter().for_each(|(kind, count)| *told.entry(kind).or_default() += count);
    }
}

/// How often what happened, over all sequences.
static TOLD: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

#[test]
#[expect(clippy::print_stdout, reason = "the figures are for whoever runs the test with --nocapture")]
fn the_core_does_what_the_model_does() {
    let asked = ProptestConfig::default();
    let is_default = std::env::var_os("PROPTEST_CASES").is_none();
    let sequences = if is_default { SEQUENCES } else { asked.cases };
    let first = match asked.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random if is_default => 1,
        RngSeed::Random => RandomState::new().hash_one(0) >> 32,
    };
    let seeds = (0..sequences.div_ceil(SEQUENCES_PER_SEED)).map(|number| first + u64::from(number));
    seeds.clone().for_each(run);
    let told = TOLD.lock().unwrap();
    println!("{sequences} sequences of up to {STEPS_MAX} steps from seed {first}, in which were told");
    told.iter().for_each(|(kind, count)| println!("{count:8} {kind}"));
    let missing: Vec<_> = invariants::KINDS.iter().filter(|kind| !told.contains_key(**kind)).collect();
    assert!(missing.is_empty() || sequences < SEQUENCES, "never happened: {missing:?}");
}

/// Some sequences; they depend on the seed alone.
fn run(seed: u64) {
    let config = ProptestConfig {
        cases: SEQUENCES_PER_SEED,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    };
    let sequences = Model::sequential_strategy(1..STEPS_MAX);
    let result = quietly(|| {
        let result = TestRunner::new(config.clone()).run(&sequences, |(model, steps, seen)| {
            Core::test_sequential(config.clone(), model, steps, seen);
            Ok(())
        });
        result.map_err(|failure| told(&failure))
    });
    if let Err(failure) = result {
        panic!(
            "{failure}\nrepeat it with\n  PROPTEST_RNG_SEED={seed} PROPTEST_CASES={SEQUENCES_PER_SEED} cargo test -p namesrv-tests --test model"
        );
    }
}

/// A failure with the settings that its server began with and the steps to it, one a line.
fn told<Seen>(failure: &TestError<(Server, Vec<Step>, Seen)>) -> String {
    match failure {
        TestError::Abort(reason) => reason.to_string(),
        TestError::Fail(reason, (model, steps, _)) => {
            let steps: Vec<_> = (1..).zip(steps).map(|(number, step)| format!("  {number}. {step:?}")).collect();
            let (settings, binary) = (&model.storage.settings, model.binary);
            format!("{reason}\nafter {settings:?}, binary answers: {binary}\n{}", steps.join("\n"))
        }
    }
}

/// Runs something without a word about the panics in this thread: hundreds of them while a failure is shrunk.
fn quietly<T>(run: impl FnOnce() -> T) -> T {
    thread_local!(static QUIET: Cell<bool> = const { Cell::new(false) });
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                loud(panic);
            }
        }));
    });
    QUIET.set(true);
    let result = run();
    QUIET.set(false);
    result
}
