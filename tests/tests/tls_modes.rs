//! What the Java server does with first bytes of every kind in each mode of TLS, compared with ours in memory.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests too")]

use namesrv_shell::tls::TlsMode;
use namesrv_tests::request::Request;
use namesrv_tests::tls::{Version, client};
use namesrv_tests::transport::{Link, ask, incoming, outgoing};
use namesrv_tests::world::World;
use serde::Deserialize;
use std::collections::BTreeMap;

const CASES: &str = include_str!("../golden/tls-5.5.0.jsonl");

#[derive(Debug, Deserialize)]
struct Case {
    case: String,
    server: Server,
    #[serde(default)]
    client: Client,
    outcome: Observed,
}

#[derive(Debug, Deserialize)]
struct Observed {
    result: String,
}

#[derive(Debug, Deserialize)]
struct Server {
    #[serde(default)]
    jvm: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
struct Client {
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    tls: Option<Tls>,
    #[serde(default)]
    send: serde_json::Value,
    #[serde(default)]
    then: Option<serde_json::Value>,
    #[serde(default)]
    note: Option<serde_json::Value>,
}

#[derive(Debug, Default, Deserialize)]
struct Tls {
    #[serde(default)]
    version: Option<String>,
}

/// Cases with a mode that Java has by that name and a client that can be played: no TLS 1.0, and nothing after the
/// end of TLS.
const PLAYED: usize = 164;
/// Where the first byte decides here and Java waits for more: `first-bytes-decide-at-once` in DIFFERENCES.md.
const DECIDED_EARLIER: [(TlsMode, &str); 2] =
    [(TlsMode::Disabled, "one byte 16"), (TlsMode::Disabled, "11 bytes of a ClientHello")];

/// What became of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Answered,
    Closed,
    Waits,
}

/// Cases of a mode that Java has by that name, whose client is one that can be played here.
fn cases() -> Vec<(TlsMode, Case)> {
    let lines = CASES.lines().filter(|line| line.starts_with(r#"{"group":"mode","#));
    let cases = lines.map(|line| serde_json::from_str::<Case>(line).unwrap());
    let cases = cases.filter(|case| case.client.then.is_none() && case.client.note.is_none());
    cases.filter_map(|case| Some((mode(&case.server.jvm)?, case))).collect()
}

fn mode(jvm: &BTreeMap<String, String>) -> Option<TlsMode> {
    match (jvm.len(), jvm.get("tls.server.mode").map(String::as_str)) {
        (0, None) | (1, Some("permissive")) => Some(TlsMode::Permissive),
        (1, Some("enforcing")) => Some(TlsMode::Enforcing),
        (1, Some("disabled")) => Some(TlsMode::Disabled),
        _ => None,
    }
}

fn bytes(text: &str) -> Vec<u8> {
    if text == "REQUEST" {
        Request::new(105).field("topic", "NoSuchTopic").encode()
    } else {
        hex::decode(text).unwrap()
    }
}

fn version(tls: &Tls) -> Option<Version> {
    match tls.version.as_deref() {
        None | Some("TLSv1.3") => Some(Version::Tls13),
        Some("TLSv1.2") => Some(Version::Tls12),
        Some(_) => None,
    }
}

/// Plays a case; `None` if its client speaks a version that there is no client for.
fn play(mode: TlsMode, case: &Client) -> Option<Outcome> {
    let mut link = Link::open(mode, &World::new(&[]).shared_view());
    let mut sent = case.send.as_array().unwrap().iter().map(|text| bytes(text.as_str().unwrap()));
    let Some(tls) = &case.tls else {
        let is_open = sent.all(|bytes| link.receive(&bytes));
        return Some(outcome(is_open, &link.take_written()));
    };
    let mut client = client(version(tls)?);
    link.receive(&bytes(&case.prefix));
    while client.is_handshaking() {
        let (flight, is_open) = (outgoing(&mut client), link.end.is_none());
        if flight.is_empty() || !is_open || !link.receive(&flight) {
            return Some(if link.end.is_some() { Outcome::Closed } else { Outcome::Waits });
        }
        incoming(&mut client, &link.take_written()).unwrap();
    }
    let answer = sent.map(|bytes| ask(&mut client, &mut link, &bytes)).collect::<Vec<_>>().concat();
    Some(outcome(link.end.is_none(), &answer))
}

fn outcome(is_open: bool, written: &[u8]) -> Outcome {
    match (is_open, written.is_empty()) {
        (false, _) => Outcome::Closed,
        (true, false) => Outcome::Answered,
        (true, true) => Outcome::Waits,
    }
}

#[test]
fn first_bytes_come_to_what_they_come_to_in_java() {
    let mut played = 0;
    for (mode, case) in cases() {
        let Some(ours) = play(mode, &case.client) else { continue };
        let java = match case.outcome.result.as_str() {
            "answered" => Outcome::Answered,
            "closed" => Outcome::Closed,
            "waits" => Outcome::Waits,
            other => panic!("{other}"),
        };
        let expected = if DECIDED_EARLIER.contains(&(mode, &case.case)) { Outcome::Closed } else { java };
        assert_eq!(ours, expected, "{mode:?}: {}", case.case);
        assert!(ours == java || java == Outcome::Waits, "{mode:?}: {}", case.case);
        played += 1;
    }
    assert_eq!(played, PLAYED);
}
