//! The thread: it answers every job, and keeps the operator's own text.

use super::*;
use crate::files::KeptFile;
use crate::queue::tests::default_queue;
use namesrv_core::config::{Configuration, Limits};
use namesrv_core::initial_state::InitialState;
use namesrv_core::node::{Node, Output};
use namesrv_core::snapshot::Snapshot;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn files(kv: &Path, runtime: &Path) -> SavedFiles {
    SavedFiles {
        kv: KeptFile::new("kvConfigPath", kv.to_owned(), true),
        runtime: KeptFile::new("runtimeConfigPath", runtime.to_owned(), false),
        kv_is_original: false,
        kv_checksum: None,
        snapshot: None,
    }
}

fn start(files: SavedFiles, queue: QueueSender) -> (Saver, JoinHandle<()>) {
    let clock = Clock::start();
    Saver::start(files, queue, &Arc::new(Counters::new(0, clock.now().monotonic)), clock).unwrap()
}

#[test]
fn a_snapshot_is_written_for_its_owner_alone_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("namesrv/routes.snapshot");
    let (sender, receiver) = default_queue();
    let snapshot = Some(KeptFile::new("snapshotPath", path.clone(), false).private());
    let files = SavedFiles { snapshot, ..files(&folder.path().join("kv"), &folder.path().join("runtime")) };
    let clock = Clock::start();
    let counters = Arc::new(Counters::new(0, clock.now().monotonic));
    let (saver, thread) = Saver::start(files, sender, &counters, clock).unwrap();
    let initial = InitialState { saves_snapshots: true, ..InitialState::new([0; 16], Configuration::default()) };
    let mut node = Node::new(initial, clock.now());
    node.handle(Input::Attached, clock.now());
    node.handle(Input::Stop, clock.now());
    while let Some(output) = node.poll_output() {
        if let Output::SaveSnapshot { ticket, source } = output {
            saver.save_snapshot(ticket, source);
        }
    }
    drop(saver);
    thread.join().unwrap();
    assert!(matches!(receiver.receive(None), Some(Input::Saved { result: Ok(()), .. })));
    let written = fs::read(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(counters.snapshot.get().map(|(_, bytes)| bytes), Some(written.len() as u64));
    assert_eq!(Snapshot::decode(&written, &Limits::default()).unwrap().brokers().count(), 0);
}

#[test]
fn what_a_person_wrote_is_kept_once_and_no_later_save_touches_it() {
    let folder = tempfile::tempdir().unwrap();
    let kv = folder.path().join("kv.json");
    let original = b"// do not touch\n{'configTable':{}}";
    fs::write(&kv, original).unwrap();
    let (sender, _receiver) = default_queue();
    let files = SavedFiles { kv_is_original: true, ..files(&kv, &folder.path().join("runtime")) };
    let (saver, thread) = start(files, sender);
    for (number, contents) in (0..).zip(["one", "two", "three"]) {
        saver.save(SaveTicket { file: SaveFile::KvConfig, number }, contents.into());
    }
    drop(saver);
    thread.join().unwrap();
    let names = ["kv.json", "kv.json.bak", "kv.json.original.bak"];
    let found = names.map(|name| fs::read(folder.path().join(name)).unwrap());
    assert_eq!(found, [&b"three"[..], b"two", original]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), names.len());
}
