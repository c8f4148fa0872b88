//! Names that peers choose: none breaks or forges a line of the log, none fills it.

use super::siege::{Episode, Siege};
use crate::peer::{Peer, broker, cluster_info, put, route, unregister};
use crate::request::Request;

/// A line of the log is never longer, whatever names are in it.
const LINE_BYTES_MAX: usize = 4096;

pub(super) fn episodes() -> Vec<Episode> {
    let names = [
        ("with_line_feeds", "a\n2026-01-01T00:00:00Z  INFO broker registered cluster=\"forged\""),
        ("with_carriage_returns", "a\r\rINFO forged"),
        ("with_quotes", "a\" cluster=\"forged\" b=\"\\"),
        ("with_escape_sequences", "a\u{1b}[2J\u{1b}[31mforged\u{7}\u{8}"),
        ("with_nul", "a\0b"),
        ("with_bidirectional_marks", "a\u{202e}degrof\u{2066}\u{200f}"),
        ("with_line_separators", "a\u{2028}forged\u{2029}\u{85}"),
        ("with_other_controls", "a\u{7f}\u{80}\u{9b}\u{9f}b"),
    ];
    let mut episodes: Vec<_> = names.into_iter().map(|(name, text)| written(name, "text", text)).collect();
    episodes.push(written("in_a_log_of_json", "json", names[0].1));
    episodes.push(Episode::new("of_broken_utf_8", 4, broken_utf_8).lines(4));
    episodes.push(Episode::new("of_megabytes_of_escapes", 96, of_megabytes_of_escapes).lines(8));
    episodes
}

fn written(name: &'static str, format: &'static str, text: &'static str) -> Episode {
    Episode::new(name, 4, move |siege| be_called(siege, text)).with("logFormat", format).lines(8)
}

/// Brokers, clusters, topics and entries are called so: each change is one line, without a control character in it.
fn be_called(siege: &Siege<'_>, name: &str) {
    let lines_before = siege.server.log().lines().count();
    let mut registration = broker(name, 0, &[name]);
    registration.cluster = Some(name.to_owned());
    registration.address = Some(name.to_owned());
    let mut peer = Peer::register(&siege.server, &registration);
    assert_eq!(peer.ask(&route(name)).code, 0);
    assert_eq!(peer.ask(&cluster_info()).code, 0);
    assert_eq!(peer.ask(&put(name, name, name)).code, 0);
    assert_eq!(peer.ask(&Request::new(216).field("topic", name)).code, 0);
    assert_eq!(peer.ask(&Request::new(318).body(format!("productEnvName={name}"))).code, 0);
    assert_eq!(peer.ask(&Request::new(103).field("brokerName", name).body("{}")).code, 1);
    assert_eq!(peer.ask(&unregister(&registration)).code, 0);
    siege.server.eventually(|| siege.server.log().contains("broker unregistered"));
    let log = siege.server.log();
    let lines = log.lines().count() - lines_before;
    assert_eq!(lines, 6, "one line for each change: {log}");
    assert!(log.lines().all(|line| !line.chars().any(is_dangerous)), "{log:?}");
    assert!(!log.lines().any(|line| line.starts_with("2026-01-01")), "{log}");
}

/// What a terminal obeys, or shows otherwise than it stands.
fn is_dangerous(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// In binary headers and compressed bodies.
fn broken_utf_8(siege: &Siege<'_>) {
    let header = |request: Request| {
        let frame = request.binary().encode();
        let at = frame.windows(4).position(|bytes| bytes == b"%%%%").expect("the name");
        [&frame[..at], &[0xff, 0xc0, 0x80, 0xed], &frame[at + 4..]].concat()
    };
    let mut peer = siege.peer();
    for request in [route("%%%%"), put("n", "%%%%", "v"), Request::new(216).field("topic", "%%%%")] {
        let code = request.code;
        peer.write(&header(request));
        match peer.next() {
            Some(answer) => assert!([0, 17].contains(&answer.code), "{code}: {answer:?}"),
            None => peer = siege.peer(),
        }
    }
    assert!(siege.server.log().lines().all(|line| !line.chars().any(is_dangerous)));
}

/// They may be refused; the log does not repeat them at length.
fn of_megabytes_of_escapes(siege: &Siege<'_>) {
    let name = "\u{1}".repeat(1 << 18);
    let mut registration = broker(&name, 0, &["N"]);
    registration.cluster = Some(name.clone());
    let mut peer = siege.peer();
    peer.ask(&registration.request());
    peer.ask(&put("n", &name, "v"));
    peer.ask(&Request::new(216).field("topic", &name));
    peer.ask(&Request::new(103).field("brokerName", &name).body("{}"));
    peer.ask(&unregister(&registration));
    assert_eq!(peer.ask(&put("n", "last", "v")).code, 0);
    siege.server.eventually(|| siege.server.log().contains("\"last\""));
    let log = siege.server.log();
    let longest = log.lines().map(str::len).max().unwrap_or_default();
    assert!(longest < LINE_BYTES_MAX, "a line of {longest} bytes");
    assert!(!log.contains("lines were lost"), "{log}");
}
