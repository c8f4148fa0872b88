//! The golden conversations against the pure core: whole frames, and frames that arrive in pieces.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use namesrv_tests::conversation::converse;
use namesrv_tests::golden::replay::replay;
use namesrv_tests::golden::{Line, groups};
use namesrv_tests::server::{Reaction, Server, Setup};
use namesrv_tests::world::CoreServer;

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
            let whole = converse([frame.as_slice()], true, view);
            for cut in 0..frame.len() {
                let (front, back) = frame.split_at(cut);
                let pieces = converse([front, back], true, view);
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

    fn terminate(&mut self) {}

    fn own_keys(&self) -> &'static [&'static str] {
        &[]
    }
}
