//! Replies that I/O threads leave in their inboxes.

use super::*;

/// A node whose I/O threads have left 16 replies of 1 MiB, with one more request waiting.
fn without_credit() -> (Node, usize) {
    let mut node = node(&large_listing());
    (0..17).for_each(|_| node.handle(ask_listing(), at(0)));
    let outputs = drain(&mut node);
    assert_eq!(replies(&outputs), 16);
    (node, reply_bytes(&outputs))
}

#[test]
fn no_frame_is_taken_while_too_many_replies_are_out() {
    let (mut node, bytes) = without_credit();
    assert!((REPLY_BYTES_MAX..REPLY_BYTES_MAX + MIB).contains(&bytes), "{bytes}");
    assert_eq!(node.poll_timeout(), Some(at(0).monotonic + REPLY_WAIT_MAX), "it sleeps until then");
    node.handle(Input::Disconnected(conn(1)), at(1));
    node.handle(Input::Tick, at(1));
    assert!(drain(&mut node).is_empty());
}

#[test]
fn the_node_sleeps_while_a_tick_waits_behind_a_frame() {
    let mut node = node(&large_listing());
    node.handle(registration(1, "b", 100), at(0));
    (0..17).for_each(|_| node.handle(ask_listing(), at(0)));
    drain(&mut node);
    node.handle(Input::Tick, at(150));
    assert_eq!(evictions(&drain(&mut node)), [], "a frame of the broker could be among those that wait");
    assert_eq!(node.poll_timeout(), Some(at(0).monotonic + REPLY_WAIT_MAX), "the deadline of the broker is over");
}

#[test]
fn credit_that_comes_back_wakes_the_node() {
    let (mut node, bytes) = without_credit();
    node.handle(Input::ReplyTaken { bytes: bytes / 16 }, at(5));
    assert_eq!(node.poll_timeout(), due_at(5));
    let outputs = drain(&mut node);
    assert_eq!((replies(&outputs), requests_released(&outputs)), (1, 1));
    assert_eq!(node.poll_timeout(), None);
}

#[test]
fn replies_that_are_taken_at_once_cost_no_credit() {
    let mut node = node(&large_listing());
    for _ in 0..40 {
        node.handle(ask_listing(), at(0));
        let outputs = drain(&mut node);
        assert_eq!(replies(&outputs), 1);
        node.handle(Input::ReplyTaken { bytes: reply_bytes(&outputs) }, at(0));
    }
}

#[test]
fn saves_and_the_stop_do_not_wait_for_credit() {
    let mut node = node(&large_listing());
    node.handle(kv_change("k"), at(0));
    let save = ticket(&drain(&mut node));
    (0..17).for_each(|_| node.handle(ask_listing(), at(0)));
    drain(&mut node);
    node.handle(Input::Saved { ticket: save, result: Ok(()) }, at(1));
    assert_eq!(node.poll_timeout(), due_at(1));
    assert_eq!(names(&drain(&mut node)), ["Publish", "Event", "Reply"]);
    node.handle(Input::Stop, at(1));
    assert_eq!(names(&drain(&mut node)), ["Stopping", "StopIo"]);
    assert_eq!(node.queue.len(), 1, "the frame still waits");
}

#[test]
fn a_stuck_io_thread_does_not_block_the_registry_for_ever() {
    let (mut node, bytes) = without_credit();
    node.handle(Input::Tick, at(999));
    assert!(drain(&mut node).is_empty());
    node.handle(Input::Tick, at(1000));
    let outputs = drain(&mut node);
    assert_eq!(names(&outputs), ["Reply", "RepliesStuck"]);
    assert!(matches!(outputs.last(), Some(Output::RepliesStuck { bytes: stuck }) if *stuck == bytes));

    // The others continue as before the thread got stuck.
    (0..40).for_each(|_| node.handle(ask_listing(), at(1001)));
    let outputs = drain(&mut node);
    assert_eq!(replies(&outputs), 15, "one was out already");
    node.handle(Input::ReplyTaken { bytes: reply_bytes(&outputs) }, at(1002));
    assert_eq!(replies(&drain(&mut node)), 15);
}

#[test]
fn credit_of_a_thread_that_recovers_counts_once() {
    let (mut node, bytes) = without_credit();
    node.handle(Input::Tick, at(1000));
    let last = reply_bytes(&drain(&mut node));
    node.handle(Input::ReplyTaken { bytes: bytes + last }, at(1001));
    (0..17).for_each(|_| node.handle(ask_listing(), at(1001)));
    assert_eq!(replies(&drain(&mut node)), 16, "the limit is as it was");
}

#[test]
fn io_threads_that_take_some_replies_are_waited_for() {
    let mut node = node(&large_listing());
    (0..20).for_each(|_| node.handle(ask_listing(), at(0)));
    let bytes = reply_bytes(&drain(&mut node));
    node.handle(Input::ReplyTaken { bytes: 1 }, at(900));
    drain(&mut node);
    node.handle(Input::Tick, at(1000));
    assert!(drain(&mut node).is_empty(), "{bytes} bytes are out, and one was taken just now");
    assert_eq!(node.poll_timeout(), due_at(1900));
}

#[test]
fn nobody_waits_for_credit_once_the_io_threads_have_ended() {
    let (mut node, _) = without_credit();
    node.handle(Input::Finish, at(1));
    assert_eq!(names(&drain(&mut node)), ["Reply", "Finished"]);
}
