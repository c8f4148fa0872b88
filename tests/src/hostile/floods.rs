//! Floods of requests: the client that sends them waits for its own answers, and no other client waits long.

use super::bytes::many_fields;
use super::siege::{Episode, Siege};
use crate::peer::{Peer, broker, cluster_info, heartbeat, route};
use crate::request::{Request, frame};

/// Requests in one write.
const BATCH: usize = 500;

pub(super) fn episodes() -> Vec<Episode> {
    let deep = |field: &str| [b"{\"code\":105,\"x\":", &field.repeat(1 << 18).into_bytes()[..]].concat();
    vec![
        answered("routes_of_unknown_topics", 8, |number| route(&format!("unknown-{number}"))),
        answered("the_same_number_again", 8, |_| route("T").opaque(7)),
        answered("numbers_at_the_edges", 8, |number| route("T").opaque([i32::MIN, -1, 0, i32::MAX][number % 4])),
        answered("versions_at_the_edges", 8, |number| route("T").version([i32::MIN, -1, i32::MAX][number % 3])),
        answered("codes_that_are_none", 8, |number| Request::new(i32::MAX - number as i32)),
        answered("heartbeats_of_unknown_brokers", 8, |number| heartbeat(&broker(&number.to_string(), 0, &["X"]))),
        answered("versions_of_unknown_brokers", 8, |number| {
            Request::new(322).field("brokerName", number).field("brokerAddr", "a:1").field("clusterName", "c")
        }),
        unanswered("routes_one_way", |number| route(&format!("unknown-{number}")).oneway()),
        unanswered("heartbeats_one_way", |number| heartbeat(&broker(&number.to_string(), 0, &["X"])).oneway()),
        unanswered("responses", |number| Request { flag: 1, ..Request::new(0) }.opaque(number as i32)),
        unanswered("one_way_responses", |number| Request { flag: 3, ..Request::new(105) }.opaque(number as i32)),
        Episode::new("the_smallest_frames", 8, smallest_frames),
        Episode::new("names_of_a_megabyte", 64, names_of_a_megabyte).lines(110).lines_a_second(11),
        Episode::new("headers_of_8_mebibytes", 64, large_headers),
        Episode::new("as_many_fields_as_are_allowed", 8, |siege| {
            let request = Request { fields: Some(many_fields(1024)), ..Request::new(105) };
            ask(siege, siege.scaled(200, 5000), |_| request.clone());
        }),
        Episode::new("fields_that_collide_in_java", 8, |siege| {
            let fields = colliding(10).into_iter().map(|name| (name, "x".to_owned())).collect();
            let request = Request { fields: Some(fields), ..Request::new(105) };
            ask(siege, siege.scaled(200, 5000), |_| request.clone());
        }),
        Episode::new("a_hundred_thousand_members_of_one_name", 16, repeated_members),
        Episode::new("headers_of_deep_lists", 32, headers(deep("["))).lines_a_second(11),
        Episode::new("headers_of_deep_objects", 32, headers(deep("{\"a\":"))).lines_a_second(11),
        Episode::new(
            "deep_fields",
            32,
            headers([b"{\"code\":105,\"extFields\":", &b"{\"a\":".repeat(1 << 18)[..]].concat()),
        )
        .lines_a_second(11),
    ]
}

/// Strings that have the same `String.hashCode`, two to the power of `bits` of them.
pub(super) fn colliding(bits: u32) -> Vec<String> {
    let word = |number: u32| (0..bits).map(|bit| if number >> bit & 1 == 0 { "Aa" } else { "BB" }).collect();
    (0..1 << bits).map(word).collect()
}

fn answered(name: &'static str, memory_mib: u64, request: fn(usize) -> Request) -> Episode {
    Episode::new(name, memory_mib, move |siege| ask(siege, siege.scaled(10_000, 200_000), request))
}

fn unanswered(name: &'static str, request: fn(usize) -> Request) -> Episode {
    Episode::new(name, 8, move |siege| {
        let mut peer = siege.peer();
        send(&mut peer, siege.scaled(20_000, 1_000_000), request);
        assert_eq!(peer.ask(&cluster_info()).code, 0, "it is the only one that is answered");
    })
}

fn send(peer: &mut Peer, count: usize, request: impl Fn(usize) -> Request) {
    let numbers: Vec<_> = (0..count).collect();
    for batch in numbers.chunks(BATCH) {
        peer.write(&batch.iter().flat_map(|number| request(*number).encode()).collect::<Vec<_>>());
    }
}

/// Sends requests as fast as the server takes them; each is answered once.
fn ask(siege: &Siege<'_>, count: usize, request: impl Fn(usize) -> Request + Sync) {
    let mut peer = siege.peer();
    let mut writer = peer.another();
    std::thread::scope(|scope| {
        let request = &request;
        scope.spawn(move || send(&mut writer, count, request));
        (0..count).for_each(|_| drop(peer.answer()));
    });
    assert_eq!(peer.ask(&cluster_info()).code, 0, "nothing else was answered");
}

/// An empty object is a request of code 0.
fn smallest_frames(siege: &Siege<'_>) {
    let count = siege.scaled(100_000, 5_000_000);
    let mut peer = siege.peer();
    let mut writer = peer.another();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let batch = frame(0, b"{}", b"").repeat(BATCH);
            (0..count / BATCH).for_each(|_| writer.write(&batch));
        });
        (0..count).for_each(|_| assert_eq!(peer.answer().code, 3));
    });
}

fn names_of_a_megabyte(siege: &Siege<'_>) {
    let name = "x".repeat(1 << 20);
    let mut peer = siege.peer();
    for _ in 0..siege.scaled(10, 200) {
        assert_eq!(peer.ask(&route(&name)).code, 17);
        assert_eq!(peer.ask(&Request::new(901).field("clusterName", &name).field("brokerName", &name)).code, 0);
        assert_eq!(peer.ask(&Request::new(224).field("cluster", &name)).code, 0);
        assert_eq!(peer.ask(&Request::new(216).field("topic", &name)).code, 0);
    }
}

fn large_headers(siege: &Siege<'_>) {
    let header = [b"{\"code\":99999,\"unknown\":\"", &vec![b'x'; 8 << 20][..], b"\"}"].concat();
    let mut peer = siege.peer();
    for _ in 0..siege.scaled(3, 50) {
        peer.write(&frame(0, &header, b""));
        assert_eq!(peer.answer().code, 3);
    }
}

/// The last one counts.
fn repeated_members(siege: &Siege<'_>) {
    let header = format!("{{{}\"code\":106}}", "\"code\":105,".repeat(100_000));
    let mut peer = siege.peer();
    for _ in 0..siege.scaled(3, 50) {
        peer.write(&frame(0, header.as_bytes(), b""));
        assert_eq!(peer.answer().code, 0);
    }
}

/// Headers that are malformed for their depth alone, or for their missing end.
fn headers(header: Vec<u8>) -> impl Fn(&Siege<'_>) {
    move |siege| {
        for mut peer in siege.peers(siege.scaled(10, 200)) {
            let _ = peer.try_write(&frame(0, &header, b""));
            assert_eq!(peer.next(), None);
        }
    }
}
