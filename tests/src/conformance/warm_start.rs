//! Warm start: routes are there after a restart, unless that is not wanted or their file is no good.

use super::Target;
use super::peer::{Peer, broker, route};
use crate::admin_port::{ADMIN, address, get};
use crate::process::{Folder, Process};
use std::fs;

/// The file beside the KV file; the server is told to take any port.
const SNAPSHOT: &str = "routes-0.snapshot";

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
    let (server, peer) = serving(target, &[ADMIN]);
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

/// Where it is switched off nothing is written or read.
pub(super) fn a_server_starts_without_routes_if_it_is_told(target: &Target) {
    let (server, _peer) = serving(target, &[("warmStart", "false")]);
    let server = stop_and_start(target, server);
    assert_eq!(code(&server), 17);
    assert!(!server.folder().path(SNAPSHOT).exists());
}

/// Where the file cannot be written one line says so, and the server starts, serves and stops as without it.
pub(super) fn a_file_that_cannot_be_written_stops_nobody(target: &Target) {
    let folder = Folder::new::<&str, &str>(&[]);
    let in_the_way = folder.path("in-the-way");
    fs::write(&in_the_way, "").expect("a file");
    let path = in_the_way.join("routes").display().to_string();
    let server = folder.with_property("snapshotPath", &path).start(target.binary());
    let _peer = Peer::register(&server, &broker("broker-a", 0, &["T", "U"]));
    assert!(server.log_of_start().contains("the next start will be without routes"), "{}", server.log());
    assert_eq!(code(&server), 0);
    let server = stop_and_start(target, server);
    assert_eq!(code(&server), 17);
}

/// A file that was cut is named in one line, and the next stop replaces it.
pub(super) fn a_damaged_snapshot_is_named_and_replaced(target: &Target) {
    let (mut server, _peer) = serving(target, &[]);
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
    let (mut server, _peer) = serving(target, &[ADMIN, old]);
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
