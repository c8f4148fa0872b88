//! How a node stops and ends.

use super::*;

#[test]
fn a_stop_reaches_the_io_threads_at_once_and_only_once() {
    let mut node = node("");
    node.handle(Input::Stop, at(1));
    node.handle(Input::Stop, at(1));
    assert_eq!(names(&drain(&mut node)), ["Stopping", "StopIo"]);
    node.handle(Input::Stop, at(2));
    node.handle(Input::Tick, at(2));
    assert!(drain(&mut node).is_empty());
}

#[test]
fn a_graceful_stop_sends_clients_away_and_stops_io_threads_later() {
    let mut node = node("enableShutdownGracefully=true\nshutdownWaitTimeSeconds=3");
    node.handle(Input::Stop, at(1));
    let outputs = drain(&mut node);
    assert!(matches!(&outputs[0], Output::Publish(view) if view.is_going_away()));
    assert!(matches!(outputs[1], Output::Stopping { wait } if wait == Duration::from_secs(3)));
    assert_eq!(outputs.len(), 2);
    assert_eq!(node.poll_timeout(), due_at(3001));
    node.handle(Input::Stop, at(2000));
    node.handle(Input::Tick, at(3000));
    assert!(drain(&mut node).is_empty());
    node.handle(Input::Tick, at(3001));
    assert_eq!(names(&drain(&mut node)), ["StopIo"]);
    assert_eq!(node.poll_timeout(), None);
}

#[test]
fn a_graceful_stop_without_a_wait_still_publishes_first() {
    let mut node = node("enableShutdownGracefully=true\nshutdownWaitTimeSeconds=0");
    node.handle(Input::Stop, at(1));
    assert_eq!(names(&drain(&mut node)), ["Publish", "Stopping", "StopIo"]);
}

#[test]
fn a_stop_before_the_io_threads_are_attached_waits_for_them() {
    let mut node = unattached("");
    node.handle(Input::Stop, at(1));
    node.handle(Input::Tick, at(2));
    assert_eq!(names(&drain(&mut node)), ["Stopping"]);
    assert_eq!(node.poll_timeout(), None, "time does not help");
    node.handle(Input::Attached, at(3));
    assert_eq!(names(&drain(&mut node)), ["Announce", "StopIo"]);
}

#[test]
fn the_end_waits_for_every_save() {
    let mut node = node("");
    node.handle(kv_change("k"), at(0));
    node.handle(frame(1, 318, "", b"enableTopicList=false"), at(0));
    let outputs = drain(&mut node);
    let tickets: Vec<_> = outputs.iter().filter(|output| matches!(output, Output::Save { .. })).collect();
    let [Output::Save { ticket: first, .. }, Output::Save { ticket: second, .. }] = tickets[..] else {
        panic!("{tickets:?}")
    };
    node.handle(Input::Finish, at(1));
    assert!(drain(&mut node).is_empty());
    node.handle(Input::Saved { ticket: *second, result: Ok(()) }, at(2));
    assert!(!names(&drain(&mut node)).contains(&"Finished".into()));
    node.handle(Input::Saved { ticket: *first, result: Ok(()) }, at(3));
    assert_eq!(names(&drain(&mut node)).last().unwrap(), "Finished");
    assert_eq!(node.poll_timeout(), None);
    assert!(node.poll_output().is_none());
}

#[test]
fn what_was_asked_before_the_end_is_saved() {
    let mut node = node("");
    node.handle(kv_change("first"), at(0));
    node.handle(kv_change("second"), at(0));
    node.handle(Input::Finish, at(0));
    let save = ticket(&drain(&mut node));
    node.handle(Input::Saved { ticket: save, result: Ok(()) }, at(1));
    let outputs = drain(&mut node);
    assert_eq!(names(&outputs), ["Publish", "Event", "Reply", "Save"], "the second change waited for the first");
    node.handle(Input::Saved { ticket: ticket(&outputs), result: Err(SaveError::Unusable("full".into())) }, at(2));
    assert_eq!(names(&drain(&mut node)), ["Event", "Event", "Reply", "Finished"]);
}

#[test]
fn the_end_waits_for_every_batch() {
    let mut node = node("");
    (0..=BATCH_INPUTS_MAX as u64).for_each(|serial| node.handle(frame(serial, 999, "", b""), at(0)));
    node.handle(Input::Finish, at(0));
    let outputs = drain(&mut node);
    assert_eq!(replies(&outputs), BATCH_INPUTS_MAX + 1);
    assert!(matches!(outputs.last(), Some(Output::Finished)));
}

#[test]
fn only_saves_count_after_the_io_threads_have_ended() {
    let mut node = node("enableShutdownGracefully=true\nshutdownWaitTimeSeconds=3");
    node.handle(kv_change("k"), at(0));
    let save = ticket(&drain(&mut node));
    node.handle(Input::Stop, at(0));
    node.handle(Input::Finish, at(0));
    node.handle(registration(1, "b", 100), at(0));
    node.handle(Input::Disconnected(conn(1)), at(0));
    assert_eq!(names(&drain(&mut node)), ["Publish", "Stopping"]);
    assert_eq!(node.poll_timeout(), None, "there is no I/O thread left to stop");
    node.handle(Input::Tick, at(3000));
    assert!(drain(&mut node).is_empty());
    node.handle(Input::Saved { ticket: save, result: Ok(()) }, at(3001));
    assert_eq!(names(&drain(&mut node)), ["Publish", "Event", "Reply", "Finished"]);
}
