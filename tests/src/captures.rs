//! Recorded traffic of real brokers, clients and tools with the Java NameServer.

mod decode;
pub mod replay;

use crate::answer::Answer;
use flate2::read::GzDecoder;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The folder of the captures, in the repository.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")
}

/// The users that signed in the captures of `captures/signed`, with their secrets.
pub const USERS: [(&str, &str); 6] = [
    ("brokerKey", "broker secret 42"),
    ("adminKey", "admin secret 7"),
    ("rocketmq2", "12345678"),
    ("clientKey", "client-Secret_é中"),
    ("proxyKey", "proxy secret 3"),
    ("toolsKey", "tools secret 9"),
];

/// One line of a capture.
#[derive(Clone, Debug, Deserialize)]
struct Line {
    #[serde(default)]
    t_ms: u64,
    conn: Option<u64>,
    dir: Option<String>,
    hex: Option<String>,
    event: Option<String>,
}

/// Something that was recorded, in the order in which it happened.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Milliseconds since the recorder began; captures of one run share the beginning.
    pub at: u64,
    /// Name of the capture.
    pub capture: String,
    /// The connection, unique over all captures.
    pub connection: String,
    /// What it was.
    pub what: What,
}

/// What was recorded.
#[derive(Clone, Debug)]
pub enum What {
    /// A request, with the answer if one was recorded.
    Exchange {
        /// The whole frame.
        request: Vec<u8>,
        /// The whole answer.
        response: Option<Vec<u8>>,
    },
    /// The peer ended the connection.
    Ended,
}

/// Reads a capture.
pub fn read(name: &str) -> Vec<Recorded> {
    let path = folder().join(format!("{name}.jsonl.gz"));
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{name}: {error}")));
    let mut recorded: Vec<Recorded> = Vec::new();
    // Where the requests are that wait for an answer, by connection and correlation number.
    let mut waiting: BTreeMap<(u64, i32), usize> = BTreeMap::new();
    for Line { t_ms: at, conn, dir, hex, event } in lines {
        let Some(conn) = conn else { continue };
        let here = |what| Recorded { at, capture: name.to_owned(), connection: format!("{name} {conn}"), what };
        match (dir.as_deref(), hex, event.as_deref()) {
            (Some("req"), Some(hex), _) => {
                let request = hex::decode(hex).unwrap_or_else(|error| panic!("{name}: {error}"));
                let header = Answer::decode(&request).unwrap_or_else(|error| panic!("{name}: {error}"));
                waiting.insert((conn, header.opaque), recorded.len());
                recorded.push(here(What::Exchange { request, response: None }));
            }
            (Some("resp"), Some(hex), _) => {
                let answer = hex::decode(hex).unwrap_or_else(|error| panic!("{name}: {error}"));
                let header = Answer::decode(&answer).unwrap_or_else(|error| panic!("{name}: {error}"));
                let place = waiting.remove(&(conn, header.opaque)).and_then(|place| recorded.get_mut(place));
                if let Some(Recorded { what: What::Exchange { response, .. }, .. }) = place {
                    *response = Some(answer);
                }
            }
            (Some("req"), None, Some("eof" | "reset")) => recorded.push(here(What::Ended)),
            _ => (),
        }
    }
    recorded
}
