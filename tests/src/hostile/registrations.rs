//! Registrations by those who are no brokers: the tables stay within their bound, honest brokers stay in them.

use super::floods::colliding;
use super::siege::{Episode, Siege};
use crate::peer::{Crowd, Peer, broker, cluster_info, route, unregister};
use crate::registration::{Registration, Topic, Version};
use crate::request::Request;
use crate::step::register_topic;
use std::thread;

/// A small table of everything, in cases that fill it.
const SMALL: (&str, &str) = ("registryBytesMax", "16777216");

/// Lines that changes of one kind may take a second.
const LINES: usize = 11;

pub(super) fn episodes() -> Vec<Episode> {
    let small = |episode: Episode| episode.with(SMALL.0, SMALL.1);
    vec![
        small(Episode::new("of_new_topics_for_ever", 64, new_topics)).lines(80).lines_a_second(LINES),
        small(Episode::new("of_new_brokers_for_ever", 64, new_brokers)).lines(1010).lines_a_second(LINES),
        small(Episode::new("of_one_broker_under_all_numbers", 64, new_ids)).lines(1010).lines_a_second(LINES),
        small(Episode::new("of_a_long_name_with_many_queue_values", 64, queue_values)).lines(4).lines_a_second(LINES),
        small(Episode::new("of_topics_by_request", 64, topics_by_request)).lines(1010).lines_a_second(LINES),
        Episode::new("three_hundred_large_at_once", 256, large_at_once).lines(610),
        Episode::new("of_names_that_collide_in_java", 64, colliding_names).lines(2),
        Episode::new("without_topics", 16, refused).lines(20).lines_a_second(LINES),
        Episode::new("with_another_version_each_time", 16, versions).lines(1010).lines_a_second(LINES),
        Episode::new("come_and_gone", 16, come_and_gone).lines(1010).lines_a_second(LINES),
        Episode::new("taken_from_each_other", 16, fight_for_a_name).lines(1010).lines_a_second(LINES),
        Episode::new("taken_back_by_a_stranger", 16, strangers).lines(1010).lines_a_second(LINES),
        Episode::new("wiped_and_restored", 16, permissions).lines(110).lines_a_second(LINES),
        Episode::new("with_numbers_at_the_edges", 16, edges).lines(500).lines_a_second(LINES),
        Episode::new("deleted_topics_for_ever", 16, deletions).lines(220).lines_a_second(2 * LINES),
    ]
}

/// Sends requests over one connection with many on their way. Returns how many were answered with success.
fn flood(peer: &mut Peer, count: usize, request: impl Fn(usize) -> Request + Sync) -> usize {
    peer.flood(count, request).into_iter().filter(|code| *code == 0).count()
}

fn version(mut registration: Registration, counter: usize) -> Registration {
    registration.version = Some(Version::counter(counter as i64));
    registration
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}-{number}")).collect()
}

/// One broker whose table has other topics each time: none of the earlier ones goes. At last it is refused.
fn new_topics(siege: &Siege<'_>) {
    let count = siege.scaled(60, 500);
    let request = |round: usize| version(broker("broker-new", 0, &names(&round.to_string(), 2000)), round).request();
    let taken = flood(&mut siege.peer(), count, request);
    assert!(taken > 10 && taken < count, "{taken} fit");
}

fn new_brokers(siege: &Siege<'_>) {
    let count = siege.scaled(10_000, 50_000);
    let name = "b".repeat(4000);
    let request = |number: usize| broker(&format!("{name}{number}"), 0, &[number.to_string()]).request();
    let taken = flood(&mut siege.peer(), count, request);
    assert!(taken < count, "all fit");
}

fn new_ids(siege: &Siege<'_>) {
    let count = siege.scaled(3000, 20_000);
    let taken = flood(&mut siege.peer(), count, |number| broker("broker-many", number as i64, &["M"]).request());
    assert!(taken > 100, "{taken} fit");
}

/// What routes show of a topic is kept once for each distinct set of numbers, with the broker's name in it.
fn queue_values(siege: &Siege<'_>) {
    let topics: Vec<_> = (0..5000).map(|number| Topic { perm: number, ..Topic::new(&number.to_string()) }).collect();
    let register = |name: &str| {
        let registration = Registration { topics: Some(topics.clone()), ..Registration::new(name, 0) };
        siege.peer().ask(&registration.request()).code
    };
    register(&"b".repeat(100_000));
    assert_eq!(register("broker-values"), 0);
}

fn topics_by_request(siege: &Siege<'_>) {
    let count = siege.scaled(5000, 50_000);
    let long = "t".repeat(8000);
    let mut peer = siege.peer();
    peer.flood(count, |number| register_topic(&format!("{long}{number}"), &["broker-honest"]));
    assert_eq!(peer.ask(&route(&format!("{long}{}", count - 1))).code, 17, "there is no room for the last one");
    siege.server.eventually(|| peer.ask(&cluster_info()).code == 0);
}

fn large_at_once(siege: &Siege<'_>) {
    let _crowd = Crowd::gather(300);
    let names = names("large", siege.scaled(1000, 5000));
    let frames: Vec<_> =
        (0..300).map(|number| broker(&format!("broker-{number}"), 0, &names).request().encode()).collect();
    let mut peers = siege.peers(300);
    thread::scope(|scope| {
        for (peers, frames) in peers.chunks_mut(75).zip(frames.chunks(75)) {
            scope.spawn(move || {
                peers.iter_mut().zip(frames).for_each(|(peer, frame)| peer.write(frame));
                peers.iter_mut().for_each(|peer| assert_eq!(peer.answer().code, 0));
            });
        }
    });
    assert_eq!(siege.peer().ask(&route("large-0")).code, 0);
    drop(peers);
    siege.server.eventually(|| siege.peer().ask(&route("large-0")).code == 17);
}

fn colliding_names(siege: &Siege<'_>) {
    let _peer = Peer::register(&siege.server, &broker("broker-collide", 0, &colliding(13)));
    assert_eq!(siege.peer().ask(&route(&"Aa".repeat(13))).code, 0);
}

fn refused(siege: &Siege<'_>) {
    let request = |number: usize| Request::new(103).field("brokerName", number).body("{}");
    assert_eq!(flood(&mut siege.peer(), siege.scaled(20_000, 100_000), request), 0);
}

fn versions(siege: &Siege<'_>) {
    let count = siege.scaled(5000, 50_000);
    let request = |number| version(broker("broker-restless", 0, &["T", "U"]), number).request();
    assert_eq!(flood(&mut siege.peer(), count, request), count);
}

fn come_and_gone(siege: &Siege<'_>) {
    let registration = broker("broker-flicker", 0, &["F"]);
    let requests = [registration.request(), unregister(&registration)];
    let count = siege.scaled(6000, 50_000);
    assert_eq!(flood(&mut siege.peer(), count, |number| requests[number % 2].clone()), count);
}

/// Two that claim to be the same broker.
fn fight_for_a_name(siege: &Siege<'_>) {
    let requests = ["a:1", "b:2"].map(|address| {
        let mut registration = broker("broker-disputed", 0, &["D"]);
        registration.address = Some(address.to_owned());
        registration.request()
    });
    let count = siege.scaled(6000, 50_000);
    assert_eq!(flood(&mut siege.peer(), count, |number| requests[number % 2].clone()), count);
}

/// Somebody who unregisters the brokers of others; they come back with their next registration.
fn strangers(siege: &Siege<'_>) {
    let victim = broker("broker-victim", 0, &["V"]);
    let mut own = Peer::register(&siege.server, &victim);
    let count = siege.scaled(3000, 50_000);
    assert_eq!(flood(&mut siege.peer(), count, |_| unregister(&victim)), count);
    assert_eq!(own.ask(&route("V")).code, 17);
    assert_eq!(own.ask(&victim.request()).code, 0);
    assert_eq!(own.ask(&route("V")).code, 0);
}

fn permissions(siege: &Siege<'_>) {
    let _victim = Peer::register(&siege.server, &broker("broker-victim", 0, &names("V", 50)));
    let request = |number: usize| {
        Request::new(if number.is_multiple_of(2) { 205 } else { 327 }).field("brokerName", "broker-victim")
    };
    let count = siege.scaled(6000, 50_000);
    assert_eq!(flood(&mut siege.peer(), count, request), count);
}

fn edges(siege: &Siege<'_>) {
    let edges = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::from(i32::MAX) + 1, i64::MAX - 1, i64::MAX];
    for (number, edge) in edges.into_iter().enumerate() {
        let mut registration = broker(&format!("broker-{number}"), edge, &["E"]);
        registration.timeout = Some(edge);
        registration.version = Some(Version { state: edge, counter: edge, timestamp: edge });
        registration.topics.iter_mut().flatten().for_each(|topic| {
            topic.read_queues = if edge < 0 { i32::MIN } else { i32::MAX };
            topic.perm = i32::MIN;
            topic.flags = i32::MAX;
        });
        for request in [registration.request(), registration.request().binary(), unregister(&registration)] {
            // Its timeout may be over already, and then its connection is closed.
            assert_eq!(siege.peer().ask(&request).code, 0, "{edge}");
        }
        assert_eq!(siege.peer().ask(&cluster_info()).code, 0);
    }
}

fn deletions(siege: &Siege<'_>) {
    let requests = [register_topic("D", &["broker-honest"]), Request::new(216).field("topic", "D")];
    let count = siege.scaled(6000, 50_000);
    assert_eq!(flood(&mut siege.peer(), count, |number| requests[number % 2].clone()), count);
}
