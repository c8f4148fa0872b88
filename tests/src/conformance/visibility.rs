//! A reply in hand means that its effect is visible to every other connection, and no answer shows a half state.

use super::Target;
use super::peer::{Peer, broker, get, heartbeat, put, route, unregister};
use crate::plain_json::Json;
use crate::process::Process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// More threads than this machine may have processors, so that connections of one case meet on different ones.
const IO_THREADS: (&str, &str) = ("ioThreads", "4");
/// Connections that look.
const PEERS: usize = 8;

/// Registers on one connection and asks on all others, then unregisters on another one and asks on all, thousands of
/// times.
pub(super) fn a_reply_in_hand_is_visible_everywhere(target: &Target) {
    let server = target.start(&[IO_THREADS]);
    let mut peers: Vec<Peer> = (0..PEERS).map(|_| Peer::connect(&server)).collect();
    let registration = broker("broker-a", 0, &["T"]);
    for round in 0..target.scaled(2000, 50_000) {
        let register = round % 2 == 0;
        let request = if register { registration.request() } else { unregister(&registration) };
        assert_eq!(peers[round % PEERS].ask(&request).code, 0);
        let expected = if register { 0 } else { 17 };
        ask_all(&mut peers, round, expected, |_| route("T"));
    }
}

/// The same for entries of the KV table, whose replies wait for the file.
pub(super) fn a_kv_reply_in_hand_is_visible_everywhere(target: &Target) {
    let server = target.start(&[IO_THREADS]);
    let mut peers: Vec<Peer> = (0..PEERS).map(|_| Peer::connect(&server)).collect();
    for round in 0..target.scaled(100, 2000) {
        let key = format!("key-{round}");
        assert_eq!(peers[round % PEERS].ask(&put("n", &key, "v")).code, 0);
        ask_all(&mut peers, round, 0, |_| get("n", &key));
    }
}

/// Asks on every connection at the same time.
fn ask_all(peers: &mut [Peer], round: usize, expected: i32, request: impl Fn(usize) -> crate::request::Request) {
    for (number, peer) in peers.iter_mut().enumerate() {
        peer.send(&request(number).opaque(number as i32));
    }
    for (number, peer) in peers.iter_mut().enumerate() {
        let answer = peer.answer();
        assert_eq!((answer.opaque, answer.code), (number as i32, expected), "round {round}: {:?}", answer.remark);
    }
}

/// Brokers that register, send heartbeats and unregister on many connections, beside clients that ask all the while:
/// every broker finds itself in the route after it registered and not after it left, and no route names a broker
/// without an address.
pub(super) fn registrations_and_queries_mixed(target: &Target) {
    const BROKERS: usize = 12;
    const CLIENTS: usize = 4;
    let server = target.start(&[IO_THREADS]);
    let rounds = target.scaled(100, 2000);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(|| look(&server, &over))).collect();
        let brokers: Vec<_> = (0..BROKERS)
            .map(|number| {
                scope.spawn({
                    let server = &server;
                    move || come_and_go(server, number, rounds)
                })
            })
            .collect();
        // The clients end even when a broker failed.
        let ends: Vec<_> = brokers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        over.store(true, Ordering::Relaxed);
        let looks: usize = clients.into_iter().map(|client| client.join().expect("no client fails")).sum();
        assert!(ends.iter().all(Result::is_ok), "no broker fails");
        assert!(looks > 0, "clients asked");
    });
    assert_eq!(Peer::connect(&server).ask(&route("shared")).code, 17, "nobody is left");
}

fn come_and_go(server: &Process, number: usize, rounds: usize) {
    let name = format!("broker-{number}");
    let own = format!("topic-{number}");
    let registration = broker(&name, 0, &["shared", &own]);
    let (mut peer, mut other) = (Peer::connect(server), Peer::connect(server));
    for _ in 0..rounds {
        assert_eq!(peer.ask(&registration.request()).code, 0);
        assert!(names_of(&other.ask(&route("shared")).text()).0.contains(&name));
        assert_eq!(other.ask(&route(&own)).code, 0);
        assert_eq!(peer.ask(&heartbeat(&registration)).code, 0);
        assert_eq!(peer.ask(&unregister(&registration)).code, 0);
        assert_eq!(other.ask(&route(&own)).code, 17);
    }
}

/// Asks until it is over and returns how often that was.
fn look(server: &Process, over: &AtomicBool) -> usize {
    let mut peer = Peer::connect(server);
    let mut asked = 0;
    while !over.load(Ordering::Relaxed) {
        let answer = peer.ask(&route("shared"));
        asked += 1;
        if answer.code == 17 {
            continue;
        }
        assert_eq!(answer.code, 0);
        let (queues, addresses) = names_of(&answer.text());
        assert_eq!(queues, addresses, "those with queues and those with an address");
        assert!(!queues.is_empty());
    }
    asked
}

/// The broker names of a route: those that have queues, and those that have an address, each in order.
fn names_of(route: &str) -> (Vec<String>, Vec<String>) {
    let route = Json::parse(route).expect("a route");
    let names = |member: &str| {
        let elements = route.member(member).map(Json::elements).unwrap_or_default();
        let names = elements.iter().filter_map(|element| element.member("brokerName"));
        let mut names: Vec<_> = names.map(|name| name.scalar().to_owned()).collect();
        names.sort();
        names
    };
    (names("queueDatas"), names("brokerDatas"))
}
