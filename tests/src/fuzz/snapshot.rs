//! Snapshots of routes: what is read can be served and is written again, and what is not is refused.

use super::limits::limits;
use namesrv_core::config::{Configuration, Limits};
use namesrv_core::initial_state::{InitialState, WarmStart};
use namesrv_core::node::{Input, Node, Output};
use namesrv_core::snapshot::{Snapshot, Written};
use namesrv_core::time::{Duration, Now};

/// Magic, format and length, before the checksum.
const CHECKED_BYTES: usize = 20;

/// Reads a file as it is, and as it would be if its length and its checksum were right: no fuzzer guesses them.
pub(super) fn snapshot(data: &[u8]) {
    check(data);
    if let Some((header, payload)) = data.split_at_checked(CHECKED_BYTES + 4) {
        let mut file = header[..12].to_vec();
        file.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&file);
        checksum.update(payload);
        file.extend_from_slice(&checksum.finalize().to_be_bytes());
        file.extend_from_slice(payload);
        check(&file);
    }
}

fn check(file: &[u8]) {
    let limits = Limits { registry_bytes_max: 256 * 1024, ..limits() };
    let Ok(snapshot) = Snapshot::decode(file, &limits) else { return };
    let written = snapshot.written.clone();
    let again = save(snapshot.clone(), &written);
    let same = Snapshot::decode(&again, &Limits::default()).expect("what is written can be read");
    assert_eq!((same.brokers().collect::<Vec<_>>(), same.topic_count()), {
        (snapshot.brokers().collect::<Vec<_>>(), snapshot.topic_count())
    });
    assert_eq!(save(same, &written), again, "it is written as it was");
}

/// What a server that starts with a snapshot saves when it stops at once.
fn save(snapshot: Snapshot, written: &Written) -> Vec<u8> {
    let within = Duration::from_secs(75);
    let initial = InitialState {
        warm_start: Some(WarmStart { snapshot, within }),
        saves_snapshots: true,
        ..InitialState::new([7; 16], Configuration::default())
    };
    let mut node = Node::new(initial, Now::default());
    assert!(node.check().is_empty(), "{:?}", node.check());
    node.handle(Input::Attached, Now::default());
    node.handle(Input::Stop, Now::default());
    let mut outputs = std::iter::from_fn(|| node.poll_output());
    let encode =
        |output| if let Output::SaveSnapshot { source, .. } = output { Some(source.encode(written)) } else { None };
    outputs.find_map(encode).expect("a snapshot is saved at a stop")
}
