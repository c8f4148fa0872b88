//! Golden PROXY headers: what the released Java NameServer 5.5.0 was sent in front of a request, and what it did.

use super::cases::{Facts, read_cases, read_entries};
use crate::tls::{Version, client};
use crate::transport::{Link, ask, outgoing, shake_hands};
use crate::world::World;
use namesrv_core::address_list::AddressList;
use namesrv_core::time::Duration;
use namesrv_shell::tls::TlsMode;
use serde::Deserialize;
use serde_json::Value;
use std::net::{IpAddr, SocketAddr};

/// The captured cases, in the repository.
const CASES: &str = include_str!("../../golden/proxy-5.5.0.jsonl");
/// The deliberate differences, in the repository.
const OVERLAY: &str = include_str!("../../golden/proxy-overlay.toml");

/// Bytes that a client sends at once.
const PIECE_BYTES: usize = 64 * 1024;
/// How long a connection is watched: longer than Java leaves any open.
const WATCHED: Duration = Duration::from_secs(130);

/// One line of the file.
#[derive(Clone, Debug, Deserialize)]
pub struct Case {
    /// Cases of one subject.
    pub group: String,
    /// What the case is about; unique in its group.
    #[serde(rename = "case")]
    pub name: String,
    /// What the client did.
    client: Client,
    /// What came of it.
    outcome: Outcome,
}

#[derive(Clone, Debug, Deserialize)]
struct Outcome {
    /// `answered`, `closed`, or `waits`: nothing happens and the connection is open.
    result: String,
    /// Where the client is, as the log of the Java server shows it: `socket` when the header did not say.
    address_in_log: Option<String>,
    /// When the connection was closed, in seconds after the last byte.
    after_seconds: Option<f64>,
}

#[derive(Clone, Debug, Deserialize)]
struct Client {
    /// Writes in hexadecimal.
    send: Vec<String>,
    /// In front of a TLS handshake, in hexadecimal.
    prefix: Option<String>,
    /// There is a handshake, and what is sent is sent over TLS.
    tls: Option<Value>,
    /// Sent in two writes, cut after each of these bytes.
    split_after: Option<String>,
    /// Sent in writes of one byte.
    writes: Option<String>,
}

/// One deliberate difference.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Group of the case.
    pub group: String,
    /// Its name.
    pub case: String,
    /// What comes of it here, as far as it differs.
    pub ours: Facts,
    /// Identifier of an entry of DIFFERENCES.md.
    pub difference: String,
}

/// All cases, in the order of the file.
pub fn cases() -> Vec<Case> {
    read_cases(CASES).collect()
}

/// All deliberate differences.
pub fn entries() -> Vec<Entry> {
    read_entries("proxy-overlay.toml", OVERLAY)
}

impl Case {
    /// What comes of it here, over a wire in memory. A case that is cut in many ways has to come to one thing.
    pub fn run(&self) -> Facts {
        let sent: Vec<Vec<u8>> = self.client.send.iter().map(|write| bytes(write)).collect();
        if self.group == "limits" {
            return run_until_closed(&sent);
        }
        if self.client.tls.is_some() {
            return self.run_over_tls(&sent.concat());
        }
        let cuts: Vec<Vec<Vec<u8>>> = match (&self.client.split_after, &self.client.writes) {
            (Some(range), _) => {
                let (first, last) = range.split_once("..").expect("a range");
                let range = first.parse().expect("a number")..=last.parse::<usize>().expect("a number");
                let all = sent.concat();
                range.map(|cut| vec![all[..cut].to_vec(), all[cut..].to_vec()]).collect()
            }
            (None, Some(_)) => vec![sent.concat().chunks(1).map(<[u8]>::to_vec).collect()],
            (None, None) => vec![sent],
        };
        let mut outcomes: Vec<Facts> = cuts.iter().map(|writes| run_plain(writes)).collect();
        outcomes.dedup();
        assert_eq!(outcomes.len(), 1, "{}: depends on the cut", self.name);
        outcomes.remove(0)
    }

    fn run_over_tls(&self, sent: &[u8]) -> Facts {
        let prefix = self.client.prefix.as_ref().map(|prefix| hex::decode(prefix).expect("bytes")).unwrap_or_default();
        let [one, other] = Version::ALL.map(|version| {
            let (mut client, mut link) = (client(version), link());
            link.receive(&[&prefix[..], &outgoing(&mut client)].concat());
            shake_hands(&mut client, &mut link);
            let answer = ask(&mut client, &mut link, sent);
            outcome(&link, &answer, None)
        });
        assert_eq!(one, other, "{}: depends on the version", self.name);
        one
    }

    /// What came of it in front of the Java server, with addresses in the form of ours and times in whole seconds.
    pub fn java(&self) -> Facts {
        let Outcome { result, address_in_log, after_seconds } = &self.outcome;
        let address = address_in_log.as_ref().map(|shown| address(shown).unwrap_or_else(|| shown.clone()));
        facts(result, address, after_seconds.map(f64::round))
    }
}

fn link() -> Link {
    let mut link = Link::open(TlsMode::Permissive, &World::new(&[]).shared_view());
    link.policy.trusted_proxies = Some(AddressList::parse("127.0.0.1").expect("a list"));
    link
}

fn run_plain(writes: &[Vec<u8>]) -> Facts {
    let mut link = link();
    for write in writes {
        link.receive(write);
    }
    let answer = link.take_written();
    outcome(&link, &answer, None)
}

/// Sends until the connection is closed, then waits for longer than Java did.
fn run_until_closed(writes: &[Vec<u8>]) -> Facts {
    let mut link = link();
    for piece in writes.iter().flat_map(|write| write.chunks(PIECE_BYTES)) {
        if !link.receive(piece) {
            break;
        }
    }
    let since = link.now.monotonic;
    link.advance(WATCHED);
    let after = link.end.is_some().then(|| link.now.monotonic.since(since).as_secs_f64().round());
    let answer = link.take_written();
    outcome(&link, &answer, after)
}

/// Bytes in hexadecimal, or one byte many times.
fn bytes(write: &str) -> Vec<u8> {
    let Some((byte, times)) = write.split_once(" × ") else { return hex::decode(write).expect("bytes") };
    hex::decode(byte).expect("a byte").repeat(times.parse().expect("a number"))
}

fn outcome(link: &Link, answer: &[u8], after: Option<f64>) -> Facts {
    let result = match (answer.is_empty(), &link.end) {
        (false, _) => "answered",
        (true, Some(_)) => "closed",
        (true, None) => "waits",
    };
    let client = link.client().to_string();
    let address = client.split_once(" via ").map_or("socket", |(client, _)| client);
    facts(result, Some(address.to_owned()), after)
}

fn facts(result: &str, address: Option<String>, after: Option<f64>) -> Facts {
    let facts =
        [("result", Some(result.to_owned())), ("address", address), ("after_seconds", after.map(|s| s.to_string()))];
    facts.into_iter().filter_map(|(name, fact)| Some((name.to_owned(), fact?))).collect()
}

/// An address as the log of Java shows it, in the form of ours.
fn address(shown: &str) -> Option<String> {
    let (address, port) = shown.rsplit_once(':')?;
    let address: IpAddr = address.parse().ok()?;
    Some(SocketAddr::new(address.to_canonical(), port.parse().ok()?).to_string())
}
