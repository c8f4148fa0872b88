//! KV files as people, editors and Java servers leave them: `tests/field/kv-files.tsv` has what both versions of
//! fastjson make of each, and what is made of it here, with every message as an operator sees it.
//!
//! `UPDATE_EXPECTED=1` writes what is made of them here into the table.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "helpers of tests, outside a test module")]

use namesrv_core::kv::KvFile;
use namesrv_tests::differences::repository;
use std::env;
use std::fs;

/// What the table says of a file that a Java server does not start with.
const REFUSED: &str = "refused";
/// What it says of a file of which the same is made here as in Java.
const SAME: &str = "the same";

struct Row<'a> {
    name: &'a str,
    bytes: Vec<u8>,
    fastjson2: &'a str,
    fastjson1: &'a str,
    expected: &'a str,
    reason: &'a str,
}

impl<'a> Row<'a> {
    fn parse(line: &'a str) -> Self {
        let columns: Vec<_> = line.split('\t').collect();
        let [name, bytes, fastjson2, fastjson1, expected, reason] = columns[..] else { panic!("{line}") };
        Self { name, bytes: unescape(bytes), fastjson2, fastjson1, expected, reason }
    }

    /// The table that a Java server has in the end, of the newer version where both have one.
    fn java(&self) -> Option<&str> {
        [self.fastjson2, self.fastjson1].into_iter().find(|outcome| *outcome != REFUSED)
    }

    fn outcome(&self) -> String {
        match KvFile::decode(&self.bytes) {
            Ok(file) => {
                let written = file.table.encode();
                let table = written.strip_prefix(br#"{"configTable":"#).and_then(|rest| rest.strip_suffix(b"}"));
                let table = escape(table.expect("the form of Java"));
                if self.java() == Some(&table) { SAME.to_owned() } else { table }
            }
            Err(error) => escape(error.to_string().as_bytes()),
        }
    }
}

#[test]
fn every_file_that_a_java_server_loads_is_loaded_and_every_other_is_named() {
    let path = repository().join("tests/field/kv-files.tsv");
    let text = fs::read_to_string(&path).unwrap();
    let mut rewritten = String::new();
    for line in text.lines() {
        if line.starts_with('#') {
            rewritten.push_str(&format!("{line}\n"));
            continue;
        }
        let row = Row::parse(line);
        let outcome = row.outcome();
        let columns: Vec<_> = line.split('\t').collect();
        rewritten.push_str(&format!("{}\t{outcome}\t{}\n", columns[..4].join("\t"), row.reason));
        if env::var_os("UPDATE_EXPECTED").is_none() {
            assert_eq!(outcome, row.expected, "{}", row.name);
            assert!(row.java().is_none() || outcome == SAME || !row.reason.is_empty(), "{}: no reason", row.name);
        }
    }
    if env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(path, rewritten).unwrap();
    }
}

fn escape(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b' '..=b'~' => text.push(char::from(*byte)),
            other => text.push_str(&format!("\\x{other:02x}")),
        }
    }
    text
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let escaped = (byte == b'\\').then(|| rest.next().unwrap());
        bytes.push(match escaped {
            None => byte,
            Some(b'x') => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            Some(other) => other,
        });
    }
    bytes
}
