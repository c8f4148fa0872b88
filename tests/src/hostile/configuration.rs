//! The KV table and the configuration, which any peer may change: both stay within bounds, and neither floods the log.

use super::siege::{Episode, Siege};
use crate::peer::{get, put};
use crate::request::Request;

const MEBIBYTE: usize = 1024 * 1024;

pub(super) fn episodes() -> Vec<Episode> {
    vec![
        Episode::new("values_of_15_mebibytes", 256, large_values).with("kvBytesMax", "33554432").lines(10),
        Episode::new("a_value_of_nothing_but_escapes", 256, escapes).lines(4),
        Episode::new("more_entries_than_fit", 32, many_entries)
            .with("kvBytesMax", "32768")
            .lines(110)
            .lines_a_second(11),
        Episode::new("namespaces_without_number", 32, many_namespaces)
            .with("kvBytesMax", "32768")
            .lines(110)
            .lines_a_second(11),
        Episode::new("one_entry_changed_for_ever", 32, one_entry).lines(110).lines_a_second(11),
        Episode::new("deletions_of_what_is_not_there", 8, deletions).lines(110).lines_a_second(11),
        Episode::new("order_configurations_that_are_none", 16, orders).lines(220).lines_a_second(22),
        Episode::new("keys_of_the_black_list", 8, black_list).lines(110).lines_a_second(11),
        Episode::new("a_configuration_of_16_mebibytes", 160, large_configuration).lines_a_second(11),
        Episode::new("a_configuration_that_cannot_be_read", 16, malformed_configuration).lines(4),
        Episode::new("a_configuration_changed_for_ever", 32, configuration_flood).lines(110).lines_a_second(11),
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

fn delete(namespace: &str, key: &str) -> Request {
    Request::new(102).field("namespace", namespace).field("key", key)
}

/// In the file each character takes six.
fn escapes(siege: &Siege<'_>) {
    let mut peer = siege.peer();
    let value = "\u{1}".repeat(2 * MEBIBYTE);
    assert_eq!(peer.ask(&put("n", "k", &value)).code, 0);
    assert_eq!(peer.ask(&get("n", "k")).field("value"), Some(value.as_str()));
}

/// Sends requests with many on their way, and returns how many were answered with success.
fn flood(siege: &Siege<'_>, count: usize, request: impl Fn(usize) -> Request + Sync) -> usize {
    let mut peer = siege.peer();
    let mut writer = peer.another();
    std::thread::scope(|scope| {
        let request = &request;
        scope.spawn(move || (0..count).for_each(|number| writer.send(&request(number))));
        (0..count).filter(|_| peer.answer().code == 0).count()
    })
}

fn many_entries(siege: &Siege<'_>) {
    let count = siege.scaled(5000, 100_000);
    let taken = flood(siege, count, |number| put("n", &format!("key-{number}"), "value"));
    assert!(taken > 1000 && taken < count, "{taken} fit");
}

fn many_namespaces(siege: &Siege<'_>) {
    let count = siege.scaled(5000, 100_000);
    let taken = flood(siege, count, |number| put(&format!("namespace-{number}"), "", ""));
    assert!(taken > 1000 && taken < count, "{taken} fit");
}

fn one_entry(siege: &Siege<'_>) {
    let count = siege.scaled(3000, 50_000);
    assert_eq!(flood(siege, count, |number| put("n", "k", &number.to_string())), count);
}

fn deletions(siege: &Siege<'_>) {
    let count = siege.scaled(3000, 50_000);
    assert_eq!(flood(siege, count, |number| delete(&number.to_string(), "k")), count);
}

fn orders(siege: &Siege<'_>) {
    let count = siege.scaled(500, 5000);
    assert_eq!(flood(siege, count, |number| put("ORDER_TOPIC_CONFIG", "T", &format!("{number};;\u{0}"))), count);
}

fn black_list(siege: &Siege<'_>) {
    for key in ["configBlackList", "configStorePath", "kvConfigPath", "rocketmqHome", "listenPort", "bindAddress"] {
        let request = Request::new(318).body(format!("{key}=/tmp/elsewhere\n"));
        assert_eq!(flood(siege, siege.scaled(200, 5000), |_| request.clone()), 0);
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

fn configuration_flood(siege: &Siege<'_>) {
    let count = siege.scaled(500, 5000);
    let request = |number: usize| Request::new(318).body(format!("enableTopicList={}", number.is_multiple_of(2)));
    assert_eq!(flood(siege, count, request), count);
}
