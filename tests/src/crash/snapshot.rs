//! The routes that a stop saves: whatever disturbs that, the next server has those of this stop or of the one before.

use super::trace::Trace;
use super::{TIMES_MAX, TROUBLES, Way};
use crate::peer::{Peer, broker, route};
use crate::process::{Folder, Process};
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

/// The file beside the KV file; the server is told to take any port.
const SNAPSHOT: &str = "routes-0.snapshot";

/// Which routes servers had after a save that was disturbed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    /// Servers that were killed.
    pub killed: usize,
    /// Those of the stop before.
    pub old: usize,
    /// Those of this stop.
    pub new: usize,
}

/// Disturbs the save of a stop at one system call after the other, until it has no more of them.
///
/// # Panics
/// The next server does not start, or has other routes than it should.
pub fn disturb_snapshots(binary: &Path) -> Routes {
    let old = snapshot_of(binary);
    let mut routes = Routes::default();
    for (trouble, call) in TROUBLES.iter().flat_map(|trouble| Way::Replace.calls().map(move |call| (trouble, call))) {
        let disturbed =
            (1..TIMES_MAX).take_while(|time| disturb(binary, &old, trouble, (call, *time), &mut routes)).count();
        assert!(disturbed + 1 < TIMES_MAX, "{trouble}: a save calls {call} without end");
        assert!(disturbed > 0, "{trouble}: a save does not call {call}");
    }
    assert!(routes.old > 0 && routes.new > 0, "it was never disturbed before and after the change: {routes:?}");
    routes
}

fn folder() -> Folder {
    Folder::new::<&str, &str>(&[])
}

fn registered(server: &Process, topics: &[&str]) -> Peer {
    Peer::register(server, &broker("broker-a", 0, topics))
}

/// What a server with the topics T and U leaves.
fn snapshot_of(binary: &Path) -> Vec<u8> {
    let mut server = folder().start(binary);
    let _broker = registered(&server, &["T", "U"]);
    server.terminate();
    assert_eq!(server.wait().code(), Some(0), "{}", server.log());
    fs::read(server.folder().path(SNAPSHOT)).expect("a snapshot")
}

/// Disturbs one save at a system call that it makes for that many times; false: it does not.
fn disturb(binary: &Path, old: &[u8], trouble: &str, (call, time): (&str, usize), routes: &mut Routes) -> bool {
    let what = format!("{trouble} at {call} {time}");
    let folder = folder();
    fs::write(folder.path(SNAPSHOT), old).expect("it can be written");
    let mut server = folder.start(binary);
    let broker = registered(&server, &["T", "U", "V"]);
    let trace = Trace::start(&server, SNAPSHOT, &format!("inject={call}:{trouble}:when={time}"));
    server.terminate();
    let status = server.wait();
    drop(broker);
    let disturbed = trace.end() || status.signal().is_some();
    routes.killed += usize::from(status.signal().is_some());
    let server = server.restart(binary);
    let code = |topic| Peer::connect(&server).ask(&route(topic)).code;
    assert_eq!(code("T"), 0, "{what}: {}", server.log());
    match code("V") {
        0 => routes.new += usize::from(disturbed),
        17 => routes.old += usize::from(disturbed),
        code => panic!("{what}: {code}"),
    }
    assert!(!server.log_of_start().contains("the server starts without routes"), "{what}: {}", server.log());
    server.folder().assert_tidy(&what);
    disturbed
}
