//! Much at once, and what it costs: times and sizes are reported and not judged.

use super::Target;
use super::peer::{Peer, broker, cluster_info, route, unregister};
use crate::process::Process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A broker with 200,000 topics registers, with the limit of frames raised, while clients ask for the route of another
/// (apache/rocketmq 5296).
pub(super) fn two_hundred_thousand_topics(target: &Target) {
    const CLIENTS: usize = 2;
    let server = target.start(&[("com.rocketmq.remoting.frameMaxLength", "67108864")]);
    let _small = Peer::register(&server, &broker("broker-small", 0, &["T"]));
    let names: Vec<String> = (0..200_000).map(|number| format!("large-topic-{number:06}")).collect();
    let registration = broker("broker-large", 0, &names);
    let frame = registration.request().encode();
    let mut peer = Peer::connect(&server);
    let over = AtomicBool::new(false);
    let (took, mut latencies) = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(|| ask_until(&server, &over))).collect();
        let start = Instant::now();
        peer.write(&frame);
        let code = peer.answer().code;
        let took = start.elapsed();
        over.store(true, Ordering::Relaxed);
        assert_eq!(code, 0);
        (took, clients.into_iter().flat_map(|client| client.join().expect("all are answered")).collect::<Vec<_>>())
    });
    let mut client = Peer::connect(&server);
    for topic in ["large-topic-000000", "large-topic-199999", "T"] {
        assert_eq!(client.ask(&route(topic)).code, 0, "{topic}");
    }
    target.figure("registration of 200,000 topics", &format!("{} bytes in {} ms", frame.len(), took.as_millis()));
    target.figure("p99 of queries during it", &p99(&mut latencies));
    assert_eq!(peer.ask(&unregister(&registration)).code, 0);
    assert_eq!(client.ask(&route("large-topic-199999")).code, 17);
}

/// A broker whose table does not fit into a frame is named in the log, with the key that raises the limit
/// (apache/rocketmq 5296).
pub(super) fn a_table_over_the_limit_is_named(target: &Target) {
    let server = target.start(&[]);
    let names: Vec<String> = (0..100_000).map(|number| format!("large-topic-{number:06}")).collect();
    let frame = broker("broker-large", 0, &names).request().encode();
    let mut peer = Peer::connect(&server);
    let address = peer.local_address();
    let line = format!(
        "connection closed: a frame of {} bytes is over the limit of 16777216, which \
         com.rocketmq.remoting.frameMaxLength raises peer={address}",
        frame.len()
    );
    // The length is enough: the server does not read the rest.
    peer.write(&frame[..8]);
    assert!(peer.next().is_none());
    server.eventually(|| server.log().contains(&line));
}

/// Many brokers of one cluster register the same many topics while clients ask. Every route is whole; what it costs is
/// a figure.
pub(super) fn many_brokers_with_many_topics(target: &Target) {
    let (brokers, topics) = (target.scaled(100, 300), target.scaled(500, 10_000));
    let server = target.start(&[]);
    let names: Vec<String> = (0..topics).map(|number| format!("topic-{number:05}")).collect();
    let _first = Peer::register(&server, &broker("broker-first", 0, &["T"]));
    let before = server.resident_kib();
    let over = AtomicBool::new(false);
    let start = Instant::now();
    let (peers, mut latencies) = thread::scope(|scope| {
        let client = scope.spawn(|| ask_until(&server, &over));
        let register = |number| Peer::register(&server, &broker(&format!("broker-{number:03}"), 0, &names));
        let peers: Vec<_> = (0..brokers).map(register).collect();
        over.store(true, Ordering::Relaxed);
        (peers, client.join().expect("all are answered"))
    });
    let took = start.elapsed().as_millis();
    let grown = server.resident_kib().saturating_sub(before);
    let mut client = Peer::connect(&server);
    for name in &names {
        let answer = client.ask(&route(name));
        assert_eq!((answer.code, answer.text().matches("brokerAddrs").count()), (0, peers.len()), "{name}");
    }
    target.figure(&format!("{brokers} brokers with {topics} topics each"), &format!("{grown} KiB in {took} ms"));
    target.figure("p99 of queries while they register", &p99(&mut latencies));
}

/// Asks on one connection until it is over; how long each answer took.
fn ask_until(server: &Process, over: &AtomicBool) -> Vec<Duration> {
    let mut peer = Peer::connect(server);
    let mut latencies = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let start = Instant::now();
        assert_eq!(peer.ask(&route("T")).code, 0);
        latencies.push(start.elapsed());
    }
    latencies
}

fn p99(latencies: &mut [Duration]) -> String {
    latencies.sort_unstable();
    let p99 = latencies.get(latencies.len() * 99 / 100).copied().unwrap_or_default();
    format!("{} µs of {} queries", p99.as_micros(), latencies.len())
}

/// Peers that ask now and then are answered while others send as fast as they can.
pub(super) fn quiet_peers_are_served_beside_busy_ones(target: &Target) {
    const BUSY: usize = 4;
    const BATCH: usize = 1000;
    let server = target.start(&[]);
    let _broker = Peer::register(&server, &broker("broker-a", 0, &["T"]));
    let over = AtomicBool::new(false);
    let mut latencies = thread::scope(|scope| {
        for _ in 0..BUSY {
            let mut peer = Peer::connect(&server);
            let over = &over;
            scope.spawn(move || {
                let batch = route("T").encode().repeat(BATCH);
                while !over.load(Ordering::Relaxed) {
                    peer.write(&batch);
                    (0..BATCH).for_each(|_| assert_eq!(peer.answer().code, 0));
                }
            });
        }
        let mut quiet = Peer::connect(&server);
        let ask = |_| {
            let start = Instant::now();
            assert_eq!(quiet.ask(&cluster_info()).code, 0);
            start.elapsed()
        };
        let latencies = (0..target.scaled(500, 10_000)).map(ask).collect::<Vec<_>>();
        over.store(true, Ordering::Relaxed);
        latencies
    });
    target.figure("p99 of a quiet peer beside busy ones", &p99(&mut latencies));
}

/// Start to listening, memory and threads of a server that nobody talks to.
pub(super) fn figures_of_a_fresh_server(target: &Target) {
    let start = Instant::now();
    let server = target.start(&[]);
    target.figure("start to listening", &format!("{} ms", start.elapsed().as_millis()));
    target.figure("memory of a fresh server", &format!("{} KiB", server.resident_kib()));
    target.figure("threads of a fresh server", &server.threads().to_string());
    assert_eq!(Peer::connect(&server).ask(&cluster_info()).code, 0);
}
