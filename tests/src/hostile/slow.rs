//! Peers that begin and do not end: what is incomplete costs what was sent, and gives way to what is complete.

use super::siege::{Episode, Siege};
use crate::peer::{Crowd, Peer, broker, cluster_info, route};
use crate::request::Request;
use crate::tls::{Version, client};
use crate::transport::outgoing;

const MEBIBYTE: usize = 1024 * 1024;

pub(super) fn episodes() -> Vec<Episode> {
    vec![
        Episode::new("headers_byte_by_byte", 4, |siege| drip(siege, &route("T"), 8)),
        Episode::new("bodies_byte_by_byte", 4, |siege| drip(siege, &broker("broker-slow", 0, &["S"]).request(), 400))
            .lines(100),
        Episode::new("a_thousand_lengths_that_are_cut", 8, |siege| hold(siege, &[0, 0, 1])),
        Episode::new("a_thousand_half_frames", 16, |siege| hold(siege, &half_a_registration())),
        Episode::new("a_thousand_announcements_of_16_mebibytes", 16, |siege| {
            hold(siege, &[&[0, 0xff, 0xff, 0xfc, 0, 0, 1, 0][..], &[b' '; 92]].concat());
        }),
        Episode::new("a_thousand_headers_of_16_mebibytes_announced", 16, |siege| {
            hold(siege, &[&[0, 0xff, 0xff, 0xfc, 0, 0xff, 0xff, 0xf0][..], b"{\"a\":\""].concat());
        }),
        Episode::new("thousands_of_cut_proxy_headers_and_handshakes", 96, begin).lines(12).lines_a_second(11),
        Episode::new("two_thousand_that_say_nothing", 24, |siege| hold(siege, b"")),
        Episode::new("a_thousand_that_end_their_side", 16, end_in_the_middle),
        Episode::new("a_thousand_that_reset_in_the_middle", 16, reset_in_the_middle),
        Episode::new("frames_without_their_last_byte", 48, |siege| fill(siege, MEBIBYTE - 1, MEBIBYTE, 64))
            .with("incompleteInputBytesMax", "33554432")
            .with("com.rocketmq.remoting.frameMaxLength", "1048576")
            .lines_a_second(11),
        Episode::new("half_frames_of_16_mebibytes", 96, |siege| fill(siege, 8 * MEBIBYTE, 16 * MEBIBYTE, 24))
            .with("incompleteInputBytesMax", "67108864")
            .lines_a_second(11),
        Episode::new("hoarders_keep_no_registration_out", 64, register_beside_hoarders)
            .with("ioThreads", "16")
            .with("incompleteInputBytesMax", "33554432")
            .lines(40)
            .lines_a_second(11),
    ]
}

fn half_a_registration() -> Vec<u8> {
    let names: Vec<_> = (0..20).map(|number| format!("half-{number}")).collect();
    let mut frame = broker("broker-half", 0, &names).request().encode();
    frame.truncate(frame.len() / 2);
    frame
}

/// Many connections that send the rest of their frame byte by byte, `step` bytes at a time, in turn. All are answered.
fn drip(siege: &Siege<'_>, request: &Request, step: usize) {
    let frame = request.encode();
    let mut peers = siege.peers(50);
    let (quick, slow) = frame.split_at(frame.len().saturating_sub(40 * step));
    peers.iter_mut().for_each(|peer| peer.write(quick));
    for piece in slow.chunks(step) {
        peers.iter_mut().for_each(|peer| peer.write(piece));
    }
    peers.iter_mut().for_each(|peer| assert_eq!(peer.answer().code, 0));
}

/// A thousand connections that send the front of a frame and fall silent. Nobody is closed for it.
fn hold(siege: &Siege<'_>, front: &[u8]) {
    let crowd = Crowd::gather(if front.is_empty() { 2000 } else { 1000 });
    let open_files = siege.server.open_files();
    let mut peers = siege.peers(crowd.connections);
    peers.iter_mut().for_each(|peer| peer.write(front));
    siege.server.eventually(|| siege.server.open_files() >= open_files + peers.len());
    let mut other = siege.peer();
    (0..100).for_each(|_| assert_eq!(other.ask(&cluster_info()).code, 0));
    assert!(siege.server.open_files() >= open_files + peers.len(), "nobody has to go for it");
}

/// A thousand connections for each thing that has to be complete within ten seconds begin it and fall silent: all are
/// closed.
fn begin(siege: &Siege<'_>) {
    let [hello_12, hello_13] = Version::ALL.map(|version| outgoing(&mut client(version)));
    let proxy_version_2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff";
    let fronts = [b"PROXY TCP4 192.0.2.1 ", &proxy_version_2[..], &hello_13[..100], &hello_12, &hello_13];
    let crowd = Crowd::gather(1000 * fronts.len());
    let open_files = siege.server.open_files();
    let mut peers = siege.peers(crowd.connections);
    peers.iter_mut().zip(fronts.iter().cycle()).for_each(|(peer, front)| peer.write(front));
    let mut other = siege.peer();
    (0..100).for_each(|_| assert_eq!(other.ask(&cluster_info()).code, 0));
    siege.server.eventually(|| siege.server.open_files() <= open_files + 1);
}

/// They hear nothing but the end.
fn end_in_the_middle(siege: &Siege<'_>) {
    let front = half_a_registration();
    let _crowd = Crowd::gather(1000);
    let mut peers = siege.peers(1000);
    for peer in &mut peers {
        peer.write(&front);
        peer.end();
    }
    peers.iter_mut().for_each(|peer| assert_eq!(peer.next(), None));
}

fn reset_in_the_middle(siege: &Siege<'_>) {
    let front = half_a_registration();
    for peers in [100; 10] {
        let mut peers = siege.peers(peers);
        peers.iter_mut().for_each(|peer| peer.write(&front));
        peers.into_iter().for_each(Peer::reset);
    }
}

/// Connections that send so much of a frame of `total` bytes and nothing after it: there is no room for all of them.
fn fill(siege: &Siege<'_>, bytes: usize, total: usize, count: usize) {
    let _hoarders = hoard(siege, bytes, total, count);
    siege.server.eventually(|| siege.server.log().contains("no room for more incomplete requests"));
    let mut fresh = siege.peer();
    fresh.write(&half_a_registration());
    assert_eq!(siege.peer().ask(&cluster_info()).code, 0);
}

/// Each may be closed meanwhile.
fn hoard(siege: &Siege<'_>, bytes: usize, total: usize, count: usize) -> Vec<Peer> {
    let mut frame = route("T").encode();
    frame.resize(bytes, b' ');
    frame[..4].copy_from_slice(&(total as u32 - 4).to_be_bytes());
    let mut peers = siege.peers(count);
    for peer in &mut peers {
        let _ = peer.try_write(&frame);
    }
    peers
}

/// While some few keep all the room there is, brokers register with tables that do not fit into one read, whichever
/// thread they come to.
fn register_beside_hoarders(siege: &Siege<'_>) {
    let names: Vec<_> = (0..2000).map(|number| format!("topic-{number}")).collect();
    let _hoarders = hoard(siege, 16 * MEBIBYTE - 1, 16 * MEBIBYTE, 4);
    siege.server.eventually(|| siege.server.log().contains("no room for more incomplete requests"));
    for number in 0..16 {
        let mut peer = siege.peer();
        let frame = broker(&format!("broker-{number}"), 0, &names).request().encode();
        let (front, back) = frame.split_at(frame.len() - 100);
        peer.write(front);
        // It has been read when this is answered over any other connection, as far as that can be told.
        assert_eq!(siege.peer().ask(&cluster_info()).code, 0);
        peer.write(back);
        assert_eq!(peer.next().map(|answer| answer.code), Some(0), "broker {number} registers");
    }
}
