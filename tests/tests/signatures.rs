//! Signatures of real senders: cases that a real Java broker judged, and recorded traffic.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests too")]

use namesrv_core::access::{AccessRules, Class, Content, Role, Signed, Status, User};
use namesrv_core::config::{Configuration, Limits};
use namesrv_core::credentials::Secret;
use namesrv_core::wire::{Framing, Request, next_frame};
use namesrv_tests::answer::Answer;
use namesrv_tests::captures::{self, USERS, What, folder};
use namesrv_tests::request;
use namesrv_tests::signature::variants;
use namesrv_tests::world::World;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::IpAddr;

const CASES: &str = include_str!("../golden/signatures.jsonl");
const SENDER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// One case, as a Java broker 5.5.0 judged it.
#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    access_key: Option<String>,
    secret: String,
    code: i32,
    frame: String,
    variants: Vec<String>,
    ours: String,
    remark: Option<String>,
    status: Option<String>,
}

fn cases() -> Vec<Case> {
    CASES.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn user(name: &str, secret: &str, status: Status) -> User {
    let secret = Secret::new(secret);
    User { name: name.into(), role: Role::Admin, secret, previous_secret: None, status, addresses: None }
}

fn users() -> Vec<User> {
    USERS.iter().map(|(name, secret)| user(name, secret, Status::Enabled)).collect()
}

fn rules(users: Vec<User>) -> AccessRules {
    AccessRules::new(&Configuration::default(), users).unwrap().0
}

fn decode(frame: &[u8]) -> Request<'_> {
    let limits = Limits::default();
    let Ok(Framing::Complete { frame, .. }) = next_frame(frame, &limits) else { panic!("not a frame") };
    Request::decode(frame, &limits).unwrap()
}

impl Case {
    fn user(&self) -> User {
        let status = if self.status.as_deref() == Some("disable") { Status::Disabled } else { Status::Enabled };
        user(self.access_key.as_deref().unwrap_or("adminKey"), &self.secret, status)
    }
}

#[test]
fn every_case_is_judged_as_a_java_broker_judges_it() {
    let (mut accepted, mut refused) = (0, 0);
    for case in cases() {
        let frame = hex::decode(&case.frame).unwrap();
        let request = decode(&frame);
        let rules = rules(vec![case.user()]);
        match (rules.verify(&request, SENDER), case.ours.as_str()) {
            (_, "either") => {}
            (Ok(_), "accepts") => accepted += 1,
            (Err(refusal), "refuses") => {
                assert_eq!(Some(&*refusal.remark()), case.remark.as_deref(), "{}", case.name);
                refused += 1;
            }
            (verdict, ours) => panic!("{}: {verdict:?} instead of {ours}", case.name),
        }
    }
    assert_eq!((accepted, refused), (187, 24));
}

#[test]
fn the_content_that_was_signed_is_found() {
    for case in cases().iter().filter(|case| case.ours == "accepts") {
        let frame = hex::decode(&case.frame).unwrap();
        let request = decode(&frame);
        let signed = Signed::new(&request).unwrap();
        let secret = Secret::new(&case.secret);
        let found = signed.contents().find(|content| signed.matches(&secret, *content));
        let name = found.map(|content| match content {
            Content::All => "all",
            Content::WithoutZone => "without-zone",
            Content::WithoutSecurityToken => "without-SecurityToken",
        });
        assert_eq!(name, case.variants.first().map(String::as_str), "{}", case.name);
    }
}

#[test]
fn administrators_requests_are_served_or_refused_over_a_connection_as_they_are_judged() {
    let mut asked = 0;
    for case in cases().iter().filter(|case| case.ours != "either" && Class::of(case.code) == Class::Admin) {
        let frame = hex::decode(&case.frame).unwrap();
        if Answer::decode(&frame).unwrap().flag != 0 {
            continue;
        }
        let on = [("authenticationEnabled", "true"), ("unsignedAdminAddresses", "192.0.2.1")];
        let properties = on.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut world = World::with_users(&properties, vec![case.user()]);
        world.receive("c", &frame);
        let answer = Answer::decode(&world.take_output("c").unwrap()).unwrap();
        let is_refused = answer.code == 16 && answer.remark.as_deref() == case.remark.as_deref();
        assert_eq!(is_refused, case.ours == "refuses", "{}: {answer:?}", case.name);
        asked += 1;
    }
    assert!(asked > 100, "{asked}");
}

/// The recorded requests of every capture in `captures/signed`.
fn recorded() -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(folder().join("signed")).unwrap();
    let mut names: Vec<_> = files.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let mut requests = Vec::new();
    for name in names {
        let name = name.trim_end_matches(".jsonl.gz");
        for recorded in captures::read(&format!("signed/{name}")) {
            if let What::Exchange { request, .. } = recorded.what {
                requests.push((name.to_owned(), request));
            }
        }
    }
    requests
}

#[test]
fn every_recorded_signature_is_good() {
    let rules = rules(users());
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (capture, frame) in recorded() {
        let plain = Answer::decode(&frame).unwrap();
        let Some(name) = plain.field("AccessKey") else { continue };
        let verified = rules.verify(&decode(&frame), SENDER);
        let verified = verified.unwrap_or_else(|refusal| panic!("{capture}: {} is refused: {refusal:?}", plain.code));
        assert_eq!(&*verified.user.name, name);
        let (_, secret) = USERS.iter().find(|(key, _)| *key == name).unwrap();
        assert!(!variants(&plain, secret).is_empty(), "{capture}: the plain reading finds no content");
        *counts.entry(capture).or_default() += 1;
    }
    let signed = counts.values().sum::<usize>();
    assert!(counts.keys().all(|capture| capture.starts_with("signed-")), "{counts:?}");
    assert_eq!((counts.len(), signed), (SIGNED_CAPTURES, SIGNED_FRAMES), "{counts:#?}");
}

/// Captures with signed requests, and the requests.
const SIGNED_CAPTURES: usize = 26;
const SIGNED_FRAMES: usize = 365;

#[test]
fn no_signature_is_good_with_one_bit_changed() {
    let good = rules(users());
    let flipped = |text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[0] ^= 1;
        String::from_utf8(bytes).unwrap()
    };
    let other = rules(USERS.iter().map(|(name, secret)| user(name, &flipped(secret), Status::Enabled)).collect());
    let mut changes = 0;
    for (capture, frame) in recorded() {
        let plain = Answer::decode(&frame).unwrap();
        if plain.field("AccessKey").is_none() {
            continue;
        }
        assert!(other.verify(&decode(&frame), SENDER).is_err(), "{capture}: with another secret");
        for changed in with_one_change(&plain, flipped) {
            assert!(good.verify(&decode(&changed), SENDER).is_err(), "{capture}: {:?}", Answer::decode(&changed));
            changes += 1;
        }
    }
    assert!(changes > 1000, "{changes}");
}

/// The request again and again, each time with one value or its body changed by one bit. A field that the sender added
/// after it had signed is not protected.
fn with_one_change(plain: &Answer, flipped: impl Fn(&str) -> String) -> Vec<Vec<u8>> {
    let fields: Vec<_> = plain.fields.iter().flatten().cloned().collect();
    let request = |fields: &[(String, String)], body: &[u8]| {
        let request = request::Request::new(plain.code).body(body);
        fields.iter().fold(request, |request, (name, value)| request.field(name, value)).encode()
    };
    let added = ["__ZONE_NAME", "__ZONE_MODE", "SecurityToken"];
    let mut changed = Vec::new();
    for (at, (name, value)) in fields.iter().enumerate() {
        if !added.contains(&name.as_str()) && value.is_ascii() && !value.is_empty() {
            let mut fields = fields.clone();
            fields[at].1 = flipped(value);
            changed.push(request(&fields, &plain.body));
        }
    }
    for at in [0, plain.body.len() / 2, plain.body.len().saturating_sub(1)] {
        let mut body = plain.body.clone();
        if let Some(byte) = body.get_mut(at) {
            *byte ^= 1;
            changed.push(request(&fields, &body));
        }
    }
    changed
}
