//! Frames and how they arrive: in pieces, in thousands, or not being frames at all.

use super::Target;
use super::peer::{Peer, broker, cluster_info, get, heartbeat, put, route};
use crate::process::Process;
use crate::request::Request;
use std::thread;

/// A server with one I/O thread, so that an answer on one connection proves that what was sent before on another is
/// read.
const ONE_THREAD: &[(&str, &str)] = &[("ioThreads", "1")];

/// Requests of both header forms, for the session and for the registry, with and without a body, and the codes of their
/// answers.
fn requests() -> Vec<(Request, Option<i32>)> {
    let registration = broker("broker-a", 0, &["T"]);
    vec![
        (registration.request(), Some(0)),
        (route("T"), Some(0)),
        (route("T").binary(), Some(0)),
        (cluster_info(), Some(0)),
        (put("n", "k", "é").binary(), Some(0)),
        (get("n", "k"), Some(0)),
        (heartbeat(&registration).oneway(), None),
        (Request::new(99_999), Some(3)),
    ]
}

/// A frame that arrives in two pieces, cut anywhere, is answered like a whole one.
pub(super) fn cut_at_every_byte(target: &Target) {
    let server = target.start(ONE_THREAD);
    let (mut peer, mut probe) = (Peer::connect(&server), Peer::connect(&server));
    for (request, code) in requests() {
        let frame = request.encode();
        let whole = reaction(&mut peer, &request, |peer| peer.write(&frame));
        assert_eq!(whole.as_ref().map(|(code, _)| *code), code, "code {}", request.code);
        for cut in 1..frame.len() {
            let (front, back) = frame.split_at(cut);
            let pieces = reaction(&mut peer, &request, |peer| {
                peer.write(front);
                settle(&mut probe);
                peer.write(back);
            });
            assert_eq!(pieces, whole, "code {} cut at byte {cut}", request.code);
        }
    }
}

/// Frames that arrive one byte at a time are answered like whole ones, with the next frame right behind.
pub(super) fn byte_by_byte(target: &Target) {
    let server = target.start(ONE_THREAD);
    let (mut peer, mut probe) = (Peer::connect(&server), Peer::connect(&server));
    for (request, code) in requests() {
        let frame = request.encode();
        let whole = reaction(&mut peer, &request, |peer| peer.write(&frame));
        assert_eq!(whole.as_ref().map(|(code, _)| *code), code, "code {}", request.code);
        let pieces = reaction(&mut peer, &request, |peer| {
            for byte in &frame {
                peer.write(&[*byte]);
                settle(&mut probe);
            }
        });
        assert_eq!(pieces, whole, "code {}", request.code);
    }
}

/// Code and body of the answer to a request that is sent as `send` says, and proof that nothing but it came.
fn reaction(peer: &mut Peer, request: &Request, send: impl FnOnce(&mut Peer)) -> Option<(i32, Vec<u8>)> {
    const END: i32 = 77;
    send(peer);
    let answer = (request.flag == 0).then(|| peer.answer());
    peer.send(&Request::new(99_999).opaque(END));
    assert_eq!(peer.answer().opaque, END);
    answer.map(|answer| (answer.code, answer.body))
}

fn settle(probe: &mut Peer) {
    assert_eq!(probe.ask(&Request::new(99_999)).code, 3);
}

/// Ten thousand requests in one write, those that only read and those that change something, are each answered once,
/// with the number that they were sent with.
pub(super) fn ten_thousand_pipelined_requests(target: &Target) {
    const REQUESTS: i32 = 10_000;
    let server = target.start(&[]);
    let _broker = Peer::register(&server, &broker("broker-a", 0, &["T"]));
    let mut peer = Peer::connect(&server);
    let request = |opaque: i32| match opaque % 4 {
        0 => get("n", "absent"),
        1 => cluster_info(),
        2 => route("unknown"),
        _ => route("T"),
    };
    let input: Vec<u8> = (0..REQUESTS).flat_map(|opaque| request(opaque).opaque(opaque).encode()).collect();
    let mut writer = peer.another();
    let writing = thread::spawn(move || writer.write(&input));
    let mut answered = vec![false; REQUESTS as usize];
    for _ in 0..REQUESTS {
        let answer = peer.answer();
        assert_eq!(answer.code, [22, 0, 17, 0][answer.opaque as usize % 4], "{answer:?}");
        let slot = answered.get_mut(answer.opaque as usize).expect("a number that was sent");
        assert!(!std::mem::replace(slot, true), "{} is answered twice", answer.opaque);
    }
    writing.join().expect("all is written");
}

/// A stream of frames that is cut without regard to them, into pieces from one byte to some ten thousand, is answered
/// in full and, where the session answers alone, in order.
pub(super) fn a_stream_in_odd_pieces(target: &Target) {
    let server = target.start(ONE_THREAD);
    let _broker = Peer::register(&server, &broker("broker-a", 0, &["T"]));
    let mut peer = Peer::connect(&server);
    let requests = target.scaled(2000, 20_000) as i32;
    let input: Vec<u8> = (0..requests).flat_map(|opaque| route("T").opaque(opaque).encode()).collect();
    let mut writer = peer.another();
    let writing = thread::spawn(move || {
        let mut rest = input.as_slice();
        for length in [1, 3, 4, 5, 7, 8, 9, 100, 131, 1021, 4096, 16_381].into_iter().cycle() {
            let (piece, later) = rest.split_at(length.min(rest.len()));
            writer.write(piece);
            rest = later;
            if rest.is_empty() {
                return;
            }
        }
    });
    for opaque in 0..requests {
        let answer = peer.answer();
        assert_eq!((answer.code, answer.opaque), (0, opaque));
    }
    writing.join().expect("all is written");
}

/// First bytes of HTTP, of TLS without a handshake and of malformed PROXY headers close their connection with one line
/// in the log.
pub(super) fn other_protocols_are_closed(target: &Target) {
    let server = target.start(&[]);
    let mut good = Peer::connect(&server);
    let others: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x15\x03\x01\0\x02\x02\x28",
        b"\x16\x03\x01\0\0",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 0 2\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0b",
    ];
    for (number, bytes) in others.iter().enumerate() {
        let mut peer = Peer::connect(&server);
        peer.write(bytes);
        peer.expect_end();
        server.eventually(|| closings(&server) == number + 1);
        assert_eq!(good.ask(&cluster_info()).code, 0);
    }
}

fn closings(server: &Process) -> usize {
    server.log().lines().filter(|line| line.contains("closed: ")).count()
}
