//! Warm start: routes are there after a restart, if that is wanted and their file is good.

use super::Target;
use super::peer::{Peer, broker, route};
use crate::admin_port::{ADMIN, address, get};
use crate::process::Process;
use std::fs;

const WARM: (&str, &str) = ("warmStart", "true");
/// The file beside the KV file.
const SNAPSHOT: &str = "routes.snapshot";

/// A server with a broker that has topic T, and the broker's connection.
fn serving(target: &Target, properties: &[(&str, &str)]) -> (Process, Peer) {
    let server = target.start(properties);
    let peer = Peer::register(&server, &broker("broker-a", 0, &["T", "U"]));
    (server, peer)
}

/// Stops a server in order, and starts it again.
fn stop_and_start(target: &Target, mut server: Process) -> Process {
    server.terminate();
    assert_eq!(server.wait().code(), Some(0), "{}", server.log());
    server.restart(target.binary())
}

fn code(server: &Process) -> i32 {
    Peer::connect(server).ask(&route("T")).code
}

/// Routes are answered at once after a stop, and after a crash that follows; they are marked until the broker is back.
pub(super) fn routes_outlive_a_restart(target: &Target) {
    let (server, peer) = serving(target, &[WARM, ADMIN]);
    let mut server = stop_and_start(target, server);
    drop(peer);
    assert_eq!(code(&server), 0, "{}", server.log());
    let port = address(&server);
    let verbose = get(port, "/readyz?verbose").body;
    assert!(verbose.contains("[+]routes ok, 1 of 1 brokers did not register since the restart"), "{verbose}");
    assert!(
        get(port, "/api/v1/brokers").body.contains("\"unconfirmed\":true"),
        "{}",
        get(port, "/api/v1/brokers").body
    );
    assert!(get(port, "/metrics").body.contains("rocketmq_namesrv_unconfirmed_brokers 1\n"));
    server.kill();
    let server = server.restart(target.binary());
    assert_eq!(code(&server), 0, "{}", server.log());
    let _peer = Peer::register(&server, &broker("broker-a", 0, &["T", "U"]));
    let port = address(&server);
    assert!(get(port, "/readyz?verbose").body.contains("[+]routes ok\n"));
    assert!(get(port, "/metrics").body.contains("rocketmq_namesrv_unconfirmed_brokers 0\n"));
}

/// Without the key nothing is written or read.
pub(super) fn a_server_starts_without_routes_unless_it_is_told(target: &Target) {
    let (server, _peer) = serving(target, &[]);
    let server = stop_and_start(target, server);
    assert_eq!(code(&server), 17);
    assert!(!server.folder().path(SNAPSHOT).exists());
}

/// A file that was cut is named in one line, and the next stop replaces it.
pub(super) fn a_damaged_snapshot_is_named_and_replaced(target: &Target) {
    let (mut server, _peer) = serving(target, &[WARM]);
    server.terminate();
    server.wait();
    let path = server.folder().path(SNAPSHOT);
    let good = fs::read(&path).expect("a snapshot");
    fs::write(&path, &good[..good.len() - 1]).expect("it can be written");
    let server = server.restart(target.binary());
    let log = server.log_of_start();
    assert_eq!(log.matches("snapshotPath: ").count(), 1, "{log}");
    assert!(log.contains("bytes instead of") && log.contains("the server starts without routes"), "{log}");
    assert_eq!(code(&server), 17);
    let _peer = Peer::register(&server, &broker("broker-a", 0, &["T", "U"]));
    let server = stop_and_start(target, server);
    assert_eq!(code(&server), 0, "{}", server.log());
}

/// Brokers of a snapshot that is too old are waited for, and not served.
pub(super) fn a_snapshot_that_is_too_old_is_an_expectation(target: &Target) {
    let old = ("warmStartMaxAgeSeconds", "0");
    let (mut server, _peer) = serving(target, &[WARM, ADMIN, old]);
    server.terminate();
    server.wait();
    // Its age is measured in milliseconds of the time since boot.
    let server = server.restart(target.binary());
    assert_eq!(code(&server), 17, "{}", server.log());
    let port = address(&server);
    let page = get(port, "/readyz");
    assert!(page.status == 503 && page.body.starts_with("waiting for 1 of 1 brokers, "), "{}", page.body);
    let _peer = Peer::register(&server, &broker("broker-a", 0, &["T", "U"]));
    server.eventually(|| get(port, "/readyz").status == 200);
}
