//! The golden conversations against the pure core: whole frames, and frames that arrive in pieces.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use namesrv_core::config::Limits;
use namesrv_core::route::RouteView;
use namesrv_core::session::{Session, Step};
use namesrv_core::time::Now;
use namesrv_tests::golden::replay::replay;
use namesrv_tests::golden::{Line, groups};
use namesrv_tests::server::{Reaction, Server, Setup};
use namesrv_tests::world::CoreServer;
use std::time::Duration;

#[test]
#[expect(clippy::print_stdout, reason = "the summary is for whoever runs the test with --nocapture")]
fn every_conversation_is_answered_as_java_answers() {
    let report = replay(CoreServer::start);
    println!("{report}");
}

#[test]
fn frames_that_arrive_byte_by_byte_are_answered_alike() {
    let _report = replay(|setup| CoreServer::start_in_pieces(setup, 1));
}

#[test]
fn a_frame_cut_anywhere_comes_to_the_same() {
    for group in groups() {
        let setup = Setup { properties: group.properties(), listeners: Vec::new() };
        let mut server = CoreServer::start(&setup);
        for line in &group.lines {
            let Some(request) = &line.request else { continue };
            let frame = hex::decode(request).unwrap();
            let view = server.world().view();
            let limits = server.world().limits();
            let now = server.world().now();
            let whole = Outcome::of([frame.as_slice(), &[]], view, limits, now);
            for cut in 0..frame.len() {
                let (front, back) = frame.split_at(cut);
                let pieces = Outcome::of([front, back], view, limits, now);
                assert_eq!(pieces, whole, "{}: {}: cut at byte {cut}", group.name, line.name);
            }
            server.exchange(line.conn.as_deref().unwrap(), &frame);
        }
    }
}

#[test]
#[should_panic(expected = "the overlay expects another answer than Java's, but it is the same")]
fn a_deliberate_difference_that_is_none_is_a_failure() {
    let mut groups = groups().into_iter();
    replay(|_| Java { lines: groups.next().unwrap().lines, next: 0 });
}

#[test]
#[should_panic(expected = "not as Java")]
fn a_difference_that_is_not_deliberate_is_a_failure() {
    replay(|setup| {
        let deaf = ("enableAllTopicList".to_owned(), "false".to_owned());
        let properties = setup.properties.iter().cloned().chain([deaf]).collect();
        CoreServer::start(&Setup { properties, listeners: Vec::new() })
    });
}

/// A server that answers exactly as Java did.
struct Java {
    lines: Vec<Line>,
    next: usize,
}

impl Server for Java {
    fn exchange(&mut self, _connection: &str, _frame: &[u8]) -> Reaction {
        let mut lines = self.lines.iter().filter(|line| line.request.is_some());
        let line = lines.nth(self.next).unwrap();
        self.next += 1;
        match (&line.response, line.outcome.as_deref()) {
            (Some(response), _) => Reaction::Answer(hex::decode(response).unwrap()),
            (None, Some("silent")) => Reaction::Silent,
            (None, _) => Reaction::Closed,
        }
    }

    fn disconnect(&mut self, _connection: &str) {}

    fn pass(&mut self, _time: Duration) {}

    fn terminate(&mut self) {}

    fn pushed(&mut self, _address: &str) -> Option<Vec<u8>> {
        None
    }

    fn patience(&self) -> Duration {
        Duration::ZERO
    }

    fn localize(&self, frame: &[u8]) -> Vec<u8> {
        frame.to_vec()
    }

    fn own_keys(&self) -> &'static [&'static str] {
        &[]
    }
}

/// What a fresh session makes of some input.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    output: Vec<u8>,
    forwarded: Vec<Vec<u8>>,
    left: usize,
    refused: bool,
}

impl Outcome {
    fn of(pieces: [&[u8]; 2], view: &RouteView, limits: Limits, now: Now) -> Self {
        let mut session = Session::new(&limits, Duration::from_secs(120), now);
        let mut outcome = Self::default();
        let mut buffer = Vec::new();
        for piece in pieces {
            buffer.extend_from_slice(piece);
            outcome.read(&mut session, &mut buffer, view, now);
        }
        outcome.left = buffer.len();
        outcome
    }

    fn read(&mut self, session: &mut Session, buffer: &mut Vec<u8>, view: &RouteView, now: Now) {
        while !self.refused {
            let mut rest = buffer.as_slice();
            let step = session.handle_input(&mut rest, view, &mut self.output, now);
            let used = buffer.len() - rest.len();
            buffer.drain(..used);
            match step {
                Ok(Step::Forward { length }) => self.forwarded.push(buffer.drain(..length).collect()),
                Ok(Step::NeedInput { bytes }) => {
                    assert!(bytes > buffer.len(), "asks for {bytes} bytes and has {}", buffer.len());
                    return;
                }
                Ok(Step::Paused) => unreachable!("one frame never fills a window"),
                Err(_) => {
                    // A session may refuse a frame before all of it is there.
                    self.refused = true;
                    buffer.clear();
                }
            }
        }
        buffer.clear();
    }
}
