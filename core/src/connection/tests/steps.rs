//! Steps over a virtual stream: partial reads and writes, full buffers, resets.

use super::frames::{change, opaques, query};
use super::{World, at, forwarded};
use crate::config::Limits;
use crate::connection::{CloseReason, Next, READ_BYTES_MAX, Read, Ready, Scratch, Stream, Written};
use alloc::vec;
use alloc::vec::Vec;

/// A stream that returns `sent`, at most `read_max` bytes a read, and takes `room` bytes, at most `write_max` a write.
#[derive(Debug)]
struct Pipe {
    sent: Vec<u8>,
    read_max: usize,
    is_ended: bool,
    is_reset: bool,
    taken: Vec<u8>,
    write_max: usize,
    room: usize,
    writes: usize,
}

#[derive(Debug, PartialEq, Eq)]
struct Reset;

impl Pipe {
    fn new(sent: Vec<u8>) -> Self {
        Self {
            sent,
            read_max: usize::MAX,
            is_ended: false,
            is_reset: false,
            taken: Vec::new(),
            write_max: usize::MAX,
            room: usize::MAX,
            writes: 0,
        }
    }
}

impl Stream for Pipe {
    type Error = Reset;

    fn read(&mut self, buffer: &mut [u8]) -> Result<Read<usize>, Reset> {
        if self.is_reset {
            return Err(Reset);
        }
        let length = self.sent.len().min(buffer.len()).min(self.read_max);
        if length == 0 {
            return Ok(if self.is_ended { Read::Eof } else { Read::Nothing });
        }
        buffer[..length].copy_from_slice(&self.sent[..length]);
        self.sent.drain(..length);
        Ok(Read::Bytes(length))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<Written, Reset> {
        self.write_vectored(&[bytes])
    }

    fn write_vectored(&mut self, slices: &[&[u8]]) -> Result<Written, Reset> {
        assert!(!slices.is_empty() && slices.iter().all(|slice| !slice.is_empty()));
        self.writes += 1;
        let bytes = slices.concat();
        let length = bytes.len().min(self.room).min(self.write_max);
        if length == 0 {
            return Ok(Written::Blocked);
        }
        self.room -= length;
        self.taken.extend_from_slice(&bytes[..length]);
        Ok(Written::Bytes(length))
    }
}

struct Driver {
    world: World,
    pipe: Pipe,
    ready: Ready,
    scratch: Scratch,
}

impl Driver {
    fn new(limits: Limits, sent: Vec<u8>) -> Self {
        let ready = Ready { readable: true, ..Ready::default() };
        Self { world: World::new(limits), pipe: Pipe::new(sent), ready, scratch: Scratch::default() }
    }

    fn step(&mut self) -> Next {
        let Self { world, pipe, ready, scratch } = self;
        world.connection.drive(pipe, ready, scratch, || &world.view, at(0)).unwrap()
    }

    /// Steps until nothing is left to do.
    fn run(&mut self) -> Next {
        for _ in 0..10_000 {
            let next = self.step();
            if next != Next::Again {
                return next;
            }
        }
        panic!("it never rests");
    }

    fn forwarded(&mut self) -> Vec<usize> {
        forwarded(&mut self.world.connection, &self.world.quotas)
    }
}

#[test]
fn there_is_one_read_a_step_until_one_is_not_full() {
    let queries = READ_BYTES_MAX / query(1).len() + 1;
    let mut driver = Driver::new(Limits::default(), query(1).repeat(queries));
    assert_eq!(driver.step(), Next::Again);
    assert_eq!(opaques(&driver.pipe.taken).len(), queries - 1);
    assert_eq!(driver.step(), Next::Rest);
    assert_eq!(opaques(&driver.pipe.taken).len(), queries);
    assert!(!driver.ready.readable);
}

#[test]
fn the_end_is_read_even_if_it_is_told_before_the_last_bytes() {
    let mut driver = Driver::new(Limits::default(), query(1));
    driver.pipe.is_ended = true;
    driver.ready.read_closed = true;
    assert_eq!(driver.step(), Next::Again);
    assert_eq!(driver.step(), Next::Close(CloseReason::EndOfStream));
    assert_eq!(opaques(&driver.pipe.taken), [1]);
}

#[test]
fn any_partial_reads_and_writes_give_the_same_bytes() {
    let stream: Vec<u8> =
        (1..30).flat_map(|opaque| if opaque % 3 == 0 { change(opaque) } else { query(opaque) }).collect();
    let mut whole = Driver::new(Limits::default(), stream.clone());
    whole.run();
    for (read_max, write_max, pause) in [(1, 1, 1), (1, 7, 300), (13, 1, 10_000), (77, 50, 1), (1000, 3, 700)] {
        let limits = Limits { output_bytes_pause: pause, ..Limits::default() };
        let mut driver = Driver::new(limits, stream.clone());
        driver.pipe.read_max = read_max;
        driver.pipe.write_max = write_max;
        driver.ready.read_closed = true;
        let mut seen = Vec::new();
        while driver.pipe.sent.len() + driver.world.connection.input_memory() > 0 {
            driver.step();
            seen.extend(driver.forwarded());
        }
        driver.run();
        seen.extend(driver.forwarded());
        assert_eq!(driver.pipe.taken, whole.pipe.taken);
        assert!(seen.into_iter().eq((1..30).filter(|opaque| opaque % 3 == 0)));
    }
}

#[test]
fn a_server_that_stops_answers_what_was_sent_already() {
    let mut driver = Driver::new(Limits::default(), query(7));
    driver.ready.readable = false;
    driver.world.connection.handle_stop();
    assert_eq!(driver.step(), Next::Close(CloseReason::Stopped));
    assert_eq!(opaques(&driver.pipe.taken), [7]);

    let mut driver = Driver::new(Limits::default(), vec![]);
    driver.world.connection.handle_stop();
    assert_eq!(driver.step(), Next::Close(CloseReason::Stopped), "nothing was sent");
    assert!(driver.forwarded().is_empty());
}

#[test]
fn what_a_full_stream_does_not_take_is_written_when_it_does() {
    let mut driver = Driver::new(Limits::default(), query(1));
    driver.pipe.room = 10;
    assert_eq!(driver.step(), Next::Rest);
    assert!(!driver.ready.writable && driver.world.connection.wants_write());
    driver.pipe.room = usize::MAX;
    assert_eq!(driver.step(), Next::Rest, "it is not asked until it says so");
    driver.ready.writable = true;
    assert_eq!(driver.step(), Next::Rest);
    assert_eq!(opaques(&driver.pipe.taken), [1]);
}

#[test]
fn answers_wait_behind_what_waits_already() {
    let mut driver = Driver::new(Limits::default(), query(1));
    driver.pipe.room = 10;
    driver.step();
    driver.pipe.sent = query(2);
    driver.ready.readable = true;
    driver.step();
    driver.pipe.room = usize::MAX;
    driver.ready.writable = true;
    assert_eq!(driver.run(), Next::Rest);
    assert_eq!(opaques(&driver.pipe.taken), [1, 2]);
}

#[test]
fn a_full_queue_is_tried_again_and_a_closed_window_is_not() {
    let limits = Limits { registry_queue_requests_max: 1, forwarded_per_connection_max: 2, ..Limits::default() };
    let mut driver = Driver::new(limits, [change(1), change(2), change(3)].concat());
    assert_eq!(driver.step(), Next::Retry);
    assert_eq!(driver.forwarded(), [1]);
    assert_eq!(driver.step(), Next::Rest, "the window is closed");
    assert_eq!(driver.forwarded(), [2]);
    driver.world.reply(1);
    assert_eq!(driver.step(), Next::Rest);
    assert_eq!(driver.forwarded(), [3]);
    assert_eq!(opaques(&driver.pipe.taken), [1]);
}

#[test]
fn many_replies_take_few_writes_and_a_long_one_several_steps() {
    let limits = Limits { output_bytes_pause: usize::MAX, forwarded_per_connection_max: 200, ..Limits::default() };
    let mut driver = Driver::new(limits, (1..=128).flat_map(change).collect());
    driver.run();
    assert_eq!(driver.forwarded().len(), 128);
    (1..=127).for_each(|opaque| driver.world.reply(opaque));
    assert_eq!(driver.step(), Next::Rest);
    assert_eq!((opaques(&driver.pipe.taken).len(), driver.pipe.writes), (127, 2));

    driver.pipe.write_max = 600_000;
    driver.world.connection.handle_reply(vec![0; 1_200_001].into(), at(0));
    assert_eq!(driver.step(), Next::Again);
    assert_eq!(driver.world.connection.output_bytes(), 1);
    assert_eq!(driver.step(), Next::Rest);
}

#[test]
fn a_client_that_does_not_read_is_closed() {
    let limits = Limits { output_bytes_max: 1000, output_bytes_pause: 500, ..Limits::default() };
    let mut driver = Driver::new(limits, (1..=20).flat_map(change).collect());
    driver.pipe.room = 0;
    driver.step();
    assert_eq!(driver.forwarded().len(), 20);
    (1..=20).for_each(|opaque| driver.world.reply(opaque));
    assert!(matches!(driver.step(), Next::Close(CloseReason::OutputFull { .. })));
    driver.world.connection.handle_closed();
    assert_eq!(driver.forwarded(), [super::END]);
}

#[test]
fn a_reset_loses_no_quota() {
    let mut driver = Driver::new(Limits::default(), [change(1), query(2)[..9].to_vec()].concat());
    driver.step();
    driver.pipe.is_reset = true;
    driver.ready.readable = true;
    let Driver { mut world, mut pipe, mut ready, mut scratch } = driver;
    assert_eq!(forwarded(&mut world.connection, &world.quotas), [1]);
    assert_eq!(world.connection.drive(&mut pipe, &mut ready, &mut scratch, || &world.view, at(0)), Err(Reset));
    world.connection.handle_closed();
    assert_eq!(forwarded(&mut world.connection, &world.quotas), [super::END]);
    let World { connection, quotas, .. } = world;
    drop(connection);
    assert!(quotas.is_unused());
}
