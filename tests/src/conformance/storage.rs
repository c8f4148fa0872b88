//! What is written survives: KV entries and changes of the configuration.

use super::Target;
use super::peer::{Peer, delete, get, put};
use crate::process::{CONFIG, Folder, Process, RUNTIME_CONFIG};
use crate::request::Request;
use rustix::process::Signal;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// A KV entry that was answered survives a kill, with every character, and SIGTERM ends the server with status 0.
pub(super) fn restart_keeps_what_was_answered(target: &Target) {
    let server = target.start(&[]);
    let mut peer = Peer::connect(&server);
    assert_eq!(peer.ask(&put("n", "k", "é\n\u{1F600}\"\\")).code, 0);
    assert_eq!(peer.ask(&put("n", "gone", "v")).code, 0);
    assert_eq!(peer.ask(&delete("n", "gone")).code, 0);
    let mut server = server.restart(target.binary());
    let mut peer = Peer::connect(&server);
    assert_eq!(peer.ask(&get("n", "k")).field("value"), Some("é\n\u{1F600}\"\\"));
    assert_eq!(peer.ask(&get("n", "gone")).code, 22);
    server.terminate();
    assert_eq!(server.wait().code(), Some(0), "{}", server.log());
}

/// Two servers save to one file, which each of them has read before: the one that undoes a change says so, and the
/// backup has it.
pub(super) fn two_servers_on_one_file_are_told(target: &Target) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shared.json");
    let keys = [("kvConfigPath", path.to_str().expect("a path"))];
    let servers = [target.start(&keys), target.start(&keys)];
    for (server, key) in servers.iter().zip(["first", "second"]) {
        assert_eq!(Peer::connect(server).ask(&put("n", key, "v")).code, 0);
    }
    let line = format!("another server or program has changed {}", path.display());
    assert_eq!(servers.each_ref().map(|server| server.log().contains(&line)), [false, true]);
    let backup = fs::read_to_string(folder.path().join("shared.json.bak")).expect("a backup");
    assert!(backup.contains("first"), "{backup}");
}

/// kill −9 while several connections stream KV entries: every one that was answered is there afterwards, again and
/// again on the same files.
pub(super) fn a_crash_loses_nothing_that_was_answered(target: &Target) {
    let mut server = target.start(&[]);
    let mut answered = Vec::new();
    for round in 0..target.scaled(4, 50) {
        answered.extend(stream_until(&server, round, Signal::KILL));
        server = server.restart(target.binary());
        assert_all_there(&server, &answered);
    }
}

/// The same when the server is told to stop: it ends with status 0.
pub(super) fn a_stop_loses_nothing_that_was_answered(target: &Target) {
    let mut server = target.start(&[]);
    let answered = stream_until(&server, 0, Signal::TERM);
    assert_eq!(server.wait().code(), Some(0), "{}", server.log());
    assert_all_there(&server.restart(target.binary()), &answered);
}

/// Streams entries over several connections, sends a signal in the middle of it and returns the keys that were
/// answered.
fn stream_until(server: &Process, round: usize, signal: Signal) -> Vec<String> {
    const PEERS: usize = 4;
    const ENOUGH: usize = 200;
    const AHEAD: usize = 16;
    let count = AtomicUsize::new(0);
    let answered = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for number in 0..PEERS {
            let mut peer = Peer::connect(server);
            let (count, answered) = (&count, &answered);
            scope.spawn(move || {
                let key = |entry: i32| format!("{round}-{number}-{entry}");
                let send =
                    |peer: &mut Peer, entry| peer.try_write(&put("n", &key(entry), &key(entry)).opaque(entry).encode());
                // It ends when the server does.
                let mut sent = (0..AHEAD as i32).take_while(|entry| send(&mut peer, *entry).is_ok()).count() as i32;
                while let Some(answer) = peer.next() {
                    assert_eq!(answer.code, 0, "{:?}", answer.remark);
                    answered.lock().expect("nobody fails").push(key(answer.opaque));
                    count.fetch_add(1, Ordering::Relaxed);
                    if send(&mut peer, sent).is_ok() {
                        sent += 1;
                    }
                }
            });
        }
        server.eventually(|| count.load(Ordering::Relaxed) >= ENOUGH);
        server.signal(signal);
    });
    answered.into_inner().expect("nobody fails")
}

fn assert_all_there(server: &Process, keys: &[String]) {
    let mut peer = Peer::connect(server);
    for key in keys {
        assert_eq!(peer.ask(&get("n", key)).field("value"), Some(key.as_str()), "it was answered");
    }
}

/// A change whose file cannot be written is answered with the reason and not applied; once it can be written, changes
/// succeed again.
pub(super) fn a_change_that_cannot_be_saved_is_refused(target: &Target) {
    let mut server = target.start(&[]);
    let folder = server.folder().path("later");
    let moved = [("kvConfigPath", folder.join("kv.json").display().to_string())];
    server.kill();
    let server = Folder::new(&moved).start(target.binary());
    let mut peer = Peer::connect(&server);
    fs::write(&folder, "in the way").expect("a file");
    let refused = peer.ask(&put("n", "k", "v"));
    assert_eq!(refused.code, 1);
    let path = folder.join("kv.json").display().to_string();
    let reason = format!("{path}: kvConfigPath: cannot look at {path}: Not a directory (os error 20)");
    assert!(refused.remark.as_ref().is_some_and(|remark| remark.contains(&reason)), "{:?}", refused.remark);
    assert_eq!(peer.ask(&get("n", "k")).code, 22);
    fs::remove_file(&folder).expect("the file is there");
    assert_eq!(peer.ask(&put("n", "k", "v")).code, 0);
    assert_eq!(peer.ask(&get("n", "k")).field("value"), Some("v"));
}

/// A change of the configuration at run time goes to a file of its own, which the next start reads; the operator's file
/// stays as it is.
pub(super) fn configuration_changes_survive_beside_the_operators_file(target: &Target) {
    let server = target.start(&[("enableTopicList", "true")]);
    let config = server.folder().path(CONFIG);
    let before = fs::read(&config).expect("the operator's file");
    let mut peer = Peer::connect(&server);
    let topics = Request::new(311);
    assert_eq!(peer.ask(&topics).code, 0);
    let change = Request::new(318).body("enableTopicList=false\nproductEnvName=middle");
    assert_eq!(peer.ask(&change).code, 0);
    assert_ne!(peer.ask(&topics).code, 0);
    let changes = fs::read_to_string(server.folder().path(RUNTIME_CONFIG)).expect("the file of changes");
    assert!(changes.contains("enableTopicList=false"), "{changes}");
    let server = server.restart(target.binary());
    let mut peer = Peer::connect(&server);
    assert_ne!(peer.ask(&topics).code, 0);
    assert!(peer.ask(&Request::new(319)).text().contains("\nproductEnvName=middle\n"));
    assert_eq!(fs::read(&config).expect("the operator's file"), before);
}
