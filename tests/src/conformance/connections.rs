//! Connections in great number, and how they end.

use super::Target;
use super::peer::{Crowd, Peer, broker, cluster_info, get, put, route};
use crate::process::{Folder, Process};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// A peer that closes its side still hears the answers to all that it sent, then the connection ends.
pub(super) fn half_closed_peer(target: &Target) {
    const REQUESTS: usize = 200;
    let server = target.start(&[]);
    let mut peer = Peer::connect(&server);
    for _ in 0..REQUESTS {
        peer.send(&get("n", "k"));
        peer.send(&cluster_info());
    }
    peer.end();
    let answers: Vec<_> = std::iter::from_fn(|| peer.next()).collect();
    for code in [0, 22] {
        assert_eq!(answers.iter().filter(|answer| answer.code == code).count(), REQUESTS);
    }
}

/// Peers that vanish with requests unanswered and answers unread leave nothing behind.
pub(super) fn reset_connections(target: &Target) {
    let server = target.start(&[]);
    let mut other = Peer::connect(&server);
    assert_eq!(other.ask(&route("T")).code, 17);
    let open_files = server.open_files();
    for round in 0..target.scaled(200, 5000) {
        let mut peer = Peer::connect(&server);
        peer.send(&broker(&format!("broker-{}", round % 7), 0, &["T"]).request());
        match round % 4 {
            0 => {}
            1 => assert_eq!(peer.answer().code, 0),
            2 => peer.write(&cluster_info().encode().repeat(100)),
            _ => peer.write(&[0, 0, 1]),
        }
        peer.reset();
    }
    server.eventually(|| other.ask(&route("T")).code == 17);
    server.eventually(|| server.open_files() == open_files);
    assert!(server.log().lines().all(|line| !line.contains("reset")), "no line for a connection that was reset");
}

/// Five thousand connections at once are all served.
pub(super) fn storm(target: &Target) {
    let crowd = Crowd::gather(5000);
    let server = target.start(&[]);
    let _broker = Peer::register(&server, &broker("broker-a", 0, &["T"]));
    let mut peers: Vec<_> = (0..crowd.connections).map(|_| Peer::begin_to_connect(server.address())).collect();
    peers.iter_mut().for_each(|peer| peer.send(&route("T")));
    peers.iter_mut().for_each(|peer| assert_eq!(peer.answer().code, 0));
    target.figure("connections at once", &count_of(&crowd));
}

fn count_of(crowd: &Crowd) -> String {
    format!("{} (limit of open files: {})", crowd.connections, crowd.open_files_max)
}

/// Fifteen thousand connections stay open, are all answered, and leave nothing behind.
pub(super) fn fifteen_thousand_idle(target: &Target) {
    let crowd = Crowd::gather(15_000);
    let server = target.start(&[]);
    let _broker = Peer::register(&server, &broker("broker-a", 0, &["T"]));
    let (open_files, before) = (server.open_files(), server.resident_kib());
    let each = |after: u64| format!("{} bytes", after.saturating_sub(before) * 1024 / crowd.connections as u64);
    let mut peers: Vec<_> = (0..crowd.connections).map(|_| Peer::connect(&server)).collect();
    server.eventually(|| server.open_files() == open_files + crowd.connections);
    target.figure("idle connections", &count_of(&crowd));
    target.figure("memory of an idle connection", &each(server.resident_kib()));
    target.figure("threads with idle connections", &server.threads().to_string());
    peers.iter_mut().for_each(|peer| peer.send(&route("T")));
    peers.iter_mut().for_each(|peer| assert_eq!(peer.answer().code, 0));
    target.figure("memory of a connection that was active", &each(server.resident_kib()));
    drop(peers);
    server.eventually(|| server.open_files() == open_files);
}

/// A server without a free descriptor goes on serving those that it has, says so once, and takes the others when some
/// leave.
pub(super) fn descriptors_run_out_and_return(target: &Target) {
    const OPEN_FILES: u32 = 128;
    let server = Folder::plain().with_open_files_max(OPEN_FILES).start(target.binary());
    let mut first = Peer::connect(&server);
    assert_eq!(first.ask(&cluster_info()).code, 0);
    let crowd = Crowd::gather(300);
    let mut peers: Vec<_> = (0..crowd.connections).map(|_| Peer::connect(&server)).collect();
    peers.iter_mut().for_each(|peer| peer.send(&cluster_info()));
    server.eventually(|| waits(&server) == 1);
    for _ in 0..100 {
        assert_eq!(first.ask(&cluster_info()).code, 0);
    }
    thread::scope(|scope| {
        for mut peer in peers {
            // Whoever is answered leaves, and so the next comes in.
            scope.spawn(move || assert_eq!(peer.answer().code, 0));
        }
    });
    drop(crowd);
    server.eventually(|| server.log().contains("accepting connections again"));
    assert_eq!(waits(&server), 1, "one line: {}", server.log());
    assert_eq!(first.ask(&put("n", "k", "v")).code, 0, "files can be opened again");
}

fn waits(server: &Process) -> usize {
    server.log().lines().filter(|line| line.contains("cannot accept connections")).count()
}

/// A connection over which nothing comes is closed after the configured time, and its broker lost; one that asks now
/// and then is not.
pub(super) fn idle_connections_are_closed(target: &Target) {
    let server = target.start(&[("serverChannelMaxIdleTimeSeconds", "3")]);
    let mut silent = Peer::register(&server, &broker("broker-a", 0, &["T"]));
    let mut busy = Peer::connect(&server);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let asking = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                busy.ask(&cluster_info());
                thread::sleep(Duration::from_millis(50));
            }
            busy
        });
        let end = silent.next();
        over.store(true, Ordering::Relaxed);
        assert_eq!(end, None);
        let mut busy = asking.join().expect("the other connection stays");
        server.eventually(|| busy.ask(&route("T")).code == 17);
    });
}
