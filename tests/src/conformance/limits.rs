//! What a peer can make grow has a limit, and reaching it costs that peer and nobody else.

use super::Target;
use super::peer::{Peer, broker, cluster_info, get, put, route};
use crate::process::Process;
use crate::request::Request;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const MEBIBYTE: usize = 1024 * 1024;

/// The largest frame that is allowed is answered, by the session and by the registry; one byte more closes the
/// connection.
pub(super) fn sixteen_mebibyte_frames(target: &Target) {
    let server = target.start(&[]);
    let mut other = Peer::register(&server, &broker("broker-a", 0, &["T"]));
    let mut registration = broker("broker-b", 0, &["T"]).request();
    // Zero means that the body is not to be checked.
    for (name, value) in registration.fields.iter_mut().flatten() {
        if name == "bodyCrc32" {
            "0".clone_into(value);
        }
    }
    for (request, code) in [(registration, 0), (route("T"), 0), (get("n", "k"), 22)] {
        let mut peer = Peer::connect(&server);
        peer.write(&frame_of(request.clone(), 16 * MEBIBYTE));
        assert_eq!(peer.answer().code, code);
        assert_eq!(peer.ask(&cluster_info()).code, 0, "the connection is as good as before");
        // The server need not take all of it.
        let _ = peer.try_write(&frame_of(request, 16 * MEBIBYTE + 1));
        assert_eq!(peer.next(), None);
        assert_eq!(other.ask(&cluster_info()).code, 0);
    }
}

/// A frame that is `bytes` long in all, its body filled up with blanks.
fn frame_of(mut request: Request, bytes: usize) -> Vec<u8> {
    let missing = bytes - request.encode().len();
    request.body.resize(request.body.len() + missing, b' ');
    request.encode()
}

/// When there is little room for more incomplete frames, whoever has the most is refused first: small ones stay, new
/// ones come in, and what a connection held can be used again.
pub(super) fn incomplete_frames_leave_room_for_others(target: &Target) {
    let limits = [
        ("ioThreads", "1"),
        ("com.rocketmq.remoting.frameMaxLength", "1048576"),
        ("incompleteInputBytesMax", "4194304"),
    ];
    let server = target.start(&limits);
    let large = frame_of(route("T"), MEBIBYTE);
    let small = frame_of(route("T"), 2000);
    let (front, back) = small.split_at(1000);
    let open_files = server.open_files() + 1;
    let mut modest = Peer::connect(&server);
    modest.write(front);
    let greedy: Vec<_> = (0..20)
        .map(|_| {
            let mut peer = Peer::connect(&server);
            // It may be closed meanwhile.
            let _ = peer.try_write(&large[..900 * 1024]);
            peer
        })
        .collect();
    server.eventually(|| server.log().contains("no room for more incomplete requests"));
    assert_eq!(Peer::connect(&server).ask(&cluster_info()).code, 0);
    modest.write(back);
    assert_eq!(modest.answer().code, 17);
    drop(greedy);
    server.eventually(|| server.open_files() <= open_files);
    let mut peer = Peer::connect(&server);
    for _ in 0..8 {
        peer.write(&large);
        assert_eq!(peer.answer().code, 17);
    }
}

/// A server that keeps little for a connection: whoever does not read is noticed soon.
const NARROW: (&str, &str) = ("serverSocketSndBufSize", "65536");

/// A peer that asks for much and does not read is not read from either: it costs little, others are served, and when it
/// reads at last it finds every answer, in order.
pub(super) fn a_slow_reader_is_paused(target: &Target) {
    const BROKERS: i64 = 50;
    const KIB_MAX: u64 = 8 * 1024;
    let server = target.start(&[NARROW]);
    let mut brokers = Peer::connect(&server);
    for number in 0..BROKERS {
        assert_eq!(brokers.ask(&broker(&format!("broker-{number}"), 0, &["T"]).request()).code, 0);
    }
    let answer_bytes = brokers.ask(&cluster_info()).body.len();
    let requests = 4 * KIB_MAX as usize * 1024 / answer_bytes;
    let before = server.resident_kib();
    let mut slow = Peer::connect_narrow(&server);
    let mut writer = slow.another();
    let input: Vec<u8> = (0..requests).flat_map(|opaque| cluster_info().opaque(opaque as i32).encode()).collect();
    let writing = thread::spawn(move || writer.write(&input));
    let mut other = Peer::connect(&server);
    for _ in 0..1000 {
        assert_eq!(other.ask(&route("T")).code, 0);
    }
    let used = server.resident_kib().saturating_sub(before);
    assert!(used < KIB_MAX, "{used} KiB wait for a peer that does not read");
    for opaque in 0..requests {
        let answer = slow.answer();
        assert_eq!((answer.opaque, answer.body.len()), (opaque as i32, answer_bytes));
    }
    writing.join().expect("all is written");
}

/// A peer whose unread answers pass the limit is closed, with one line in the log.
pub(super) fn a_reader_that_never_reads_is_closed(target: &Target) {
    const REQUESTS: usize = 60;
    let server = target.start(&[NARROW, ("outputBytesMax", "1048576")]);
    let mut other = Peer::connect(&server);
    assert_eq!(other.ask(&put("n", "k", &"v".repeat(100 * 1024))).code, 0);
    let mut deaf = Peer::connect_narrow(&server);
    deaf.write(&get("n", "k").encode().repeat(REQUESTS));
    let closed = || server.log().lines().filter(|line| line.contains("it does not read its answers")).count();
    server.eventually(|| closed() == 1);
    assert_eq!(other.ask(&get("n", "k")).code, 0);
    let mut answers = 0;
    while deaf.next().is_some() {
        answers += 1;
    }
    assert!(answers < REQUESTS, "what was written by then, not more");
    assert_eq!(closed(), 1);
}

/// A connection beyond the limit is closed at once; when one of the others goes, the next is welcome.
pub(super) fn connections_beyond_the_limit_are_closed(target: &Target) {
    const CONNECTIONS: usize = 10;
    let server = target.start(&[("connectionsMax", "10")]);
    let mut peers: Vec<_> = (0..CONNECTIONS).map(|_| Peer::connect(&server)).collect();
    peers.iter_mut().for_each(|peer| assert_eq!(peer.ask(&cluster_info()).code, 0));
    for _ in 0..CONNECTIONS {
        assert_eq!(Peer::connect(&server).next(), None);
    }
    peers.iter_mut().for_each(|peer| assert_eq!(peer.ask(&cluster_info()).code, 0));
    peers.pop();
    server.eventually(|| served(&server));
    let told = || server.log().lines().filter(|line| line.contains("closed at once")).count();
    server.eventually(|| told() > 0);
    assert_eq!(told(), 1);
}

/// Whether a new connection is answered.
fn served(server: &Process) -> bool {
    let mut peer = Peer::connect(server);
    peer.try_write(&cluster_info().encode()).is_ok() && peer.next().is_some()
}

/// A frame that takes too long in all is closed however steadily its bytes come; a peer that takes as long for whole
/// frames stays.
pub(super) fn a_frame_that_takes_too_long_is_closed(target: &Target) {
    let server = target.start(&[("frameSecondsMax", "1")]);
    let mut slow = Peer::connect(&server);
    let mut steady = Peer::connect(&server);
    let over = AtomicBool::new(false);
    let pause = || thread::sleep(Duration::from_millis(20));
    thread::scope(|scope| {
        let mut writer = slow.another();
        let over = &over;
        scope.spawn(move || {
            for byte in frame_of(route("T"), MEBIBYTE) {
                if over.load(Ordering::Relaxed) || writer.try_write(&[byte]).is_err() {
                    return;
                }
                pause();
            }
        });
        scope.spawn(move || {
            while !over.load(Ordering::Relaxed) {
                assert_eq!(steady.ask(&cluster_info()).code, 0);
                pause();
            }
        });
        let end = slow.next();
        over.store(true, Ordering::Relaxed);
        assert_eq!(end, None);
    });
}
