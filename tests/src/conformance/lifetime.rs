//! How a server starts, refuses to start, and stops.

use super::Target;
use super::peer::{Peer, broker, cluster_info, get, put, route};
use crate::process::Folder;
use crate::request::{Request, VERSION_4_9_7};
use crate::set_on_drop::SetOnDrop;
use rustix::process::Signal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Nothing but complaints is logged, so that a refusal is all there is on standard error.
const QUIET: (&str, &str) = ("logLevel", "error");

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
        let _over = SetOnDrop(&over);
        for _ in 0..4 {
            let mut peer = Peer::connect(&server);
            scope.spawn(|| {
                send_until(&over, move || peer.try_write(&route("T").encode()).is_ok() && peer.next().is_some())
            });
        }
        let mut deaf = Peer::connect(&server);
        scope.spawn(|| send_until(&over, move || deaf.try_write(&cluster_info().encode()).is_ok()));
        // What is sent now is still unread when the server hears that it has to stop.
        server.freeze();
        let requests = (0..REQUESTS).map(|opaque| match opaque % 3 {
            0 => get("n", "k"),
            1 => put("n", "k", "v"),
            _ => route("T"),
        });
        let requests: Vec<_> =
            requests.zip(0..).flat_map(|(request, opaque)| request.opaque(opaque).encode()).collect();
        peers.iter_mut().for_each(|peer| peer.write(&requests));
        // Over TLS it takes a moment on its way. The one that is deaf sends as much as it can, too.
        let has_all = |unread: &usize| *unread >= requests.len();
        server.eventually(|| server.unread_bytes().iter().filter(|unread| has_all(unread)).count() > PEERS);
        server.terminate();
        server.signal(Signal::CONT);
        for peer in &mut peers {
            let mut numbers: Vec<_> = std::iter::from_fn(|| peer.next()).map(|answer| answer.opaque).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (0..REQUESTS).collect::<Vec<_>>());
        }
        let status = server.wait();
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
