//! Files: properties text and the KV table.

use crate::process_keys::read_configuration;
use namesrv_core::config::properties::{parse, write};
use namesrv_core::config::{Configuration, Update};
use namesrv_core::kv::KvTable;

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

/// A KV file that can be read is the same after it was written.
pub(super) fn kv_file(data: &[u8]) {
    match KvTable::decode(data) {
        Ok(table) => {
            let written = table.encode();
            let again = KvTable::decode(&written).expect("what was written can be read");
            assert_eq!((&again, again.encode()), (&table, written));
            assert!(table.bytes() <= table.encode().len());
        }
        Err(error) => assert!(error.line >= 1 && error.column >= 1, "{error}"),
    }
}
