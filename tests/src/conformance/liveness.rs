//! Which brokers are there: those that are heard from over a connection that lives.

use super::Target;
use super::peer::{Peer, broker, heartbeat, route};
use crate::answer::Answer;
use crate::plain_json::Json;
use crate::process::Process;
use rustix::process::Signal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Many brokers over many connections: all of them are in one answer, and all are gone when their connections are.
pub(super) fn brokers_come_and_go(target: &Target) {
    const BROKERS: usize = 32;
    let server = target.start(&[]);
    let peers: Vec<_> = (0..BROKERS)
        .map(|number| Peer::register(&server, &broker(&format!("broker-{number}"), 0, &["T", "U"])))
        .collect();
    let mut client = Peer::connect(&server);
    assert_eq!(brokers_of(&client.ask(&route("T"))), BROKERS);
    for mut peer in peers {
        peer.end();
        assert_eq!(peer.next(), None);
    }
    server.eventually(|| client.ask(&route("T")).code == 17);
}

/// A connection that ends takes every broker with it that registered over it, and nobody else.
pub(super) fn a_lost_connection_loses_all_its_brokers(target: &Target) {
    const BROKERS: usize = 5;
    for reset in [false, true] {
        let server = target.start(&[]);
        let mut shared = Peer::connect(&server);
        for number in 0..BROKERS {
            assert_eq!(shared.ask(&broker(&format!("broker-{number}"), 0, &["T"]).request()).code, 0);
        }
        let _alone = Peer::register(&server, &broker("broker-z", 0, &["T"]));
        let mut client = Peer::connect(&server);
        assert_eq!(brokers_of(&client.ask(&route("T"))), BROKERS + 1);
        if reset {
            shared.reset()
        } else {
            drop(shared)
        }
        server.eventually(|| brokers_of(&client.ask(&route("T"))) == 1);
        server.eventually(|| lost(&server) >= BROKERS);
        assert_eq!(lost(&server), BROKERS, "one line for each broker");
    }
}

/// While others keep the queue of the registry full, brokers vanish, half of them the rude way: every one of them is
/// lost, once, and nobody else is.
pub(super) fn lost_connections_are_not_missed_under_load(target: &Target) {
    const BUSY: usize = 4;
    const STAYING: usize = 8;
    let vanishing = target.scaled(200, 2000);
    let server = target.start(&[("registryQueueRequestsMax", "2"), ("ioThreads", "2")]);
    let register = |number: usize| Peer::register(&server, &broker(&format!("broker-{number:04}"), 0, &["T"]));
    let peers: Vec<_> = (0..vanishing).map(register).collect();
    let _staying: Vec<_> = (vanishing..vanishing + STAYING).map(register).collect();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for number in 0..BUSY {
            let mut peer = Peer::connect(&server);
            let frames = tables_without_news(number).repeat(20);
            let over = &over;
            scope.spawn(move || while !over.load(Ordering::Relaxed) && peer.try_write(&frames).is_ok() {});
        }
        let mut client = Peer::connect(&server);
        server.eventually(|| client.ask(&route("busy")).code == 0);
        for (number, peer) in peers.into_iter().enumerate() {
            if number % 2 == 0 {
                peer.reset();
            }
        }
        server.eventually(|| brokers_of(&client.ask(&route("T"))) == STAYING);
        over.store(true, Ordering::Relaxed);
    });
    server.eventually(|| lost(&server) >= vanishing + BUSY);
    assert_eq!(lost(&server), vanishing + BUSY, "one line for each broker, the busy ones included");
}

/// Two one-way registrations of a broker with many topics. None repeats the one before, so each is read in full, and
/// none has anything new, so none is told.
fn tables_without_news(number: usize) -> Vec<u8> {
    let topics: Vec<_> = (0..300).map(|topic| format!("topic-{topic}")).chain(["busy".to_owned()]).collect();
    let registration = broker(&format!("busy-{number}"), 0, &topics);
    let body = registration.json_body();
    let frame = |number: usize| {
        let mut request = registration.request().oneway();
        request.fields.iter_mut().flatten().filter(|(name, _)| name == "bodyCrc32").for_each(|(_, checksum)| {
            *checksum = "0".to_owned();
        });
        request.body(body.replacen('{', &format!("{{\"number\":{number},"), 1)).encode()
    };
    [frame(0), frame(1)].concat()
}

fn lost(server: &Process) -> usize {
    server.log().lines().filter(|line| line.contains("connection lost")).count()
}

/// A silent broker expires after the time that it asked for, and its connection is closed; one that sends heartbeats
/// lives on, for more than twice the time that it asked for.
pub(super) fn silent_brokers_expire_and_others_stay(target: &Target) {
    let server = target.start(&[]);
    let mut alive = broker("alive", 0, &["T"]);
    alive.timeout = Some(2000);
    let mut silent = broker("silent", 0, &["T", "S"]);
    silent.timeout = Some(4500);
    let mut alive_peer = Peer::register(&server, &alive);
    let mut silent_peer = Peer::register(&server, &silent);
    let mut client = Peer::connect(&server);
    server.eventually(|| {
        assert_eq!(alive_peer.ask(&heartbeat(&alive)).code, 0);
        thread::sleep(Duration::from_millis(20));
        let brokers = client.ask(&route("T"));
        assert!(brokers.text().contains("alive"), "{}", server.log());
        client.ask(&route("S")).code == 17
    });
    assert_eq!(brokers_of(&client.ask(&route("T"))), 1);
    assert_eq!(silent_peer.next(), None);
    assert_eq!(alive_peer.ask(&route("T")).code, 0);
}

/// A server that was stopped for longer than the brokers' timeouts evicts none that went on sending, although it has
/// much to read before it finds their heartbeats; one that is silent still expires.
pub(super) fn a_server_that_was_stopped_evicts_nobody(target: &Target) {
    const BROKERS: usize = 8;
    const TIMEOUT: i64 = 2000;
    const STOPPED: Duration = Duration::from_secs(5);
    let server = target.start(&[]);
    let over = AtomicBool::new(false);
    let mut silent = broker("silent", 0, &["S"]);
    silent.timeout = Some(TIMEOUT);
    thread::scope(|scope| {
        for number in 0..BROKERS {
            let mut registration = broker(&format!("broker-{number}"), 0, &["T"]);
            registration.timeout = Some(TIMEOUT);
            let mut peer = Peer::register(&server, &registration);
            let mut signs = route("T").oneway().encode().repeat(20);
            signs.extend(heartbeat(&registration).oneway().encode());
            let over = &over;
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) && peer.try_write(&signs).is_ok() {
                    thread::sleep(Duration::from_millis(50));
                }
            });
        }
        let _silent = Peer::register(&server, &silent);
        let mut client = Peer::connect(&server);
        server.freeze();
        thread::sleep(STOPPED);
        server.signal(Signal::CONT);
        let mut fewest = BROKERS;
        server.eventually(|| {
            fewest = fewest.min(brokers_of(&client.ask(&route("T"))));
            client.ask(&route("S")).code == 17
        });
        over.store(true, Ordering::Relaxed);
        assert_eq!(fewest, BROKERS, "{}", server.log());
    });
}

/// How many brokers a route names.
fn brokers_of(answer: &Answer) -> usize {
    let route = Json::parse(&answer.text()).ok();
    route.as_ref().and_then(|route| route.member("brokerDatas")).map_or(0, |brokers| brokers.elements().len())
}
