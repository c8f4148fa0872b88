//! The rule of warm start: when the time to register is over, a server that was restarted with a snapshot shows what
//! it would show without one.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use namesrv_tests::request::Request;
use namesrv_tests::step::words::{CONNECTIONS, MARK, TOPICS};
use namesrv_tests::step::{Content, Message, Scope, Step, WarmFrom, sequence};
use namesrv_tests::world::World;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::time::Duration;

/// The time that brokers have to register again.
const WITHIN: Duration = Duration::from_secs(75);
/// No step takes longer.
const STEP_MILLIS_MAX: u64 = 20_000;

/// What brokers say, the ends of their connections, and time that passes.
fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let is_of_a_broker =
        |content: &Content| matches!(content, Content::Register(_) | Content::Unregister(_) | Content::Heartbeat(_));
    let is_wanted = move |step: &Step| match step {
        Step::Send(messages) => messages.iter().all(|message| is_of_a_broker(&message.content)),
        Step::Disconnect { .. } => true,
        Step::Advance { millis } => *millis < STEP_MILLIS_MAX,
        Step::Batch(_)
        | Step::Garbage { .. }
        | Step::Freeze { .. }
        | Step::SetClock { .. }
        | Step::Disk(_)
        | Step::Access(_)
        | Step::Restart { .. }
        | Step::Stop => false,
    };
    sequence(Scope::Model, most).prop_map(move |steps| steps.into_iter().filter(is_wanted).collect())
}

fn take(world: &mut World, step: &Step) {
    let frame = |message: &Message| message.frame(&MARK.to_string(), 1);
    let frames = step.messages().iter().map(|message| (message.connection.to_string(), frame(message)));
    world.take_step(step, &frames.collect::<Vec<_>>());
    (0..CONNECTIONS).for_each(|connection| drop(world.take_output(&connection.to_string())));
    world.take_happenings();
}

/// Whether a step says one topic alone of a broker that is not registered. With a snapshot it may be heard.
fn is_one_topic_of_a_stranger(world: &World, step: &Step) -> bool {
    let registrations = step.messages().iter().filter_map(|message| message.content.registration());
    let mut single = registrations.filter(|one| one.topics.as_ref().is_some_and(|topics| topics.len() == 1));
    single.any(|one| !world.has(one))
}

/// Everything that a client can be told.
fn shown(world: &mut World) -> Vec<String> {
    let routes = TOPICS
        .iter()
        .flat_map(|topic| [400, 513].map(|release| Request::new(105).version(release).field("topic", topic)));
    let questions = [106, 206].map(Request::new).into_iter().chain(routes);
    questions.map(|question| world.ask("observer", &question).unwrap().text()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(9876), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn in_the_end_a_snapshot_makes_no_difference(
        deletes in any::<bool>(),
        before in steps(24),
        between in proptest::option::of(steps(12)),
        after in steps(32),
        later in steps(12),
    ) {
        let properties = [
            ("supportActingMaster", "true"),
            ("serverChannelMaxIdleTimeSeconds", "0"),
            ("deleteTopicWithBrokerRegistration", if deletes { "true" } else { "false" }),
        ];
        let properties = properties.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let [mut warm, mut cold] = [World::new(&properties), World::new(&properties)];
        for steps in [Some(before), between].into_iter().flatten() {
            steps.iter().for_each(|step| take(&mut warm, step));
            let known = shown(&mut warm);
            warm.restart(WarmFrom::ThisStop, Duration::ZERO);
            prop_assert_eq!(shown(&mut warm), known, "at once after the restart");
        }
        let restarted = warm.now().monotonic;
        for step in &after {
            if !is_one_topic_of_a_stranger(&cold, step) {
                take(&mut warm, step);
                take(&mut cold, step);
            }
        }
        let passed = Duration::from_millis(warm.now().monotonic.since(restarted).as_millis() as u64);
        let left = WITHIN.saturating_sub(passed);
        warm.advance(left);
        cold.advance(left);
        prop_assert_eq!(shown(&mut warm), shown(&mut cold));
        for step in &later {
            take(&mut warm, step);
            take(&mut cold, step);
            prop_assert_eq!(shown(&mut warm), shown(&mut cold));
        }
    }
}
