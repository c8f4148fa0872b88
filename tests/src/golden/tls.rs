//! Golden conversations over TLS: what clients did to the Java NameServer 5.5.0, and how it answered and closed.

use super::cases::{Facts, read_cases, read_entries};
use super::tls_client::Client;
use crate::tls::Version;
use crate::world::World;
use namesrv_shell::tls::TlsMode;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// The captured cases, in the repository.
const CASES: &str = include_str!("../../golden/tls-5.5.0.jsonl");
/// The deliberate differences, in the repository.
const OVERLAY: &str = include_str!("../../golden/tls-overlay.toml");
/// Groups that are played against the transport in memory.
pub const GROUPS: [&str; 5] = ["big", "closing", "handshake-timeout", "idle", "mode"];
/// What is observed and not compared: sizes that depend on the certificate, on how records are cut, and on what is
/// encrypted.
const NOT_COMPARED: [&str; 6] =
    ["received", "received_bytes", "raw_bytes_after", "last_record", "records", "largest_record"];
/// How long a case is watched, unless Java's was watched for a shorter time.
const WATCHED: Duration = Duration::from_secs(130);

/// One line of the file.
#[derive(Clone, Debug, Deserialize)]
pub struct Case {
    /// Cases of one subject.
    pub group: String,
    /// What the case is about; unique in its group for each provider.
    #[serde(rename = "case")]
    pub name: String,
    /// What it was sent to.
    server: Server,
    /// What the client did.
    #[serde(default)]
    client: Sent,
    /// What came of it.
    outcome: Map<String, Value>,
}

#[derive(Clone, Debug, Deserialize)]
struct Server {
    provider: String,
    #[serde(default)]
    jvm: BTreeMap<String, String>,
    #[serde(default)]
    config: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Sent {
    /// In front of TLS, in hexadecimal.
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    tls: Option<Map<String, Value>>,
    /// Writes, or words about them.
    #[serde(default)]
    send: Value,
    /// How the client ends.
    #[serde(default)]
    then: Value,
    /// It does what cannot be played.
    note: Option<Value>,
}

/// One deliberate difference.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Group of the case.
    pub group: String,
    /// Its name.
    pub case: String,
    /// The provider of the Java server, where only one of them differs.
    pub provider: Option<String>,
    /// The mode of the server, where only one of them differs.
    pub mode: Option<String>,
    /// What comes of it here, as far as it differs.
    pub ours: Facts,
    /// Identifier of an entry of DIFFERENCES.md.
    pub difference: String,
}

/// All cases of [`GROUPS`] that can be played, with both providers of the Java server, in the order of the file.
///
/// # Panics
/// The file is damaged.
#[must_use]
pub fn cases() -> Vec<Case> {
    read_cases(CASES).filter(|case: &Case| GROUPS.contains(&&*case.group) && case.is_playable()).collect()
}

/// What comes of each case here, over a wire in memory and in virtual time. Those of the group `big` have one server,
/// as they had in front of Java. They ask for what the first of them registers.
///
/// # Panics
/// A case cannot be played.
#[must_use]
pub fn play() -> Vec<(Case, Facts)> {
    let big = Rc::new(RefCell::new(World::new(&[])));
    let played = cases().into_iter().map(|case| {
        let server = match case.group.as_str() {
            "big" => Rc::clone(&big),
            _ => Rc::new(RefCell::new(World::new(&case.properties()))),
        };
        let facts = case.run(server);
        (case, facts)
    });
    played.collect()
}

/// All deliberate differences.
///
/// # Panics
/// The file is damaged.
#[must_use]
pub fn entries() -> Vec<Entry> {
    read_entries("tls-overlay.toml", OVERLAY)
}

impl Entry {
    /// Whether this is about `case`.
    #[must_use]
    pub fn is_about(&self, case: &Case) -> bool {
        let is_provider = self.provider.as_ref().is_none_or(|provider| *provider == case.server.provider);
        let is_mode = self.mode.as_ref().is_none_or(|mode| case.server.jvm.get("tls.server.mode") == Some(mode));
        self.group == case.group && self.case == case.name && is_provider && is_mode
    }
}

impl Case {
    /// The provider of TLS that the Java server had.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.server.provider
    }

    /// What came of it in front of the Java server, with times in whole seconds.
    #[must_use]
    pub fn java(&self) -> Facts {
        let is_compared = |name: &str| match self.group.as_str() {
            // What follows a handshake is of other groups.
            "mode" => name == "result",
            _ => !NOT_COMPARED.contains(&name),
        };
        let compared = self.outcome.iter().filter(|(name, _)| is_compared(name));
        compared.map(|(name, value)| (name.clone(), fact(name, value))).collect()
    }

    fn properties(&self) -> Vec<(String, String)> {
        assert!(self.group != "big" || self.server.config.is_empty(), "one server for all of them");
        self.server.config.clone().into_iter().collect()
    }

    /// Whether the mode is one that Java has by that name, and the client one that can be played.
    fn is_playable(&self) -> bool {
        let version = self.client.tls.as_ref().and_then(|tls| tls.get("version")).and_then(Value::as_str);
        let is_known = version.is_none_or(|version| ["TLSv1.2", "TLSv1.3"].contains(&version));
        self.group != "mode"
            || (self.mode().is_some() && is_known && self.client.then.is_null() && self.client.note.is_none())
    }

    fn mode(&self) -> Option<TlsMode> {
        match (self.server.jvm.len(), self.server.jvm.get("tls.server.mode").map(String::as_str)) {
            (0, None) | (1, Some("permissive")) => Some(TlsMode::Permissive),
            (1, Some("enforcing")) => Some(TlsMode::Enforcing),
            (1, Some("disabled")) => Some(TlsMode::Disabled),
            _ => None,
        }
    }

    fn run(&self, server: Rc<RefCell<World>>) -> Facts {
        let mode = self.mode().filter(|_| self.group == "mode").unwrap_or(TlsMode::Permissive);
        let mut client = Client::connect(self.version(), mode, server);
        match self.group.as_str() {
            "big" => self.play_big(&mut client),
            "closing" => self.play_closing(&mut client),
            "handshake-timeout" => self.play_handshake(&mut client),
            "idle" => self.play_idle(&mut client),
            "mode" => self.play_mode(&mut client),
            other => panic!("{other}: not played"),
        }
        client.watch(self.watched());
        client.facts()
    }

    fn version(&self) -> Option<Version> {
        let named = self.client.tls.as_ref().and_then(|tls| tls.get("version")).and_then(Value::as_str);
        match named {
            Some(version) => Some(version_of(version)),
            None if self.group == "mode" => self.client.tls.as_ref().map(|_| Version::Tls13),
            // The group `idle` says it in its names.
            None => ["TLSv1.2", "TLSv1.3"].into_iter().find(|version| self.name.contains(version)).map(version_of),
        }
    }

    /// How long nothing more is sent: as long as the Java server was watched, where it closed nothing.
    fn watched(&self) -> Duration {
        if self.group == "mode" {
            return Duration::ZERO;
        }
        let seconds = |name: &str| self.outcome.get(name).and_then(Value::as_f64).expect("a time");
        match (self.outcome.get("tcp").and_then(Value::as_str), self.outcome.get("result").and_then(Value::as_str)) {
            (Some("stays open"), _) => Duration::from_secs_f64(seconds("after_seconds")),
            (_, Some(result)) if result.starts_with("waits") => {
                assert_eq!(result, "waits (40 s watched)");
                Duration::from_secs(40)
            }
            (_, Some("answered")) => Duration::ZERO,
            _ if self.outcome.contains_key("answers") => Duration::ZERO,
            _ => WATCHED,
        }
    }

    fn play_big(&self, client: &mut Client) {
        client.shake_hands();
        let (_, what) = self.name.split_once(": ").expect("a version in front");
        match what {
            "500 requests in one write" => client.send_requests(500),
            "one request in 141 records of one byte" => client.send_request_in_records_of_one_byte(),
            "20 large answers, reading begins 3 s later" => {
                client.stop_reading();
                client.ask_for_all_topics(20);
                client.watch(Duration::from_secs(3));
                client.read_on();
            }
            "GET_ALL_TOPIC_LIST over TLS" => client.compare_list_with_plain_text(),
            registration => {
                assert!(registration.ends_with("bytes (40,000 topics)"), "{registration}");
                client.register_topics();
            }
        }
    }

    fn play_closing(&self, client: &mut Client) {
        client.shake_hands();
        if self.name.contains(": answered request, then ") {
            client.send_requests(1);
            client.forget_answers();
        }
        let writes: Vec<_> = self.client.send.as_array().into_iter().flatten().map(|text| text.as_str()).collect();
        match (&*writes, self.client.then.as_str()) {
            ([], Some("close_notify")) => client.end_tls(&[]),
            ([Some("REQUEST"), Some("close_notify")], None) => client.end_tls(&Client::request()),
            ([Some("REQUEST")], Some("shutdown(SHUT_WR)")) => {
                client.send_requests(1);
                client.end_stream();
            }
            ([Some("1703034801 and 18433 bytes")], None) => {
                client.send_raw(&[&b"\x17\x03\x03\x48\x01"[..], &[0x55; 18_433]].concat());
            }
            ([Some(record)], None) if self.name.contains("does not decrypt") => client.send_raw(&bytes(record)),
            ([Some(plaintext)], None) => client.send(&bytes(plaintext)),
            ([], None) if self.name.ends_with("SIGTERM of the server") => client.stop_server(),
            other => panic!("{}: {other:?}", self.name),
        }
    }

    fn play_handshake(&self, client: &mut Client) {
        let Some(words) = self.client.send.as_str() else {
            for write in self.client.send.as_array().expect("writes") {
                client.send_raw(&bytes(write.as_str().expect("hexadecimal")));
            }
            return;
        };
        match words {
            "ClientHello, then nothing" => {
                let hello = client.hello();
                client.send_raw(&hello);
            }
            "ClientHello without its last byte" => client.send_hello_without_its_last_byte(),
            "12 bytes of a ClientHello, then one byte a second" => {
                let hello = client.hello();
                client.send_raw(&hello[..12]);
                client.dribble(&hello[12..], Duration::from_secs(1), Client::send_raw);
            }
            other => panic!("{other}"),
        }
    }

    fn play_idle(&self, client: &mut Client) {
        let what = self.name.rsplit([':', ',']).next().expect("a part").trim();
        match what {
            "no byte sent" => {}
            "stall inside the ClientHello" => client.send_hello_without_its_last_byte(),
            "then silent" => {
                client.shake_hands();
                if self.name.contains("one request") {
                    client.send_requests(1);
                }
            }
            dribbled => {
                let interval = dribbled.strip_prefix("one byte every ").and_then(|text| text.strip_suffix(" s"));
                let seconds = interval.and_then(|seconds| seconds.parse().ok()).expect("an interval");
                client.shake_hands();
                // More bytes than there is time for.
                client.dribble(&Client::large_frame(), Duration::from_secs_f64(seconds), Client::send);
            }
        }
    }

    fn play_mode(&self, client: &mut Client) {
        client.send_raw(&bytes(&self.client.prefix));
        client.shake_hands_if_it_can();
        for write in self.client.send.as_array().expect("writes") {
            match write.as_str().expect("hexadecimal") {
                "REQUEST" => client.send_if_it_can(&Client::request()),
                written => client.send_if_it_can(&bytes(written)),
            }
        }
    }
}

fn version_of(name: &str) -> Version {
    match name {
        "TLSv1.2" => Version::Tls12,
        "TLSv1.3" => Version::Tls13,
        other => panic!("no client for {other}"),
    }
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A value of the file as it is compared.
fn fact(name: &str, value: &Value) -> String {
    match (name, value) {
        ("after_seconds", value) => format!("{:.0}", value.as_f64().expect("a time")),
        ("result", Value::String(text)) if text.starts_with("waits") => "waits".to_owned(),
        // The file has two words for it.
        ("tcp", Value::String(text)) if text == "closed" => "FIN".to_owned(),
        (_, Value::String(text)) => text.clone(),
        (_, Value::Array(words)) => words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        (_, value) => value.to_string(),
    }
}
