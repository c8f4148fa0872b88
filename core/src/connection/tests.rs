//! Connections without a socket: what they answer, forward, keep, pause, report and give back.

mod frames;
mod steps;

use super::machine::Connection;
use super::{Answers, CloseReason, Paused, Read, Reading};
use crate::config::{Configuration, Limits};
use crate::initial_state::InitialState;
use crate::node;
use crate::output::{CloseReason as RegistryClose, Output as RegistryOutput};
use crate::quota::Quotas;
use crate::registry::Registry;
use crate::route::RouteView;
use crate::time::{Duration, Instant, Now, WallTime};
use crate::wire::FrameError;
use crate::{ConnId, Peer};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;
use core::cell::Cell;
use frames::{change, frame, opaques, query};

/// Stands for the end of a connection among the opaque numbers of forwarded requests.
const END: usize = 0;

fn at(millis: u64) -> Now {
    Now { monotonic: Instant::from_millis(millis), wall: WallTime::UNIX_EPOCH }
}

fn peer() -> Peer {
    Peer { conn: ConnId::new(0, 1), address: ([127, 0, 0, 1], 1).into() }
}

fn view(limits: Limits) -> Arc<RouteView> {
    let initial = InitialState { limits, ..InitialState::new([0; 16], Configuration::default()) };
    let Some(RegistryOutput::Publish(view)) = Registry::new(initial, at(0)).poll_output() else { panic!("no view") };
    view
}

/// One connection, the view that answers it, and what it returned.
struct World {
    connection: Connection,
    view: Arc<RouteView>,
    quotas: Arc<Quotas<Cell<usize>>>,
    answers: Answers,
}

impl World {
    fn new(limits: Limits) -> Self {
        let (view, quotas) = (view(limits), Quotas::shared(&limits));
        let connection = Connection::open(peer(), &view, &quotas, at(0)).unwrap();
        Self { connection, view, quotas, answers: Answers::default() }
    }

    fn read(&mut self, read: Read<&[u8]>) -> Reading {
        self.connection.handle_read(read, &self.view, &mut self.answers, at(0))
    }

    fn bytes(&mut self, bytes: &[u8]) -> Reading {
        self.read(Read::Bytes(bytes))
    }

    fn resume(&mut self) -> Reading {
        self.read(Read::Nothing)
    }

    /// Lets the client take `room` bytes of the waiting output and the answers.
    fn write(&mut self, mut room: usize) -> Vec<u8> {
        self.connection.handle_answers(&mut self.answers.bytes, 0, at(0));
        let mut taken = Vec::new();
        while room > 0 && self.connection.wants_write() {
            let mut slices: [&[u8]; 2] = [&[]; 2];
            let filled = self.connection.poll_transmit(&mut slices);
            let front = slices[..filled].concat();
            let written = front.len().min(room);
            taken.extend_from_slice(&front[..written]);
            self.connection.handle_written(written, at(0));
            room -= written;
        }
        taken
    }

    /// Returns the opaque numbers of everything written since the last call.
    fn answered(&mut self) -> Vec<usize> {
        opaques(&self.write(usize::MAX))
    }

    /// Returns the opaque numbers of the requests forwarded since the last call, and [`END`]. Frees their places in the
    /// registry's queue.
    fn forwarded(&mut self) -> Vec<usize> {
        forwarded(&mut self.connection, &self.quotas)
    }

    fn reply(&mut self, opaque: usize) {
        self.connection.handle_reply(query(opaque).into(), at(0));
    }
}

fn forwarded(connection: &mut Connection, quotas: &Quotas<Cell<usize>>) -> Vec<usize> {
    let inputs = core::iter::from_fn(|| connection.poll_forward());
    let opaque = |input: node::Input| {
        if let node::Input::Frame { peer: from, frame, verdict: _ } = input {
            assert_eq!(from, peer());
            quotas.queue().release(1, frame.len());
            opaques(&frame)[0]
        } else {
            assert_eq!(input, node::Input::Disconnected(peer().conn));
            END
        }
    };
    inputs.map(opaque).collect()
}

#[test]
fn an_idle_connection_owns_no_memory() {
    let mut world = World::new(Limits::default());
    world.bytes(&query(1)[..20]);
    world.bytes(&[&query(1)[20..], &change(2)].concat());
    world.write(10);
    assert!(world.connection.output_bytes() > 0);
    assert_eq!(world.forwarded(), [2]);
    world.reply(2);
    world.write(usize::MAX);
    let connection = &world.connection;
    assert_eq!((connection.input_memory(), connection.output_bytes(), connection.forwards.capacity()), (0, 0, 0));
    assert_eq!(world.quotas.queue().requests(), 0);
}

#[test]
fn what_is_only_announced_costs_nothing() {
    let mut world = World::new(Limits::default());
    let large = frame(904, 1, 10_000_000);
    world.bytes(&large[..100]);
    assert!(world.connection.input_memory() <= 200, "{}", world.connection.input_memory());
    for part in large[100..].chunks(65_536) {
        world.bytes(part);
        assert!(world.connection.input_memory() <= large.len());
    }
    assert_eq!(world.forwarded(), [1]);
    assert_eq!(world.connection.input_memory(), 0);
}

#[test]
fn a_large_frame_is_forwarded_although_the_next_one_came_with_its_end() {
    let mut world = World::new(Limits::default());
    let stream = [frame(904, 1, 5000), query(2)].concat();
    world.bytes(&stream[..2000]);
    world.bytes(&stream[2000..]);
    assert_eq!((world.forwarded(), world.answered()), (vec![1], vec![2]));
}

#[test]
fn input_over_the_quota_closes_the_connection_after_the_answers() {
    let mut world = World::new(Limits { incomplete_input_bytes_max: 1000, ..Limits::default() });
    let stream = [query(1), frame(105, 2, 500)].concat();
    assert_eq!(world.bytes(&stream[..300]), Reading::Open);
    assert_eq!(world.connection.poll_close(), None);
    world.bytes(&stream[300..600]);
    assert_eq!(world.answered(), [1]);
    let reason = world.connection.poll_close().unwrap();
    assert!(matches!(reason, CloseReason::InputFull { bytes: 1.. }) && !reason.is_orderly(), "{reason:?}");
    assert_eq!(world.forwarded(), [END]);
    assert_eq!(world.connection.input_memory(), 0);
}

#[test]
fn a_full_queue_stops_the_reading_and_nothing_is_lost_or_forwarded_twice() {
    let mut world = World::new(Limits { registry_queue_requests_max: 1, ..Limits::default() });
    let full = Reading::Paused(Paused::UntilQueued);
    assert_eq!(world.bytes(&[change(1), query(2), change(3), query(4), change(5)].concat()), full);
    assert!(!world.connection.wants_read() && world.connection.can_resume());
    assert_eq!(world.resume(), full);
    assert_eq!((world.forwarded(), world.answered()), (vec![1], vec![2]));
    assert_eq!(world.resume(), full);
    assert_eq!((world.forwarded(), world.answered()), (vec![3], vec![4]));
    assert_eq!(world.resume(), Reading::Open);
    assert!(world.connection.wants_read() && !world.connection.can_resume());
    assert_eq!(world.forwarded(), [5]);
    assert_eq!(world.connection.unanswered(), 3);
}

#[test]
fn a_closed_window_waits_for_a_reply_and_not_for_output() {
    let mut world = World::new(Limits { forwarded_per_connection_max: 1, ..Limits::default() });
    let closed = Reading::Paused(Paused::UntilReplied);
    assert_eq!(world.bytes(&[query(1), change(2), change(3), query(4)].concat()), closed);
    assert_eq!((world.answered(), world.forwarded()), (vec![1], vec![2]));
    assert!(!world.connection.can_resume() && !world.connection.wants_read());
    world.reply(2);
    assert!(world.connection.can_resume());
    assert_eq!(world.resume(), Reading::Open);
    assert_eq!((world.forwarded(), world.answered()), (vec![3], vec![2, 4]));
}

#[test]
fn an_empty_reply_opens_the_window_too() {
    let mut world = World::new(Limits { forwarded_per_connection_max: 1, ..Limits::default() });
    world.bytes(&[change(1), change(2)].concat());
    world.connection.handle_reply(Bytes::new(), at(0));
    assert!(!world.connection.wants_write() && world.connection.can_resume());
    world.resume();
    assert_eq!(world.forwarded(), [1, 2]);
}

#[test]
fn unwritten_output_stops_the_reading() {
    let limits = Limits { output_bytes_pause: 1000, output_bytes_max: 5000, ..Limits::default() };
    let mut world = World::new(limits);
    let queries: Vec<u8> = (1..100).flat_map(query).collect();
    assert_eq!(world.bytes(&queries), Reading::Paused(Paused::UntilWritten));
    assert!(world.answers.bytes.len() < 2000);
    let mut written = world.write(1);
    assert!(!world.connection.can_resume() && !world.connection.wants_read());
    written.extend(world.write(usize::MAX));
    while world.connection.can_resume() {
        world.resume();
        written.extend(world.write(usize::MAX));
    }
    assert!(opaques(&written).into_iter().eq(1..100));
    assert!(world.connection.wants_read());
}

#[test]
fn a_window_that_opens_does_not_help_a_client_that_does_not_read() {
    let limits = Limits { forwarded_per_connection_max: 1, output_bytes_pause: 10, ..Limits::default() };
    let mut world = World::new(limits);
    assert_eq!(world.bytes(&[change(1), change(2)].concat()), Reading::Paused(Paused::UntilReplied));
    world.reply(1);
    assert!(!world.connection.can_resume(), "its reply is not written");
    world.answered();
    assert!(world.connection.can_resume());
}

#[test]
fn a_lone_reply_may_be_larger_than_the_limit() {
    let mut world = World::new(Limits { output_bytes_max: 100, ..Limits::default() });
    world.bytes(&[change(1), change(2)].concat());
    world.connection.handle_reply(vec![0; 1000].into(), at(0));
    assert_eq!(world.connection.poll_close(), None);
    world.connection.handle_reply(Bytes::from_static(b"x"), at(0));
    assert_eq!(world.connection.poll_close(), Some(CloseReason::OutputFull { bytes: 1001 }));
}

#[test]
fn clients_together_may_leave_no_more_unread_than_the_quota() {
    let mut world = World::new(Limits { unread_output_bytes_max: 100_000, ..Limits::default() });
    world.bytes(&[change(1), change(2)].concat());
    world.quotas.add_output(60_000);
    world.connection.handle_reply(vec![0; 20_000].into(), at(0));
    assert_eq!(world.connection.poll_close(), None);
    world.connection.handle_reply(vec![0; 1].into(), at(0));
    assert_eq!(world.connection.poll_close(), Some(CloseReason::OutputFull { bytes: 20_001 }));
    world.quotas.subtract_output(60_000);
    assert_eq!(world.connection.poll_close(), None, "it is alone");
}

#[test]
fn after_its_end_a_client_gets_what_it_is_owed_and_is_reported_once() {
    let mut world = World::new(Limits::default());
    world.bytes(&[change(1), query(2), query(3)[..20].to_vec()].concat());
    assert_eq!(world.read(Read::Eof), Reading::Open);
    assert_eq!(world.forwarded(), [1, END]);
    assert_eq!(world.answered(), [2]);
    assert_eq!(world.connection.poll_close(), None, "one reply is missing");
    world.reply(1);
    assert_eq!(world.connection.poll_close(), None, "it is not written");
    assert_eq!(world.answered(), [1]);
    assert_eq!(world.connection.poll_close(), Some(CloseReason::EndOfStream));
    world.connection.handle_closed();
    assert!(world.forwarded().is_empty());
}

#[test]
fn a_client_that_ended_while_paused_still_gets_everything() {
    let mut world = World::new(Limits { output_bytes_pause: 500, ..Limits::default() });
    let queries: Vec<u8> = (1..10).flat_map(query).chain(change(10)).collect();
    let (first, rest) = queries.split_at(query(1).len() / 2);
    world.bytes(first);
    world.read(Read::Bytes(rest));
    let mut written = Vec::new();
    while world.connection.can_resume() || !world.connection.wants_read() {
        written.extend(world.write(usize::MAX));
        world.resume();
    }
    world.read(Read::Eof);
    written.extend(world.write(usize::MAX));
    assert!(opaques(&written).into_iter().eq(1..10));
    assert_eq!(world.forwarded(), [10, END]);
}

#[test]
fn input_that_a_closed_window_left_survives_the_end() {
    // The server stops, so the read that handles it is also the last one.
    let mut world = World::new(Limits { forwarded_per_connection_max: 1, ..Limits::default() });
    world.connection.handle_stop();
    assert_eq!(world.bytes(&[change(1), change(2)].concat()), Reading::Paused(Paused::UntilReplied));
    assert!(!world.connection.wants_read());
    world.reply(1);
    assert_eq!(world.connection.poll_close(), None);
    assert_eq!(world.resume(), Reading::Open);
    assert_eq!(world.forwarded(), [1, 2]);
    world.reply(2);
    assert_eq!(world.answered(), [1, 2]);
    assert_eq!(world.connection.poll_close(), Some(CloseReason::Stopped));
}

#[test]
fn a_server_that_stops_reports_no_client_as_lost() {
    let mut world = World::new(Limits::default());
    world.connection.handle_stop();
    world.bytes(&[change(1), query(2)].concat());
    assert!(!world.connection.wants_read(), "that was the last read");
    assert_eq!((world.answered(), world.forwarded()), (vec![2], vec![1]));
    world.connection.handle_closed();
    assert!(world.forwarded().is_empty());
}

#[test]
fn a_malformed_frame_ends_the_connection_after_the_answers_before_it() {
    let mut world = World::new(Limits::default());
    world.bytes(&[query(1), change(2), vec![0, 0, 0, 1, 9, 9], query(3)].concat());
    assert!(!world.connection.wants_read() && !world.connection.can_resume());
    assert_eq!((world.answered(), world.forwarded()), (vec![1], vec![2, END]));
    assert_eq!(world.connection.poll_close(), None);
    world.reply(2);
    assert_eq!(world.answered(), [2]);
    assert_eq!(world.connection.poll_close(), Some(CloseReason::Malformed(FrameError::TooShort(1))));
}

#[test]
fn a_close_by_the_registry_waits_for_no_reply() {
    for (reason, waits_for_output) in [(RegistryClose::BrokerExpired, false), (RegistryClose::MalformedFrame, true)] {
        let mut world = World::new(Limits::default());
        world.bytes(&[change(1), change(2), query(3)[..20].to_vec()].concat());
        world.reply(1);
        world.connection.handle_registry_close(reason);
        assert_eq!(world.connection.poll_close().is_none(), waits_for_output);
        assert_eq!(world.answered(), [1], "a reply that came before is written");
        assert_eq!(world.connection.poll_close(), Some(CloseReason::Registry(reason)));
        assert_eq!(world.forwarded(), [1, 2, END]);
        assert_eq!(world.connection.input_memory(), 0);
        assert_eq!(world.resume(), Reading::Open, "nothing is read any more");
    }
}

#[test]
fn a_broker_that_expired_stays_expired() {
    let mut world = World::new(Limits::default());
    let expired = Some(CloseReason::Registry(RegistryClose::BrokerExpired));
    world.connection.handle_registry_close(RegistryClose::BrokerExpired);
    world.connection.handle_registry_close(RegistryClose::MalformedFrame);
    assert_eq!(world.connection.poll_close(), expired);
    world.connection.handle_closed();
    assert_eq!(world.connection.poll_close(), expired);
}

#[test]
fn silence_and_slow_frames_close_a_connection() {
    let mut world = World::new(Limits { frame_time_max: Duration::from_secs(10), ..Limits::default() });
    let idle = world.connection.poll_timeout().unwrap();
    assert_eq!(world.connection.handle_timeout(at(idle.as_millis() - 1)), None);
    assert_eq!(world.connection.handle_timeout(at(idle.as_millis())), Some(CloseReason::Idle));
    world.bytes(&query(1)[..10]);
    assert_eq!(world.connection.poll_timeout(), Some(Instant::from_millis(10_000)));
    assert_eq!(world.connection.handle_timeout(at(10_000)), Some(CloseReason::SlowFrame));
    world.read(Read::Eof);
    assert_eq!(world.connection.poll_timeout(), Some(idle), "the frame is given up");
}

#[test]
fn a_frame_takes_no_time_while_nothing_is_read() {
    let limits = Limits { frame_time_max: Duration::from_secs(10), output_bytes_pause: 250, ..Limits::default() };
    let mut world = World::new(limits);
    world.bytes(&query(1));
    world.write(0);
    assert_eq!(world.bytes(&[&query(2)[..], &query(3)[..10]].concat()), Reading::Open);
    world.write(0);
    let mut millis = 0;
    assert_eq!(world.connection.handle_timeout(at(120_000)), Some(CloseReason::Idle), "it takes nothing");
    while !world.connection.wants_read() {
        millis += 30_000;
        assert_eq!(world.connection.handle_timeout(at(millis)), None);
        world.connection.handle_written(20, at(millis));
    }
    assert!(millis > 30_000);
    world.connection.handle_written(20, at(millis + 9000));
    assert_eq!(world.connection.poll_timeout(), Some(Instant::from_millis(millis + 10_000)), "it can be read");
    assert_eq!(world.connection.handle_timeout(at(millis + 10_000)), Some(CloseReason::SlowFrame));
}

#[test]
fn quotas_are_given_back_in_every_state() {
    let limits = Limits { forwarded_per_connection_max: 2, connections_max: 1, ..Limits::default() };
    let stream = [change(1), change(2), change(3), query(4)].concat();
    let states: [fn(&mut World); 7] = [
        |_| (),
        |world| world.reply(1),
        |world| world.connection.handle_stop(),
        |world| world.connection.handle_registry_close(RegistryClose::MalformedFrame),
        |world| world.connection.handle_registry_close(RegistryClose::BrokerExpired),
        |world| world.connection.handle_closed(),
        |world| _ = world.write(1),
    ];
    for (cut, change_state) in (1..stream.len()).flat_map(|cut| states.map(|state| (cut, state))) {
        let mut world = World::new(limits);
        world.bytes(&stream[..cut]);
        if world.connection.unanswered() > 0 {
            change_state(&mut world);
        }
        let World { connection, quotas, view, .. } = world;
        assert!(Connection::open(peer(), &view, &quotas, at(0)).is_none());
        drop(connection);
        assert!(quotas.is_unused());
        assert_eq!(quotas.queue().requests(), 0, "what was not forwarded takes no place");
    }
}

#[cfg(debug_assertions)]
mod violations {
    use super::*;

    #[test]
    #[should_panic(expected = "read in Draining")]
    fn bytes_after_the_end() {
        let mut world = World::new(Limits::default());
        world.read(Read::Eof);
        world.bytes(&query(1));
    }

    #[test]
    #[should_panic(expected = "a reply to nothing")]
    fn a_reply_too_many() {
        World::new(Limits::default()).reply(1);
    }

    #[test]
    #[should_panic(expected = "bytes written of")]
    fn more_written_than_offered() {
        let mut world = World::new(Limits::default());
        world.bytes(&change(1));
        world.reply(1);
        world.connection.handle_written(10_000, at(0));
    }

    #[test]
    #[should_panic(expected = "answers written before what waits")]
    fn answers_before_what_waits() {
        let mut world = World::new(Limits::default());
        world.bytes(&[change(1), query(2)].concat());
        world.reply(1);
        world.connection.handle_answers(&mut world.answers.bytes, 1, at(0));
    }
}
