//! Peers that ask and do not read: what waits for them is bounded, for each and for all together.

use super::siege::{Episode, Siege};
use crate::peer::{Crowd, Peer, broker, cluster_info, get, put, route};
use crate::request::Request;

const MEBIBYTE: usize = 1024 * 1024;

/// All unread answers together, in cases that reach it.
const TOGETHER: (&str, &str) = ("unreadOutputBytesMax", "16777216");

/// A server that keeps little in its sockets.
const NARROW: (&str, &str) = ("serverSocketSndBufSize", "65536");

pub(super) fn episodes() -> Vec<Episode> {
    let narrow = |episode: Episode| episode.with(NARROW.0, NARROW.1);
    let together = |episode: Episode| narrow(episode).with(TOGETHER.0, TOGETHER.1).lines(110).lines_a_second(22);
    vec![
        narrow(Episode::new("routes", 16, |siege| never_read(siege, &route("T"), 20, 20_000))),
        narrow(Episode::new("answers_of_the_registry", 16, |siege| never_read(siege, &get("n", "k"), 20, 5000))),
        narrow(Episode::new("remarks_of_a_megabyte", 96, |siege| {
            never_read(siege, &route(&"x".repeat(MEBIBYTE)), 20, 10)
        })),
        together(Episode::new("large_values_by_one", 64, |siege| large_values(siege, 1))),
        together(Episode::new("large_values_by_eight", 96, |siege| large_values(siege, 8))),
        together(Episode::new("lists_of_all_topics_by_two_hundred", 192, topic_lists)),
        together(Episode::new("cluster_information_by_two_hundred", 192, cluster_informations)),
        together(Episode::new("the_configuration_by_twenty", 96, configurations)),
        narrow(Episode::new("half_closed_without_reading", 64, half_closed)),
        narrow(Episode::new("reset_without_reading", 16, reset)),
    ]
}

/// Connections that ask for much, as long as the server reads, and read nothing.
fn never_read(siege: &Siege<'_>, request: &Request, peers: usize, requests: usize) {
    let _peers = ask_without_reading(siege, request, peers, requests);
    let mut other = siege.peer();
    (0..500).for_each(|_| assert_eq!(other.ask(&cluster_info()).code, 0));
}

fn ask_without_reading(siege: &Siege<'_>, request: &Request, peers: usize, requests: usize) -> Vec<Peer> {
    let frame = request.encode();
    let input = frame.repeat(requests.min(4 * MEBIBYTE / frame.len()).max(2));
    let mut peers: Vec<_> = (0..peers).map(|_| Peer::connect_narrow(&siege.server)).collect();
    // The server stops to read at some time.
    peers.iter_mut().for_each(|peer| peer.write_what_fits(&input));
    peers
}

/// Waits until the server has handled what it took, as far as that shows: another client is answered many times.
fn settle(siege: &Siege<'_>) {
    let mut other = siege.peer();
    for _ in 0..300 {
        assert_eq!(other.ask(&get("absent", "k")).code, 22);
    }
}

fn large_values(siege: &Siege<'_>, peers: usize) {
    assert_eq!(siege.peer().ask(&put("n", "k", &"v".repeat(MEBIBYTE / 4))).code, 0);
    let _peers = ask_without_reading(siege, &get("n", "k"), peers, 64);
    settle(siege);
}

fn topic_lists(siege: &Siege<'_>) {
    let names: Vec<_> = (0..10_000).map(|number| format!("a-topic-with-a-name-{number}")).collect();
    let _broker = Peer::register(&siege.server, &broker("broker-topics", 0, &names));
    let _crowd = Crowd::gather(200);
    let _peers = ask_without_reading(siege, &Request::new(206), 200, 60);
    settle(siege);
}

fn cluster_informations(siege: &Siege<'_>) {
    let name = "b".repeat(200_000);
    let mut brokers = siege.peer();
    for number in 0..10 {
        brokers.ask(&broker(&format!("{number}{name}"), 0, &["C"]).request());
    }
    let _crowd = Crowd::gather(200);
    let _peers = ask_without_reading(siege, &cluster_info(), 200, 60);
    settle(siege);
}

fn configurations(siege: &Siege<'_>) {
    let change = Request::new(318).body(format!("productEnvName={}", "x".repeat(MEBIBYTE)));
    assert_eq!(siege.peer().ask(&change).code, 0);
    let _peers = ask_without_reading(siege, &Request::new(319), 20, 40);
    settle(siege);
}

fn half_closed(siege: &Siege<'_>) {
    let peers = ask_without_reading(siege, &cluster_info(), 100, 2000);
    peers.iter().for_each(Peer::end);
    settle(siege);
}

fn reset(siege: &Siege<'_>) {
    for _ in 0..siege.scaled(5, 50) {
        ask_without_reading(siege, &get("n", "k"), 20, 500).into_iter().for_each(Peer::reset);
        settle(siege);
    }
}
