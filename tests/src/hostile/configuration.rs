//! The KV table and the configuration, which any peer may change: both stay within bounds, and neither floods the log.

use super::siege::{Episode, Siege};
use crate::peer::{delete, get, put};
use crate::request::Request;

const MEBIBYTE: usize = 1024 * 1024;

/// How many requests there are, and how many at full size.
const SOME: [usize; 2] = [3000, 50_000];
const FEW: [usize; 2] = [500, 5000];

pub(super) fn episodes() -> Vec<Episode> {
    let full = |name, request: fn(usize) -> Request| {
        Episode::new(name, 32, filling(request)).with("kvBytesMax", "32768").lines(110).lines_a_second(11)
    };
    let order = |number| put("ORDER_TOPIC_CONFIG", "T", &format!("{number};;\u{0}"));
    let change = |number: usize| Request::new(318).body(format!("enableTopicList={}", number.is_multiple_of(2)));
    vec![
        Episode::new("values_of_15_mebibytes", 256, large_values).with("kvBytesMax", "33554432").lines(10),
        Episode::new("a_value_of_nothing_but_escapes", 256, escapes).lines(4),
        full("more_entries_than_fit", |number| put("n", &format!("key-{number}"), "value")),
        full("namespaces_without_number", |number| put(&format!("namespace-{number}"), "", "")),
        Episode::new("one_entry_changed_for_ever", 32, taken(SOME, |number| put("n", "k", &number.to_string())))
            .lines(110)
            .lines_a_second(11),
        Episode::new("deletions_of_what_is_not_there", 8, taken(SOME, |number| delete(&number.to_string(), "k")))
            .lines(110)
            .lines_a_second(11),
        Episode::new("order_configurations_that_are_none", 16, taken(FEW, order)).lines(220).lines_a_second(22),
        Episode::new("keys_of_the_black_list", 8, black_list).lines(110).lines_a_second(11),
        Episode::new("a_configuration_of_16_mebibytes", 160, large_configuration).lines_a_second(11),
        Episode::new("a_configuration_that_cannot_be_read", 16, malformed_configuration).lines(4),
        Episode::new("a_configuration_changed_for_ever", 32, taken(FEW, change)).lines(110).lines_a_second(11),
    ]
}

/// Two fit, the others do not; a deletion makes room.
fn large_values(siege: &Siege<'_>) {
    let mut peer = siege.peer();
    let value = "v".repeat(15 * MEBIBYTE);
    let codes: Vec<_> = (0..5).map(|key| peer.ask(&put("n", &key.to_string(), &value)).code).collect();
    assert_eq!(codes, [0, 0, 1, 1, 1]);
    for key in ["0", "1"] {
        assert_eq!(peer.ask(&delete("n", key)).code, 0);
    }
    assert_eq!(peer.ask(&put("n", "2", "v")).code, 0);
}

/// In the file each character takes six.
fn escapes(siege: &Siege<'_>) {
    let mut peer = siege.peer();
    let value = "\u{1}".repeat(2 * MEBIBYTE);
    assert_eq!(peer.ask(&put("n", "k", &value)).code, 0);
    assert_eq!(peer.ask(&get("n", "k")).field("value"), Some(value.as_str()));
}

/// Sends requests with many on their way, all of which are answered with success.
fn taken(count: [usize; 2], request: fn(usize) -> Request) -> impl Fn(&Siege<'_>) {
    move |siege| {
        let codes = siege.peer().flood(siege.scaled(count[0], count[1]), request);
        assert!(codes.iter().all(|code| *code == 0), "{codes:?}");
    }
}

/// Sends entries that take room, until there is none.
fn filling(request: fn(usize) -> Request) -> impl Fn(&Siege<'_>) {
    move |siege| {
        let count = siege.scaled(5000, 100_000);
        let taken = siege.peer().flood(count, request).into_iter().filter(|code| *code == 0).count();
        assert!(taken > 1000 && taken < count, "{taken} fit");
    }
}

fn black_list(siege: &Siege<'_>) {
    for key in ["configBlackList", "configStorePath", "kvConfigPath", "rocketmqHome", "listenPort", "bindAddress"] {
        let request = Request::new(318).body(format!("{key}=/tmp/elsewhere\n"));
        assert!(!siege.peer().flood(siege.scaled(200, 5000), |_| request.clone()).contains(&0));
    }
}

fn large_configuration(siege: &Siege<'_>) {
    let mut unknown = String::new();
    while unknown.len() < 8 * MEBIBYTE {
        unknown.push_str(&format!("key{}=value\n", unknown.len()));
    }
    let mut peer = siege.peer();
    assert_eq!(peer.ask(&Request::new(318).body(unknown)).code, 0, "unknown keys are ignored");
    let label = format!("productEnvName={}\n", "x".repeat(15 * MEBIBYTE));
    let answer = peer.ask(&Request::new(318).body(label));
    assert_eq!(answer.code, 0);
}

fn malformed_configuration(siege: &Siege<'_>) {
    let mut peer = siege.peer();
    for body in ["a=\\u12", "\\uzzzz=1"] {
        assert_eq!(peer.ask(&Request::new(318).body(body.repeat(10_000))).code, 1);
    }
    assert_eq!(peer.ask(&Request::new(318).body(vec![0; MEBIBYTE])).code, 0);
}
