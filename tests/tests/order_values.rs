//! Order configurations as people write them: `tests/field/order-values.tsv` has what each client makes of each, and
//! what routes carry here. Each client is a few lines of this file, after its source.
//!
//! `UPDATE_EXPECTED=1` writes the table anew from its first column.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "helpers of tests, outside a test module")]

use namesrv_core::kv::OrderConfig;
use namesrv_tests::differences::repository;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::collections::BTreeSet;
use std::env;
use std::fs;

/// The queues of a producer: broker and number. `Err` is how the client fails.
type Queues = Result<Vec<(String, u32)>, &'static str>;

/// How one client reads a value.
type Reader = fn(&str) -> Queues;

/// Clients that read the order configuration, each as its source does.
const CLIENTS: [(&str, Reader); 7] = [
    ("Java clients", java),
    ("proxy 5.5.0", proxy),
    ("Go 2.1.3", go),
    ("C++, Python 2.x", cpp),
    ("Node ali-ons, rocketmq", node),
    ("rocketmq-rs", rust),
    ("rocketmq-rust", mxsm),
];

/// Queues beyond are not listed: nobody tells so many apart.
const SHOWN_MAX: i64 = 200_000;

fn queues(broker: &str, count: i64) -> impl Iterator<Item = (String, u32)> {
    (0..count.clamp(0, SHOWN_MAX) as u32).map(move |queue| (broker.to_owned(), queue))
}

/// `String.split`: empty parts at the end do not count, unless nothing was split.
fn java_split(text: &str, separator: char) -> Vec<&str> {
    if !text.contains(separator) {
        return vec![text];
    }
    text.trim_end_matches(separator)
        .split(separator)
        .take(if text.chars().all(|c| c == separator) { 0 } else { usize::MAX })
        .collect()
}

/// `Integer.parseInt`, which takes digits of every script; those of two stand for all here.
fn java_integer(text: &str) -> Option<i64> {
    let ascii = |digit: char| match digit {
        '\u{660}'..='\u{669}' => char::from_digit(digit as u32 - 0x660, 10).unwrap(),
        '\u{ff10}'..='\u{ff19}' => char::from_digit(digit as u32 - 0xff10, 10).unwrap(),
        other => other,
    };
    text.chars().map(ascii).collect::<String>().parse::<i32>().ok().map(i64::from)
}

fn java(value: &str) -> Queues {
    let mut all = Vec::new();
    for broker in java_split(value, ';').into_iter().filter(|_| !value.is_empty()) {
        let item = java_split(broker, ':');
        let count = item.get(1).ok_or("throws ArrayIndexOutOfBounds")?;
        all.extend(queues(item[0], java_integer(count).ok_or("throws NumberFormat")?));
    }
    Ok(all)
}

/// A set instead of a list, and nothing for blanks (`MessageQueueView`).
fn proxy(value: &str) -> Queues {
    if value.chars().all(|character| character.is_ascii_whitespace()) {
        return Ok(Vec::new());
    }
    let mut seen = BTreeSet::new();
    java(value).map(|all| all.into_iter().filter(|queue| seen.insert(queue.clone())).collect())
}

fn go(value: &str) -> Queues {
    let mut all = Vec::new();
    for broker in value.split(';').filter(|_| !value.is_empty()) {
        let item: Vec<_> = broker.split(':').collect();
        let count = item.get(1).ok_or("panics: index out of range")?;
        // A number beyond the range is the largest, with an error that nobody looks at.
        let digits = count.strip_prefix(['+', '-']).unwrap_or(count);
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let count = if is_number { count.parse().unwrap_or(i64::MAX) } else { 0 };
        all.extend(queues(item[0], count));
    }
    Ok(all)
}

/// Leaves empty parts out, takes what `atoi` takes, and reads past the end of a vector.
fn cpp(value: &str) -> Queues {
    let mut all = Vec::new();
    for broker in value.split(';').filter(|part| !part.is_empty()) {
        let item: Vec<_> = broker.split(':').filter(|part| !part.is_empty()).collect();
        let count = item.get(1).ok_or("crashes: out of bounds")?;
        all.extend(queues(item[0], leading_integer(count).unwrap_or(0)));
    }
    Ok(all)
}

fn node(value: &str) -> Queues {
    let mut all = Vec::new();
    for broker in value.split(';').filter(|_| !value.is_empty()) {
        let item: Vec<_> = broker.split(':').collect();
        all.extend(queues(item[0], item.get(1).and_then(|count| leading_integer(count)).unwrap_or(0)));
    }
    Ok(all)
}

/// `atoi` and `parseInt`: blanks, a sign, and the digits that follow.
fn leading_integer(text: &str) -> Option<i64> {
    let text = text.trim_start();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = digits.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    if end == 0 { None } else { Some(sign * digits[..end].parse().unwrap_or(i64::MAX)) }
}

fn rust(value: &str) -> Queues {
    let mut all = Vec::new();
    for broker in value.split(';').filter(|_| !value.is_empty()) {
        let mut item = broker.split(':');
        let name = item.next().unwrap();
        let count: u32 = item.next().and_then(|count| count.parse().ok()).ok_or("panics: unwrap")?;
        all.extend(queues(name, count.into()));
    }
    Ok(all)
}

fn mxsm(value: &str) -> Queues {
    let mut all = Vec::new();
    for broker in value.split(';') {
        let item: Vec<_> = broker.split(':').collect();
        if let [name, count] = item[..]
            && let Ok(count) = count.parse::<i32>()
        {
            all.extend(queues(name, count.into()));
        }
    }
    Ok(all)
}

/// Queues as the table shows them: each broker with the number of its queues.
fn shown(queues: &Queues) -> String {
    let queues = match queues {
        Ok(queues) if queues.is_empty() => return "no queue".to_owned(),
        Ok(queues) => queues,
        Err(failure) => return (*failure).to_owned(),
    };
    let mut runs: Vec<(&str, usize)> = Vec::new();
    for (broker, number) in queues {
        match runs.last_mut() {
            Some((last, count)) if last == broker && *number > 0 => *count += 1,
            _ => runs.push((broker, 1)),
        }
    }
    let many = |count: usize| if count as i64 == SHOWN_MAX { "too many".to_owned() } else { count.to_string() };
    runs.iter().map(|(broker, count)| format!("{} of {broker:?}", many(*count))).collect::<Vec<_>>().join(", ")
}

fn here(value: &str) -> String {
    match OrderConfig::read(value) {
        Ok(Some(config)) if config.write() == value => "the same".to_owned(),
        Ok(Some(config)) => config.write(),
        Ok(None) => "nothing".to_owned(),
        Err(fault) => format!("left out: {fault}"),
    }
}

fn row(json: &str) -> String {
    let value: String = serde_json::from_str(json).unwrap();
    let clients = CLIENTS.map(|(_, read)| shown(&read(&value)));
    [json.to_owned()].into_iter().chain(clients).chain([here(&value)]).collect::<Vec<_>>().join("\t")
}

#[test]
fn the_table_says_what_each_client_and_this_server_make_of_each_value() {
    let path = repository().join("tests/field/order-values.tsv");
    let table = fs::read_to_string(&path).unwrap();
    let values = table.lines().skip(1).map(|line| line.split('\t').next().unwrap());
    let names = ["value"].into_iter().chain(CLIENTS.map(|(name, _)| name)).chain(["routes here"]);
    let head = format!("# {}", names.collect::<Vec<_>>().join("\t"));
    let expected: String = [head].into_iter().chain(values.map(row)).map(|line| line + "\n").collect();
    if env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&path, expected).unwrap();
        return;
    }
    for (line, expected) in table.lines().zip(expected.lines()) {
        assert_eq!(line, expected);
    }
    assert!(table.lines().count() > 40);
}

#[test]
fn what_is_served_unchanged_is_read_alike_and_what_is_left_out_is_not() {
    let table = fs::read_to_string(repository().join("tests/field/order-values.tsv")).unwrap();
    for line in table.lines().skip(1) {
        let columns: Vec<_> = line.split('\t').collect();
        let [_, clients @ .., here] = columns.as_slice() else { panic!("{line}") };
        let are_alike = clients.iter().all(|client| client == &clients[0]);
        // All clients would list queues until they run out of memory.
        let is_harmful = here.contains("more than 100000 queues");
        assert!(*here != "the same" || are_alike, "{line}");
        assert!(!here.starts_with("left out") || !are_alike || is_harmful, "{line}");
    }
}

/// Values out of pieces that values are made of.
fn values() -> impl Strategy<Value = String> {
    let pieces: Vec<_> = "a,b,:,:,;,;,8,4,0,+,-, ,\t,\u{a0},.,x,\u{668},99999999999,\u{e9}".split(',').collect();
    let piece = prop::sample::select(pieces);
    prop_oneof![
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat()),
        prop::collection::vec("[ ]?[ab]?[ ]?:?[ ]?[+-]?[0-9]{0,3}[ ]?", 0..4).prop_map(|parts| parts.join(";")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(9876), failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn all_clients_read_alike_what_routes_carry(value in values()) {
        if let Ok(Some(config)) = OrderConfig::read(&value) {
            let served = config.write();
            let first = java(&served);
            prop_assert!(first.is_ok(), "{served}");
            for (name, read) in CLIENTS {
                prop_assert_eq!(&read(&served), &first, "{}: {}", name, served);
            }
            prop_assert_eq!(OrderConfig::read(&served), Ok(Some(config)));
        }
    }
}
