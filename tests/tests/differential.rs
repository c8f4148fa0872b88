//! The differential run, with a second core in the place of the Java server: two cores side by side agree, a broken one
//! is found and its sequence made small, and what DIFFERENCES.md names is recognised.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use namesrv_tests::answer::{Answer, is_unanswered};
use namesrv_tests::differential::pair::Pair;
use namesrv_tests::differential::{Finding, Options, Report, run};
use namesrv_tests::request::frame;
use namesrv_tests::server::{Reaction, Server, Setup};
use namesrv_tests::world::CoreServer;
use std::time::Duration;

const OPTIONS: Options = Options { sequences: 40, seed: 1, steps_max: 30, findings_max: 1, timeout: Duration::ZERO };

#[test]
fn two_servers_that_are_alike_agree() {
    let report = compare(|_| None, |_| None);
    assert!(report.is_good(), "{report}");
    assert_eq!(report.sequences, 40);
}

#[test]
fn the_same_seed_makes_the_same_sequences() {
    let report = || compare(|_| None, |_| None).to_string();
    assert_eq!(report(), report());
}

#[test]
fn lost_requests_are_found_and_made_small() {
    let report = compare(|_| None, |request| is_unanswered(request).then_some(Reaction::Silent));
    let finding = finding(&report);
    assert!(finding.run.done.len() <= 2, "{finding}");
    assert!(finding.to_string().contains(" oneway "), "{finding}");
}

#[test]
fn an_effect_that_is_missing_is_found_and_made_small() {
    let report = compare(|_| None, |request| Some(answer(&asked(request, 216)?, r#""code":0"#, "")));
    let finding = finding(&report);
    assert_eq!(finding.run.done.len(), 2, "{finding}");
    let text = finding.to_string();
    assert!(text.contains("> register ") && text.contains("> request 216 "), "{text}");
}

#[test]
fn a_deliberate_difference_is_recognised_by_its_name() {
    // As Java does: a compressed table that is not said to be compressed cannot be read.
    let java = |request: &[u8]| {
        let request = asked(request, 103)?;
        let is_denied = request.body.first() == Some(&0x78) && request.field("compressed") == Some("false");
        is_denied.then(|| answer(&request, r#""code":1"#, r#""remark":"java.lang.Error","#))
    };
    let report = compare(java, |_| None);
    assert!(report.is_good(), "{report}");
    assert!(report.recognised["compressed-is-recognised"] > 0, "{report}");
}

fn asked(request: &[u8], code: i32) -> Option<Answer> {
    Answer::decode(request).ok().filter(|request| request.code == code)
}

fn answer(request: &Answer, code: &str, remark: &str) -> Reaction {
    if request.flag != 0 {
        return Reaction::Silent;
    }
    let opaque = request.opaque;
    let header = format!(
        r#"{{{code},"flag":1,"language":"JAVA","opaque":{opaque},{remark}"serializeTypeCurrentRPC":"JSON","version":513}}"#
    );
    Reaction::Answer(frame(0, header.as_bytes(), b""))
}

fn finding(report: &Report) -> &Finding {
    assert_eq!(report.findings.len(), 1, "{report}");
    &report.findings[0]
}

/// What comes of two cores, each of which answers some requests in its own way and never sees them.
fn compare(java: fn(&[u8]) -> Option<Reaction>, ours: fn(&[u8]) -> Option<Reaction>) -> Report {
    let start = |own| Odd { core: CoreServer::start(&Setup::default()), own };
    run(OPTIONS, || Pair::new(start(java), start(ours)), |_| ())
}

/// A server that does not do with some requests what it should.
struct Odd {
    core: CoreServer,
    own: fn(&[u8]) -> Option<Reaction>,
}

impl Server for Odd {
    fn exchange(&mut self, connection: &str, frame: &[u8]) -> Reaction {
        (self.own)(frame).unwrap_or_else(|| self.core.exchange(connection, frame))
    }

    fn disconnect(&mut self, connection: &str) {
        self.core.disconnect(connection);
    }

    fn terminate(&mut self) {
        self.core.terminate();
    }

    fn own_keys(&self) -> &'static [&'static str] {
        self.core.own_keys()
    }
}
