//! When snapshots are saved, and what a restart with one counts. What clients see of it is in the scenarios
//! `restarted-*`.

use super::*;
use crate::config::Limits;
use crate::initial_state::WarmStart;
use crate::snapshot::{Snapshot, Written};
use crate::time::Duration;

/// How long brokers have to register again.
const WITHIN: u64 = 75_000;
/// A broker that never expires here.
const LONG: u64 = 1_000_000;

/// A node that saves snapshots.
fn start(warm_start: Option<WarmStart>) -> Node {
    let initial =
        InitialState { warm_start, saves_snapshots: true, ..InitialState::new([0; 16], Configuration::default()) };
    let mut node = Node::new(initial, at(0));
    node.handle(Input::Attached, at(0));
    node
}

/// The snapshot among these outputs, as a start would read it.
fn snapshot(outputs: &[Output]) -> Snapshot {
    let source = outputs
        .iter()
        .find_map(|output| if let Output::SaveSnapshot { source, .. } = output { Some(source) } else { None });
    Snapshot::decode(&source.unwrap().encode(&Written::default()), &Limits::default()).unwrap()
}

fn saves(outputs: &[Output]) -> Vec<SaveTicket> {
    let ticket = |output: &Output| if let Output::SaveSnapshot { ticket, .. } = output { Some(*ticket) } else { None };
    outputs.iter().filter_map(ticket).collect()
}

/// How many brokers the last view of these outputs has, and how many of them only a snapshot knows.
fn counts(outputs: &[Output]) -> Option<(usize, usize)> {
    outputs.iter().rev().find_map(|output| {
        if let Output::Publish(view) = output { Some((view.broker_count(), view.unconfirmed_count())) } else { None }
    })
}

/// Hands an input in, and returns all that comes of it.
fn handle(node: &mut Node, input: Input, millis: u64) -> Vec<Output> {
    node.handle(input, at(millis));
    let outputs = drain(node);
    assert_eq!(node.check(), Vec::<String>::new());
    outputs
}

/// Lets time pass, with a tick each second.
fn wait(node: &mut Node, from: u64, to: u64) -> Vec<Output> {
    let times = (from..to).step_by(1000).chain([to]);
    times.flat_map(|millis| handle(node, Input::Tick, millis)).collect()
}

#[test]
fn brokers_of_a_snapshot_are_unconfirmed_until_they_register_or_their_time_is_over() {
    let mut node = start(None);
    for (serial, name) in [(1, "a"), (2, "b"), (3, "c")] {
        handle(&mut node, registration(serial, name, LONG), 0);
    }
    let snapshot = snapshot(&handle(&mut node, Input::Stop, 0));
    let mut node = start(Some(WarmStart { snapshot, within: Duration::from_millis(WITHIN) }));
    let first = drain(&mut node);
    assert_eq!((counts(&first), evictions(&first)), (Some((3, 3)), vec![]));
    assert_eq!(counts(&handle(&mut node, registration(4, "a", LONG), 1000)), Some((3, 2)));
    assert_eq!(counts(&wait(&mut node, 2000, WITHIN - 1)), None);
    let last = wait(&mut node, WITHIN, WITHIN);
    assert_eq!(counts(&last), Some((1, 0)));
    assert_eq!(evictions(&last), [EvictionCause::Unconfirmed; 2]);
}

#[test]
fn a_snapshot_is_saved_at_most_every_half_a_minute_and_only_after_a_change() {
    let mut node = start(None);
    assert_eq!(saves(&wait(&mut node, 1000, 60_000)), [], "nothing changed");
    handle(&mut node, registration(1, "a", LONG), 61_000);
    let [mut ticket] = *saves(&wait(&mut node, 61_000, 61_000)) else { panic!("a change is saved") };
    handle(&mut node, registration(2, "b", LONG), 62_000);
    assert_eq!(saves(&wait(&mut node, 62_000, 100_000)), [], "the first one has not ended");
    let failure = || Err(SaveError::Unusable("it is full".into()));
    for (millis, result, told) in [(100_000, failure(), 1), (140_000, failure(), 0)] {
        let mut outputs = handle(&mut node, Input::Saved { ticket, result }, millis);
        outputs.extend(wait(&mut node, millis, millis + 31_000));
        let failed = |output: &&Output| matches!(output, Output::Event(Event::SaveFailed { .. }));
        assert_eq!(outputs.iter().filter(failed).count(), told, "an operator is told once");
        let [again] = *saves(&outputs) else { panic!("a failed save is tried again") };
        ticket = again;
    }
    handle(&mut node, Input::Saved { ticket, result: Ok(()) }, 180_000);
    assert_eq!(saves(&wait(&mut node, 180_000, 211_000)), [], "a good one is not");
    handle(&mut node, frame(1, 904, r#""brokerName":"a","brokerAddr":"a:1","clusterName":"c""#, b""), 211_000);
    assert_eq!(saves(&wait(&mut node, 212_000, 290_000)), [], "heartbeats are no change");
}

#[test]
fn the_snapshot_of_a_stop_has_the_brokers_whose_connections_end_with_it() {
    let mut node = start(None);
    handle(&mut node, registration(1, "b", LONG), 0);
    let outputs = handle(&mut node, Input::Stop, 1);
    assert_eq!(names(&outputs), ["Stopping", "SaveSnapshot", "StopIo"]);
    node.handle(Input::Disconnected(conn(1)), at(2));
    node.handle(Input::Tick, at(60_000));
    let after = handle(&mut node, Input::Finish, 60_000);
    assert_eq!(saves(&after), [], "there is no later one");
    assert!(!names(&after).contains(&"Finished".into()), "the save has not ended");
    let saved = handle(&mut node, Input::Saved { ticket: saves(&outputs)[0], result: Ok(()) }, 60_000);
    assert!(names(&saved).contains(&"Finished".into()));
    assert_eq!(snapshot(&outputs).brokers().collect::<Vec<_>>(), [("b", 0)]);
}
