//! Faults of the machine that the server runs on: what cannot be saved is refused and applied nowhere, all else goes
//! on.

use crate::peer::{Peer, broker, delete, get, put, route};
use crate::process::{CONFIG, DISK, Folder, KV_FILE, Process, can_mount};
use crate::request::Request;
use crate::suite::Target;
use std::fs;

/// Entries of the KV table that are written at most.
const ENTRIES: usize = 400;

/// A file that may not grow any more refuses changes with the reason, and no signal ends the server; a deletion makes
/// the file smaller and succeeds.
pub(super) fn a_file_that_may_not_grow(target: &Target) {
    // The log is a file too.
    let folder = Folder::plain().with_file_units_max(200).with_property("logLevel", "error");
    let server = folder.start(target.binary());
    let mut peer = Peer::connect(&server);
    let stored = put_until_refused(&mut peer);
    assert!(!stored.is_empty(), "some can be saved");
    assert_all_there(&mut peer, &stored);
    assert_eq!(peer.ask(&delete("n", &stored[0])).code, 0);
    let server = server.restart(target.binary());
    assert_all_there(&mut Peer::connect(&server), &stored[1..]);
}

/// A disk that is full refuses changes and keeps what was answered; once there is room they succeed again.
pub(super) fn a_full_disk(target: &Target) {
    let Some(server) = start_on_disk(target, "size=256k") else { return };
    fs::write(server.path_on_disk("others"), vec![0; 100_000]).expect("there is room at first");
    let _broker = Peer::register(&server, &broker("broker-a", 0, &["T"]));
    let mut peer = Peer::connect(&server);
    let stored = put_until_refused(&mut peer);
    assert!(!stored.is_empty(), "some can be saved");
    assert_all_there(&mut peer, &stored);
    assert_eq!(peer.ask(&route("T")).code, 0);
    let saved = fs::read_to_string(server.path_on_disk(KV_FILE)).expect("the file is there");
    assert!(stored.iter().all(|key| saved.contains(key.as_str())), "what was answered is in the file");
    fs::remove_file(server.path_on_disk("others")).expect("others make room");
    assert_eq!(peer.ask(&put("n", "late", "v")).code, 0);
    assert_all_there(&mut peer, &stored);
}

/// A disk that may only be read refuses changes of the KV table; those of the configuration hold until the next start.
pub(super) fn a_disk_that_may_only_be_read(target: &Target) {
    let Some(server) = start_on_disk(target, "ro") else { return };
    let log = server.log_of_start();
    for consequence in ["they will be refused", "they will hold until the next start"] {
        let told = |line: &str| line.contains("changes cannot be kept: ") && line.ends_with(consequence);
        assert!(log.lines().any(told), "the start tells: {log}");
    }
    assert_eq!(log.matches("snapshotPath: ").count(), 1, "routes cannot be saved, in one line: {log}");
    let _broker = Peer::register(&server, &broker("broker-a", 0, &["T"]));
    let mut peer = Peer::connect(&server);
    for _ in 0..3 {
        let refused = peer.ask(&put("n", "k", "v"));
        assert_eq!(refused.code, 1);
        assert!(refused.remark.is_some_and(|remark| remark.contains(KV_FILE)), "the reason names the file");
        assert_eq!(peer.ask(&get("n", "k")).code, 22);
    }
    assert_eq!(peer.ask(&Request::new(318).body("enableTopicList=false")).code, 0);
    assert_ne!(peer.ask(&Request::new(311)).code, 0, "it holds");
    server.eventually(|| server.log().contains("it cannot be saved"));
    assert_eq!(peer.ask(&route("T")).code, 0);
}

/// A server whose files are on a disk of its own; none where nothing can be mounted, which is told.
fn start_on_disk(target: &Target, options: &str) -> Option<Process> {
    if !can_mount() {
        target.figure("disks that are full or read-only", "not tried: nothing can be mounted here (unshare)");
        return None;
    }
    let folder = Folder::plain();
    let on_disk = |name| folder.path(DISK).join(name).display().to_string();
    let (kv, runtime) = (on_disk(KV_FILE), on_disk(CONFIG));
    let folder = folder.with_property("kvConfigPath", &kv).with_property("runtimeConfigPath", &runtime);
    Some(folder.with_disk(options).start(target.binary()))
}

/// Puts entries of a kibibyte until one is refused, and returns the keys of the others.
fn put_until_refused(peer: &mut Peer) -> Vec<String> {
    let value = "v".repeat(1024);
    let mut stored = Vec::new();
    for number in 0..ENTRIES {
        let key = format!("key-{number}");
        match peer.ask(&put("n", &key, &value)).code {
            0 => stored.push(key),
            code => {
                assert_eq!(code, 1);
                assert_eq!(peer.ask(&get("n", &key)).code, 22, "it is applied nowhere");
                return stored;
            }
        }
    }
    panic!("{ENTRIES} entries are saved although there is no room for them")
}

fn assert_all_there(peer: &mut Peer, keys: &[String]) {
    keys.iter().for_each(|key| assert_eq!(peer.ask(&get("n", key)).code, 0, "{key} was answered"));
}
