//! Files: properties text, the KV table and the users file.

use crate::process_keys::read_configuration;
use namesrv_core::access::{UsersFileFault, parse_users_file};
use namesrv_core::config::properties::{parse, write};
use namesrv_core::config::{Configuration, Update};
use namesrv_core::kv::{KvFile, KvFileError};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Properties text can be written back, and a configuration made of it can be changed and started again.
pub(super) fn properties(data: &[u8]) {
    let Ok(entries) = parse(data) else {
        assert!(matches!(default().update(data), Update::Malformed));
        return;
    };
    let pairs: Vec<_> = entries.iter().map(|entry| (entry.key.as_str(), entry.value.as_str())).collect();
    let written = write(&pairs);
    assert!(written.is_ascii());
    let again = parse(written.as_bytes()).expect("what was written can be read");
    let again: Vec<_> = again.iter().map(|entry| (entry.key.as_str(), entry.value.as_str())).collect();
    assert_eq!(again, pairs);
    if let Ok((configuration, _)) = read_configuration(&entries) {
        check_values(&configuration);
        check_update(&configuration, data);
    }
    check_update(&default(), data);
}

fn default() -> Configuration {
    read_configuration(&[]).expect("defaults are good").0
}

fn check_values(configuration: &Configuration) {
    let limits = configuration.limits();
    assert!(limits.frame_bytes_max >= 1024 && limits.registry_queue_bytes_max >= limits.frame_bytes_max);
    assert!(limits.header_bytes_max > 0 && limits.connections_max > 0 && limits.forwarded_per_connection_max > 0);
    let _ = (configuration.settings(), configuration.serialization());
    assert!(configuration.items().count() > 0);
    assert!(configuration.listing().contains("listenPort="));
}

/// A change that was saved is there after the next start.
fn check_update(configuration: &Configuration, body: &[u8]) {
    let Update::Changed { configuration: changed, keys } = configuration.update(body) else { return };
    let runtime_file = changed.runtime_file();
    assert!(!keys.is_empty());
    check_values(&changed);
    let entries = parse(runtime_file.as_bytes()).expect("the runtime file can be read");
    let mut restarted = configuration.clone();
    restarted.read_runtime_file(&entries).expect("the runtime file is good");
    assert_eq!(restarted.listing(), changed.listing());
    assert_eq!(restarted.settings(), changed.settings());
}

/// A users file has each user once, each on a line of its own, and comments change nothing. An error names a line that
/// is there and quotes no secret.
pub(super) fn users_file(data: &[u8]) {
    let lines = data.split(|byte| *byte == b'\n').count();
    match parse_users_file(data) {
        Ok(users) => {
            let names: BTreeSet<_> = users.iter().map(|user| &*user.name).collect();
            assert!(users.len() <= lines && names.len() == users.len() && !names.contains(""));
            let commented = [data, b"\n# a comment\n\n"].concat();
            assert_eq!(parse_users_file(&commented).expect("a comment is no error"), users);
        }
        Err(error) => {
            assert!((1..=lines).contains(&error.line), "{error}");
            let quotes = error.to_string().contains("s3cret") || format!("{error:?}").contains("s3cret");
            assert!(!quotes || matches!(error.fault, UsersFileFault::Addresses(_)), "{error:?}");
        }
    }
}

/// A KV file that can be read is the same after it was written, and what any reader of JSON finds in it is found.
pub(super) fn kv_file(data: &[u8]) {
    let decoded = KvFile::decode(data);
    match &decoded {
        Ok(KvFile { table, .. }) => {
            let written = table.encode();
            let again = KvFile::decode(&written).expect("what was written can be read");
            assert!(again.is_plain && again.first_replaced.is_none());
            assert_eq!((&again.table, again.table.encode()), (table, written));
            assert!(table.bytes() <= table.encode().len());
        }
        Err(error) => assert!(error.line >= 1 && error.column >= 1 && !error.to_string().is_empty(), "{error}"),
    }
    if let Ok(Value::Object(members)) = serde_json::from_slice(data) {
        check_standard(&members, decoded);
    }
}

/// What is standard JSON and a KV file is read, each text as it stands there.
fn check_standard(members: &Map<String, Value>, decoded: Result<KvFile, KvFileError>) {
    let Some(namespaces) = members.get("configTable").and_then(Value::as_object) else { return };
    if !namespaces.values().all(|namespace| namespace.is_object() || namespace.is_null()) {
        return;
    }
    let table = decoded.expect("standard JSON is read").table;
    for (name, keys) in namespaces {
        let Value::Object(keys) = keys else {
            assert_eq!(table.namespace(name), None);
            continue;
        };
        let found = table.namespace(name).expect("the namespace is there");
        assert_eq!(found.len(), keys.values().filter(|value| !is_null_for_java(value)).count());
        for (key, value) in keys.iter().filter_map(|(key, value)| Some((key, value.as_str()?))) {
            assert_eq!(table.value(name, key), Some(value));
        }
    }
}

/// Java takes a list of one for what is in it.
fn is_null_for_java(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(|list| list.len() == 1 && list.iter().all(Value::is_null))
}
