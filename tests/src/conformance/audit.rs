//! The audit: who changed what and who was refused is on record, in the log and in a file of its own.

use crate::peer::{Peer, put};
use crate::process::{DISK, Folder, Process, can_mount};
use crate::request::Request;
use crate::suite::Target;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Name of the audit file.
const AUDIT: &str = "audit.log";

/// The records of an audit file, without what differs in each run.
fn records(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut records: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for record in &mut records {
        let members = record.as_object_mut().expect("an object");
        for member in ["time", "peer", "connection"] {
            assert!(members.remove(member).is_some_and(|value| value.is_string()), "{member} is a text");
        }
    }
    records
}

fn start(target: &Target, properties: &[(&str, &str)]) -> Process {
    let folder = Folder::new(properties);
    let path = folder.path(AUDIT).display().to_string();
    folder.with_property("auditPath", &path).start(target.binary())
}

/// Every change by an administrator is in the file with what it changed, and the server's end loses none.
pub(super) fn changes_are_on_record(target: &Target) {
    let mut server = start(target, &[("logFormat", "json")]);
    let mut peer = Peer::connect(&server);
    assert_eq!(peer.ask(&put("n", "k", "old")).code, 0);
    assert_eq!(peer.ask(&put("n", "k", "new")).code, 0);
    assert_eq!(peer.ask(&Request::new(318).body("enableTopicList=false")).code, 0);
    server.terminate();
    assert!(server.wait().success(), "{}", server.log());
    let expected = [
        r#"{"type":"kv_put","command":"PUT_KV_CONFIG","request_code":100,"user":"-","allowed_by":"off","namespace":"n","key":"k",
            "after":"old","result":0}"#,
        r#"{"type":"kv_put","command":"PUT_KV_CONFIG","request_code":100,"user":"-","allowed_by":"off","namespace":"n","key":"k",
            "before":"old","after":"new","result":0}"#,
        r#"{"type":"config_changed","command":"UPDATE_NAMESRV_CONFIG","request_code":318,"user":"-","allowed_by":"off",
            "keys":"enableTopicList","result":0}"#,
    ];
    let expected: Vec<Value> = expected.iter().map(|record| serde_json::from_str(record).expect("JSON")).collect();
    assert_eq!(records(&server.folder().path(AUDIT)), expected);
    let log = server.log();
    let in_log = |line: &&str| line.contains(r#""target":"audit""#) && line.contains(r#""allowed_by":"off""#);
    assert_eq!(log.lines().filter(in_log).count(), 3, "{log}");
}

/// What is refused is on record with its cause. A flood costs a line a second, and all of it is counted.
pub(super) fn refusals_are_on_record(target: &Target) {
    let server = start(target, &[("adminAddresses", "192.0.2.1")]);
    let mut peer = Peer::connect(&server);
    for _ in 0..200 {
        let refused = peer.ask(&put("n", "k", "v"));
        assert_eq!((refused.code, refused.remark.as_deref()), (16, Some("127.0.0.1 may not do this here.")));
    }
    server.signal(rustix::process::Signal::USR1);
    server.eventually(|| server.log().contains(" refused_requests=200"));
    let path = server.folder().path(AUDIT);
    server.eventually(|| !records(&path).is_empty());
    let expected = r#"{"type":"denied","command":"PUT_KV_CONFIG","request_code":100,"class":"admin","reason":"address",
        "namespace":"n","key":"k"}"#;
    assert_eq!(records(&path)[0], serde_json::from_str::<Value>(expected).expect("JSON"));
    assert!(server.log().lines().filter(|line| line.contains("request refused")).count() < 100, "{}", server.log());
}

/// A full disk under the audit file stops nobody and is told once; the lines are in the file once there is room.
pub(super) fn a_full_disk_under_the_audit_file(target: &Target) {
    if !can_mount() {
        target.figure("a full disk under the audit file", "not tried: nothing can be mounted here (unshare)");
        return;
    }
    let folder = Folder::plain();
    let path = folder.path(DISK).join(AUDIT).display().to_string();
    let server = folder.with_property("auditPath", &path).with_disk("size=64k").start(target.binary());
    let others = server.path_on_disk("others");
    let mut peer = Peer::connect(&server);
    assert_eq!(peer.ask(&put("n", "first", "v")).code, 0);
    let on_disk = server.path_on_disk(AUDIT);
    server.eventually(|| records(&on_disk).len() == 1);
    let room = (1..=64).rev().find(|kib| fs::write(&others, vec![0; kib * 1024]).is_ok());
    assert!(room.is_some(), "the disk is full now");

    let value = "v".repeat(200);
    for number in 0..100 {
        assert_eq!(peer.ask(&put("n", &format!("key-{number}"), &value)).code, 0);
    }
    let troubles = || server.log().lines().filter(|line| line.contains("auditPath: ")).count();
    server.eventually(|| troubles() == 1);
    fs::remove_file(&others).expect("there is room again");
    assert_eq!(peer.ask(&put("n", "last", "v")).code, 0);
    server.eventually(|| server.log().contains("auditPath: the file can be written again"));
    server.eventually(|| records(&on_disk).len() == 102);
    assert_eq!(troubles(), 2, "{}", server.log());
}
