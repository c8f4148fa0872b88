//! Strangers at a server that asks administrators for a signature: what they send is refused, and costs no more than
//! other requests do.

use super::siege::{Episode, Siege};
use crate::peer::put;
use crate::registration::Registration;
use crate::request::Request;

/// Requests in one write.
const BATCH: usize = 500;
/// Lines about refusals that the log takes in a second, and one that says how many more there were.
const LINES_A_SECOND: usize = 22;

const SECRET: &str = "a secret of 23 letters.";
const ADMINISTRATOR: &str = r#"{"username":"ops","password":"a secret of 23 letters."}"#;

pub(super) fn episodes() -> Vec<Episode> {
    vec![
        answered("changes_without_a_signature", 16, |number| put("n", &number.to_string(), "v")),
        answered("changes_with_a_guessed_secret", 16, |number| put("n", "k", "v").signed("ops", &number.to_string())),
        answered("changes_of_users_without_number", 16, |number| {
            put("n", "k", "v").signed(&format!("user-{number}"), SECRET)
        }),
        answered("changes_of_another_signature", 16, |number| {
            let other = put("n", "k", "v").signed("ops", SECRET);
            let fields = other.fields.into_iter().flatten();
            let changed = |(name, value)| if name == "value" { (name, number.to_string()) } else { (name, value) };
            Request { fields: Some(fields.map(changed).collect()), ..Request::new(100) }
        }),
        // The brokers are not there, so they are answered as ever.
        answered("unregistrations_of_others", 0, |number| {
            Registration::new(&number.to_string(), 0).naming_request(104)
        }),
        large("bodies_of_megabytes_with_a_guessed_secret", || {
            Request::new(318).body(vec![b'#'; 8 << 20]).signed("ops", "guessed")
        }),
        large("values_of_megabytes_with_a_guessed_secret", || {
            put("n", "k", &"v".repeat(8 << 20)).signed("ops", "guessed")
        }),
        large("users_with_names_of_megabytes", || put("n", "k", "v").signed(&"é".repeat(4 << 20), SECRET)),
        large("signatures_of_megabytes", || {
            put("n", "k", "v").field("AccessKey", "ops").field("Signature", "A".repeat(8 << 20))
        }),
        large("as_many_signed_fields_as_are_allowed", || {
            let fields = (0..1000).map(|number| (format!("field-{number}"), "x".repeat(1000)));
            Request { fields: Some(fields.collect()), ..Request::new(100) }.signed("ops", "guessed")
        }),
    ]
}

fn episode(name: &'static str, memory_mib: u64, attack: impl Fn(&Siege<'_>) + Send + Sync + 'static) -> Episode {
    Episode::new(name, memory_mib, attack)
        .with("authenticationEnabled", "true")
        .with("initAuthenticationUser", ADMINISTRATOR)
        .lines(1)
        .lines_a_second(LINES_A_SECOND)
}

/// Many requests, each of which is answered with this code.
fn answered(name: &'static str, code: i32, request: fn(usize) -> Request) -> Episode {
    episode(name, 8, move |siege| {
        let mut peer = siege.peer();
        let count = siege.scaled(5_000, 200_000);
        for from in (0..count).step_by(BATCH) {
            let numbers = from..(from + BATCH).min(count);
            peer.write(&numbers.clone().flat_map(|number| request(number).encode()).collect::<Vec<_>>());
            numbers.for_each(|_| assert_eq!(peer.answer().code, code));
        }
    })
}

/// Some large requests, each of which is answered with code 16 and a short remark.
fn large(name: &'static str, request: fn() -> Request) -> Episode {
    episode(name, 96, move |siege| {
        let frame = request().encode();
        let mut peer = siege.peer();
        for _ in 0..siege.scaled(5, 200) {
            peer.write(&frame);
            let answer = peer.answer();
            assert_eq!(answer.code, 16, "{answer:?}");
            assert!(answer.remark.is_some_and(|remark| remark.len() < 1024));
        }
    })
}
