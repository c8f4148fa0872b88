//! How a server starts, refuses to start, and stops.

use super::Target;
use super::peer::{Peer, broker, cluster_info, get, put, route};
use crate::process::{CONFIG, Folder, KV_FILE, RUNTIME_CONFIG};
use crate::request::{Request, VERSION_4_9_7};
use rustix::process::Signal;
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Nothing but complaints is logged, so that a refusal is all there is on standard error.
const QUIET: (&str, &str) = ("logLevel", "error");

/// Questions on the command line are answered without starting, and a wrong one is refused, as `mqnamesrv` does.
pub(super) fn command_line(target: &Target) {
    let folder = Folder::new(&[("enableTopicList", "FALSE")]);
    let config = folder.path(CONFIG).display().to_string();
    let missing = folder.path("missing").display().to_string();
    let expected: [(&[&str], i32, &str); 7] = [
        (&["-h"], 0, "usage: mqnamesrv "),
        (&["--help", "-c", &missing], 0, "usage: mqnamesrv "),
        (&["--version"], 0, "namesrv-"),
        (&["-p", "-c", &config], 0, "enableTopicList=false\n"),
        (&["-p", "-c", &missing], 255, ""),
        (&["-x"], 1, ""),
        (&["-c"], 1, ""),
    ];
    for (arguments, code, text) in expected {
        let output = Command::new(target.binary()).args(arguments).output().expect("the binary runs");
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert!(stdout.contains(text), "{arguments:?}: {stdout}");
        assert_eq!(output.stderr.is_empty(), code == 0, "{arguments:?}");
    }
}

/// A second server on the same port ends with status 255 and one line, however many threads share the port; the first
/// is not disturbed.
pub(super) fn a_taken_port(target: &Target) {
    for threads in ["1", "3"] {
        let server = target.start(&[("ioThreads", threads)]);
        let port = server.address().port().to_string();
        for threads in ["1", "3"] {
            let second = Folder::new(&[QUIET, ("listenPort", &port), ("ioThreads", threads)]);
            refused(target, &second, &format!("failed to bind to 127.0.0.1:{port} ("));
        }
        for _ in 0..20 {
            assert_eq!(Peer::connect(&server).ask(&cluster_info()).code, 0);
        }
    }
}

/// A KV file that is none; it is bad in line 2.
const CORRUPT: &str = "{\"configTable\":\n{]";

/// Something that stops the start: how it comes about, and what has to be told about it.
struct Obstacle {
    properties: &'static [(&'static str, &'static str)],
    prepare: fn(&Folder),
    told: &'static str,
}

/// A bad entry in the configuration file, where it is in line 5.
const fn bad_entry(properties: &'static [(&'static str, &'static str)], told: &'static str) -> Obstacle {
    Obstacle { properties, prepare: |_| {}, told }
}

/// A file that is missing, in the way or corrupt.
const fn bad_file(prepare: fn(&Folder), told: &'static str) -> Obstacle {
    Obstacle { properties: &[], prepare, told }
}

const OBSTACLES: &[Obstacle] = &[
    bad_file(|folder| fs::write(folder.path(KV_FILE), CORRUPT).expect("a file"), "kvConfig.json: line 2, column "),
    bad_file(|folder| fs::create_dir(folder.path(KV_FILE)).expect("a folder"), "kvConfig.json is a folder"),
    bad_file(|folder| fs::remove_file(folder.path(CONFIG)).expect("a file"), "namesrv.properties does not exist"),
    bad_file(
        |folder| fs::write(folder.path(RUNTIME_CONFIG), "waitSecondsForService=soon").expect("a file"),
        "namesrv.properties.runtime: line 1: waitSecondsForService: ",
    ),
    bad_entry(&[("listenPort", "many")], "namesrv.properties: line 5: listenPort: `many`"),
    bad_entry(&[("tls.server.mode", "ENFORCING")], "namesrv.properties: line 5: tls.server.mode: "),
    bad_entry(&[("tls.server.certpath", "/a")], "line 5: tls.server.certpath: no such key: write tls.server.certPath"),
    bad_entry(&[("tls.enable", "true"), ("tls.client.keyPath", "/a")], "tls.client.certPath is not set: "),
    bad_entry(&[("clusterTest", "true")], "namesrv.properties: line 5: clusterTest: "),
    bad_entry(&[("bindAddress", "192.0.2.1")], "failed to bind to 192.0.2.1:0 ("),
];

/// What stops the start is told in one line that names it, with status 255, and a corrupt file is left as it is.
pub(super) fn files_that_stop_the_start(target: &Target) {
    for obstacle in OBSTACLES {
        let folder = Folder::new(&[&[QUIET], obstacle.properties].concat());
        (obstacle.prepare)(&folder);
        refused(target, &folder, obstacle.told);
        if let Ok(kv) = fs::read_to_string(folder.path(KV_FILE)) {
            assert_eq!(kv, CORRUPT);
        }
    }
}

fn refused(target: &Target, folder: &Folder, text: &str) {
    let refusal = folder.refusal(target.binary());
    assert_eq!(refusal.code, Some(255), "{}", refusal.stderr);
    assert_eq!(refusal.stderr.lines().count(), 1, "{}", refusal.stderr);
    assert!(refusal.stderr.contains(text), "{}", refusal.stderr);
}

/// SIGTERM under load: everything that was sent before it is answered on every connection, then the server ends with
/// status 0, although others go on sending and one never reads.
pub(super) fn accepted_requests_are_answered_before_the_end(target: &Target) {
    const PEERS: usize = 32;
    const REQUESTS: i32 = 100;
    let mut server = target.start(&[]);
    let _broker = Peer::register(&server, &broker("broker-a", 0, &["T"]));
    let mut peers: Vec<_> = (0..PEERS).map(|_| Peer::connect(&server)).collect();
    peers.iter_mut().for_each(|peer| assert_eq!(peer.ask(&route("T")).code, 0));
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..4 {
            let mut peer = Peer::connect(&server);
            scope.spawn(|| {
                send_until(&over, move || peer.try_write(&route("T").encode()).is_ok() && peer.next().is_some())
            });
        }
        let mut deaf = Peer::connect(&server);
        scope.spawn(|| send_until(&over, move || deaf.try_write(&cluster_info().encode()).is_ok()));
        // What is sent now is still unread when the server hears that it has to stop.
        server.signal(Signal::STOP);
        for peer in &mut peers {
            let requests = (0..REQUESTS).map(|opaque| match opaque % 3 {
                0 => get("n", "k"),
                1 => put("n", "k", "v"),
                _ => route("T"),
            });
            peer.write(
                &requests.zip(0..).flat_map(|(request, opaque)| request.opaque(opaque).encode()).collect::<Vec<_>>(),
            );
        }
        server.terminate();
        server.signal(Signal::CONT);
        for peer in &mut peers {
            let mut numbers: Vec<_> = std::iter::from_fn(|| peer.next()).map(|answer| answer.opaque).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (0..REQUESTS).collect::<Vec<_>>());
        }
        let status = server.wait();
        over.store(true, Ordering::Relaxed);
        assert_eq!(status.code(), Some(0), "{}", server.log());
    });
}

/// Sends until it is over or the server does not take it any more.
fn send_until(over: &AtomicBool, mut send: impl FnMut() -> bool) {
    while !over.load(Ordering::Relaxed) && send() {}
}

/// With graceful shutdown, clients that know how are sent away for the configured time while older ones are served,
/// then the server ends with status 0.
pub(super) fn clients_are_sent_away_before_the_end(target: &Target) {
    const GO_AWAY: i32 = 1500;
    let mut server = target.start(&[("enableShutdownGracefully", "true"), ("shutdownWaitTimeSeconds", "4")]);
    let mut peer = Peer::connect(&server);
    assert_eq!(peer.ask(&route("T")).code, 17);
    server.terminate();
    server.eventually(|| peer.ask(&route("T")).code == GO_AWAY);
    assert_eq!(peer.ask(&route("T").version(VERSION_4_9_7)).code, 17);
    assert_eq!(Peer::connect(&server).ask(&route("T")).code, GO_AWAY);
    assert_eq!(server.wait().code(), Some(0), "{}", server.log());
    assert_eq!(peer.next(), None);
}

/// Signals that stop a server after it has answered: INT, TERM, XCPU, PWR and RTMIN+3.
const STOPPING: [u32; 5] = [2, 15, 24, 30, 37];
/// Signals that ask for the state of the server: QUIT, USR1, USR2.
const ASKING: [u32; 3] = [3, 10, 12];
/// KILL and STOP, which no process can catch; signals of a broken program (ILL, TRAP, ABRT, BUS, FPE, SEGV, SYS); two
/// that the C library keeps for itself.
const LEFT_TO_THE_KERNEL: [u32; 11] = [9, 19, 4, 5, 6, 7, 8, 11, 31, 32, 33];

/// Signals that ask for the state of the server are answered in the log, and none of the others ends it.
pub(super) fn signals_that_do_not_stop(target: &Target) {
    let server = target.start(&[]);
    let _broker = Peer::register(&server, &broker("broker-a", 0, &["T"]));
    let left = [&STOPPING[..], &LEFT_TO_THE_KERNEL].concat();
    for signal in (1..=64).filter(|signal| !left.contains(signal)) {
        server.signal_number(signal);
        assert_eq!(Peer::connect(&server).ask(&route("T")).code, 0, "after signal {signal}");
    }
    let summaries = || server.log().lines().filter(|line| line.contains("state of the server")).count();
    server.eventually(|| summaries() == ASKING.len());
    let summary = server.log();
    let summary = summary.lines().find(|line| line.contains("state of the server")).expect("it was there");
    let figures = ["brokers=1 topics=2 connections=", " queued_requests=0 ", " memory_kib=", " uptime_seconds="];
    figures.into_iter().for_each(|figure| assert!(summary.contains(figure), "{figure}: {summary}"));
}

/// Signals by which an init system or a container engine halts a process stop it as SIGTERM does.
pub(super) fn signals_that_stop(target: &Target) {
    for signal in STOPPING {
        let mut server = target.start(&[]);
        let mut peer = Peer::connect(&server);
        assert_eq!(peer.ask(&put("n", "k", "v")).code, 0);
        server.signal_number(signal);
        assert_eq!(server.wait().code(), Some(0), "signal {signal}: {}", server.log());
    }
}

/// A second signal ends a server at once that would take its time.
pub(super) fn a_second_signal_ends_at_once(target: &Target) {
    let mut server = target.start(&[("enableShutdownGracefully", "true"), ("shutdownWaitTimeSeconds", "3600")]);
    let mut peer = Peer::connect(&server);
    server.terminate();
    server.eventually(|| peer.ask(&Request::new(99_999)).code == 1500);
    server.terminate();
    assert_eq!(server.wait().code(), Some(128 + 15), "{}", server.log());
}
