//! One test or more for each rule of the driver's policy.

mod credit;
mod reload;
mod snapshots;
mod stop;

use super::*;
use crate::access::Verdict;
use crate::config::{Configuration, properties};
use crate::event::{Event, EvictionCause};
use crate::initial_state::InitialState;
use crate::output::CloseReason;
use crate::quota::QueueQuota;
use crate::save::{SaveError, SaveFile};
use crate::time::WallTime;
use alloc::boxed::Box;
use alloc::format;
use alloc::vec;
use core::cell::Cell;
use core::iter::from_fn;

const MIB: usize = 1024 * 1024;

fn at(millis: u64) -> Now {
    Now { monotonic: Instant::from_millis(millis), wall: WallTime::from_millis(1_700_000_000_000 + millis) }
}

fn due_at(millis: u64) -> Option<Instant> {
    Some(Instant::from_millis(millis))
}

/// A node whose first view was published; the I/O threads are attached.
fn node(file: &str) -> Node {
    let mut node = unattached(file);
    node.handle(Input::Attached, at(0));
    drain(&mut node);
    node
}

fn unattached(file: &str) -> Node {
    let (configuration, _) = Configuration::new(&properties::parse(file.as_bytes()).unwrap()).unwrap();
    let mut node = Node::new(InitialState::new([0; 16], configuration), at(0));
    drain(&mut node);
    node
}

/// The outputs of one batch.
fn batch(node: &mut Node) -> Vec<Output> {
    from_fn(|| node.poll_output()).collect()
}

/// The outputs of all batches that can be taken now.
fn drain(node: &mut Node) -> Vec<Output> {
    let mut outputs = Vec::new();
    while !node.is_idle() {
        outputs.extend(batch(node));
    }
    outputs
}

fn conn(serial: u64) -> ConnId {
    ConnId::new(0, serial)
}

fn frame(serial: u64, code: i32, fields: &str, body: &[u8]) -> Input {
    let header = format!(r#"{{"code":{code},"flag":0,"opaque":1,"version":513,"extFields":{{{fields}}}}}"#);
    let lengths = [4 + header.len() + body.len(), header.len()].map(|length| u32::try_from(length).unwrap());
    let frame = [&lengths[0].to_be_bytes(), &lengths[1].to_be_bytes(), header.as_bytes(), body].concat().into();
    Input::Frame {
        peer: Peer { conn: conn(serial), address: ([127, 0, 0, 1], 1).into() },
        frame,
        verdict: Verdict::Open,
    }
}

/// The registration of broker `name`, which is gone `timeout` milliseconds after it was heard.
fn registration(serial: u64, name: &str, timeout: u64) -> Input {
    let broker = format!(r#""brokerName":"{name}","brokerAddr":"{name}:1","clusterName":"c","haServerAddr":"""#);
    let fields = format!(r#"{broker},"brokerId":"0","heartbeatTimeoutMillis":"{timeout}""#);
    let body = br#"{"topicConfigSerializeWrapper":{"topicConfigTable":{},"dataVersion":{"counter":1}}}"#;
    frame(serial, 103, &fields, body)
}

fn kv_change(key: &str) -> Input {
    frame(1, 100, &format!(r#""namespace":"n","key":"{key}","value":"v""#), b"")
}

/// A configuration whose listing, the answer to [`ask_listing`], has a MiB and a little more.
fn large_listing() -> String {
    format!("unknown={}", "x".repeat(MIB))
}

fn ask_listing() -> Input {
    frame(1, 319, "", b"")
}

fn replies(outputs: &[Output]) -> usize {
    outputs.iter().filter(|output| matches!(output, Output::Reply { .. })).count()
}

fn reply_bytes(outputs: &[Output]) -> usize {
    outputs.iter().map(|output| if let Output::Reply { frame, .. } = output { frame.len() } else { 0 }).sum()
}

fn requests_released(outputs: &[Output]) -> usize {
    outputs.iter().map(|output| if let Output::Release { requests, .. } = output { *requests } else { 0 }).sum()
}

fn ticket(outputs: &[Output]) -> SaveTicket {
    let ticket = |output: &Output| if let Output::Save { ticket, .. } = output { Some(*ticket) } else { None };
    outputs.iter().find_map(ticket).unwrap()
}

/// Names of the outputs, in order, without what was released.
fn names(outputs: &[Output]) -> Vec<String> {
    let name = |output| format!("{output:?}").split([' ', '(']).next().unwrap_or_default().into();
    outputs.iter().filter(|output| !matches!(output, Output::Release { .. })).map(name).collect()
}

/// Why brokers were removed.
fn evictions(outputs: &[Output]) -> Vec<EvictionCause> {
    let cause = |output: &Output| {
        if let Output::Event(Event::BrokerEvicted { cause, .. }) = output { Some(*cause) } else { None }
    };
    outputs.iter().filter_map(cause).collect()
}

#[test]
fn the_first_output_is_a_view() {
    let mut node = Node::new(InitialState::new([0; 16], Configuration::default()), at(0));
    assert_eq!(node.poll_timeout(), due_at(0));
    assert_eq!(names(&batch(&mut node)), ["Publish"]);
    assert_eq!(node.poll_timeout(), None, "it has no brokers");
}

// The order of inputs.

#[test]
fn brokers_are_heard_before_they_are_judged() {
    let mut node = node("");
    node.handle(registration(1, "b", 100), at(0));
    drain(&mut node);
    assert_eq!(node.poll_timeout(), due_at(101));
    // More than one batch waits when its time is over, and what the broker sent is at the end.
    (0..BATCH_INPUTS_MAX as u64).for_each(|other| node.handle(Input::Disconnected(conn(1000 + other)), at(150)));
    node.handle(registration(1, "b", 100), at(150));
    node.handle(Input::Tick, at(150));
    assert_eq!(names(&drain(&mut node)), ["Reply"]);
    assert_eq!(node.poll_timeout(), due_at(251));
}

#[test]
fn what_arrives_after_a_tick_does_not_delay_it() {
    let mut node = node("");
    node.handle(registration(1, "b", 100), at(0));
    drain(&mut node);
    node.handle(Input::Tick, at(101));
    node.handle(registration(1, "b", 100), at(101));
    assert_eq!(evictions(&drain(&mut node)), [EvictionCause::Expired]);
}

#[test]
fn a_tick_waits_only_once_and_then_the_next_one_may_come() {
    let mut node = node("");
    node.handle(registration(1, "b", 100), at(0));
    node.handle(registration(2, "d", 200), at(0));
    drain(&mut node);
    (101..105).for_each(|millis| node.handle(Input::Tick, at(millis)));
    assert_eq!(node.queue.len(), 1);
    assert_eq!(evictions(&drain(&mut node)), [EvictionCause::Expired]);
    assert_eq!(node.poll_timeout(), due_at(201));
    node.handle(Input::Tick, at(201));
    assert_eq!(evictions(&drain(&mut node)), [EvictionCause::Expired]);
}

#[test]
fn a_tick_that_nothing_is_due_for_is_not_queued() {
    let mut node = node("");
    node.handle(registration(1, "b", 100), at(0));
    drain(&mut node);
    node.handle(Input::Tick, at(100));
    assert!(node.queue.is_empty());
    assert!(drain(&mut node).is_empty());
}

// Batches.

#[test]
fn one_view_comes_before_the_replies_of_its_batch() {
    let mut node = node("");
    node.handle(registration(1, "b", 100), at(0));
    node.handle(registration(2, "d", 100), at(0));
    let outputs = batch(&mut node);
    assert_eq!(names(&outputs), ["Publish", "Event", "Reply", "Event", "Reply"]);
    let view = outputs.iter().find_map(|output| if let Output::Publish(view) = output { Some(view) } else { None });
    let shown = String::from_utf8_lossy(view.unwrap().cluster_info()).into_owned();
    assert!(shown.contains(r#""b":{"#) && shown.contains(r#""d":{"#), "{shown}");
}

#[test]
fn a_batch_ends_after_so_many_inputs_and_the_next_one_is_due_at_once() {
    let mut node = node("");
    (0..=BATCH_INPUTS_MAX as u64).for_each(|serial| node.handle(frame(serial, 999, "", b""), at(7)));
    assert_eq!(node.poll_timeout(), due_at(7), "it must not sleep over a new input");
    assert_eq!(replies(&batch(&mut node)), BATCH_INPUTS_MAX);
    assert_eq!(node.poll_timeout(), due_at(7), "it must not sleep over what is left");
    assert_eq!(replies(&batch(&mut node)), 1);
    assert_eq!(node.poll_timeout(), None);
    assert!(node.poll_output().is_none());
}

#[test]
fn a_batch_ends_after_so_many_bytes_of_frames() {
    let mut node = node("");
    (0..6).for_each(|serial| node.handle(frame(serial, 999, "", &vec![0; MIB]), at(0)));
    assert_eq!(replies(&batch(&mut node)), 4);
    assert_eq!(replies(&batch(&mut node)), 2);
}

#[test]
fn a_batch_ends_after_so_many_bytes_of_replies() {
    let mut node = node(&large_listing());
    (0..6).for_each(|_| node.handle(ask_listing(), at(0)));
    assert_eq!(replies(&batch(&mut node)), 4);
    assert_eq!(replies(&batch(&mut node)), 2);
}

#[test]
fn what_is_handed_in_between_two_outputs_belongs_to_the_next_batch() {
    let mut node = node("");
    node.handle(registration(1, "b", 100), at(0));
    assert!(matches!(node.poll_output(), Some(Output::Release { .. })));
    node.handle(registration(2, "d", 100), at(0));
    assert_eq!(names(&batch(&mut node)), ["Publish", "Event", "Reply"]);
    assert_eq!(names(&batch(&mut node)), ["Publish", "Event", "Reply"]);
}

#[test]
fn every_place_in_the_queue_is_given_back() {
    let mut node = node("");
    let quota = QueueQuota::<Cell<usize>>::new(5, 10 * MIB);
    let malformed = ["", "\0\0\0\x08\0\0\0\x04{", "\0\0\0\x06\0\0\0\x02{]"].map(|frame| Input::Frame {
        peer: Peer { conn: conn(9), address: ([127, 0, 0, 1], 1).into() },
        frame: Bytes::from_static(frame.as_bytes()),
        verdict: Verdict::Open,
    });
    for input in [registration(1, "b", 100), frame(2, 999, "", b"")].into_iter().chain(malformed) {
        if let Input::Frame { frame, .. } = &input {
            assert!(quota.try_reserve(frame.len()));
        }
        node.handle(input, at(0));
    }
    assert!(!quota.try_reserve(0));
    let outputs = drain(&mut node);
    for output in &outputs {
        if let Output::Release { requests, bytes } = output {
            quota.release(*requests, *bytes);
        }
    }
    assert!((0..5).all(|_| quota.try_reserve(10 * MIB / 5)), "nothing is left in it");
    let close =
        |output: &Output| if let Output::Close { conn, reason } = output { Some((*conn, *reason)) } else { None };
    assert!(outputs.iter().filter_map(close).eq([(conn(9), CloseReason::MalformedFrame); 3]), "{outputs:?}");
}

#[test]
fn a_burst_leaves_no_memory_behind() {
    let mut node = node("");
    (0..10_000).for_each(|serial| node.handle(Input::Disconnected(conn(serial)), at(0)));
    drain(&mut node);
    assert!(node.queue.capacity() < 2 * BATCH_INPUTS_MAX, "{}", node.queue.capacity());
}

// What drivers must not do.

#[test]
#[should_panic(expected = "is not being saved")]
fn only_saves_that_were_asked_for_end() {
    node("").handle(Input::Saved { ticket: SaveTicket { file: SaveFile::KvConfig, number: 1 }, result: Ok(()) }, at(0));
}

#[test]
#[should_panic(expected = "bytes taken of 0")]
fn only_replies_that_are_out_are_taken() {
    node("").handle(Input::ReplyTaken { bytes: 1 }, at(0));
}

#[test]
#[should_panic(expected = "after")]
fn time_does_not_go_back() {
    let mut node = node("");
    node.handle(Input::Tick, at(2));
    node.handle(Input::Tick, at(1));
}
