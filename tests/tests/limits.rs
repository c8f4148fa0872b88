//! What peers can make grow in the core, and that it does not grow past its limit.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use namesrv_core::config::Limits;
use namesrv_core::event::Event;
use namesrv_core::kv::KvTable;
use namesrv_tests::answer::{Answer, frames};
use namesrv_tests::registration::{Mapping, Registration, Topic, Version};
use namesrv_tests::request::Request;
use namesrv_tests::step::WarmFrom;
use namesrv_tests::step::register_topic;
use namesrv_tests::world::{Happening, SECRET, Saving, World};
use std::time::Duration;

const KV_BYTES_MAX: usize = 1000;

fn world(kv: KvTable) -> World {
    World::with(&[], kv, Limits { kv_bytes_max: KV_BYTES_MAX, ..Limits::default() }, SECRET)
}

fn put(key: &str, bytes: usize) -> Request {
    Request::new(100).field("namespace", "n").field("key", key).field("value", "v".repeat(bytes))
}

fn delete(key: &str) -> Request {
    Request::new(102).field("namespace", "n").field("key", key)
}

/// The codes of the answers that came over a connection.
fn codes(world: &mut World, connection: &str) -> Vec<i32> {
    let output = world.take_output(connection).unwrap();
    frames(&output).unwrap().into_iter().map(|frame| Answer::decode(frame).unwrap().code).collect()
}

fn saves(world: &mut World) -> usize {
    world.take_happenings().iter().filter(|happening| matches!(happening, Happening::Saved { .. })).count()
}

#[test]
fn entries_can_be_deleted_from_a_table_that_is_over_its_limit() {
    let mut kv = KvTable::default();
    kv.put("n", "large", Some(&"v".repeat(2 * KV_BYTES_MAX)));
    let mut world = world(kv);
    world.receive("admin", &[put("k", 1), delete("large"), put("k", 1)].map(|request| request.encode()).concat());
    assert_eq!(codes(&mut world, "admin"), [1, 0, 0]);
    assert_eq!(saves(&mut world), 2, "what is refused is not saved");
}

#[test]
fn a_refused_entry_takes_no_room_from_others() {
    let mut world = world(KvTable::default());
    world.set_saving(Saving::Waits);
    world.receive(
        "admin",
        &[put("a", 1), put("b", 800), put("c", 100), put("d", 10)].map(|request| request.encode()).concat(),
    );
    world.set_saving(Saving::Succeeds);
    assert_eq!(codes(&mut world, "admin"), [0, 0, 0, 0]);
    world.set_saving(Saving::Waits);
    world.receive("admin", &[put("e", 1), put("f", 200), put("g", 10)].map(|request| request.encode()).concat());
    world.set_saving(Saving::Succeeds);
    assert_eq!(codes(&mut world, "admin"), [0, 1, 0]);
}

#[test]
fn what_waits_for_a_save_is_bounded() {
    let mut world = world(KvTable::default());
    world.set_saving(Saving::Waits);
    world.receive("admin", &[put("a", 1), put("b", 600), put("c", 600)].map(|request| request.encode()).concat());
    assert_eq!(codes(&mut world, "admin"), [1], "the last is refused at once");
    world.set_saving(Saving::Succeeds);
    assert_eq!(codes(&mut world, "admin"), [0, 0]);
    world.receive("admin", &put("c", 100).encode());
    assert_eq!(codes(&mut world, "admin"), [0], "room again");
}

#[test]
fn configuration_changes_that_wait_for_a_save_are_bounded() {
    let limits = Limits { frame_bytes_max: 1000, ..Limits::default() };
    let mut world = World::with(&[], KvTable::default(), limits, SECRET);
    world.set_saving(Saving::Waits);
    let change = |value: bool, bytes| {
        Request::new(318).body(format!("# {}\norderMessageEnable={value}\n", "-".repeat(bytes))).encode()
    };
    world.receive("admin", &[change(true, 700), change(false, 700), change(true, 700)].concat());
    assert_eq!(codes(&mut world, "admin"), [1], "the last is refused at once");
    world.set_saving(Saving::Succeeds);
    assert_eq!(codes(&mut world, "admin"), [0, 0]);
    world.receive("admin", &change(true, 700));
    assert_eq!(codes(&mut world, "admin"), [0], "room again");
}

#[test]
fn answers_that_wait_for_a_save_are_bounded() {
    let mut kv = KvTable::default();
    kv.put("n", "large", Some(&"v".repeat(400)));
    let mut world = world(kv);
    let get = |key| Request::new(101).field("namespace", "n").field("key", key).encode();
    world.set_saving(Saving::Waits);
    world.receive("admin", &[put("new", 50).encode(), get("new"), get("large"), get("large"), get("large")].concat());
    assert_eq!(codes(&mut world, "admin"), [1], "the last is refused at once");
    world.set_saving(Saving::Succeeds);
    assert_eq!(codes(&mut world, "admin"), [0, 0, 0, 0]);
    world.receive("admin", &get("large").repeat(5));
    assert_eq!(codes(&mut world, "admin"), [0; 5], "they do not wait");

    let limits = Limits { frame_bytes_max: 10_000, ..Limits::default() };
    let mut world = World::with(&[], KvTable::default(), limits, SECRET);
    world.set_saving(Saving::Waits);
    world.receive("admin", &Request::new(318).body("orderMessageEnable=true").encode());
    world.receive("admin", &Request::new(319).encode().repeat(60));
    let refused = codes(&mut world, "admin").len();
    assert!(refused > 40, "{refused} are refused at once");
    world.set_saving(Saving::Succeeds);
    assert_eq!(codes(&mut world, "admin"), vec![0; 61 - refused]);
}

fn registration(name: &str, version: i64, topics: usize) -> Registration {
    let mut registration = Registration::new(name, 0);
    registration.version = Some(Version::counter(version));
    registration.topics = Some((0..topics).map(|number| Topic::new(&format!("{name}-{number}"))).collect());
    registration
}

fn register(world: &mut World, registration: &Registration) -> i32 {
    let connection = registration.broker.as_deref().unwrap();
    world.receive(connection, &registration.request().encode());
    *codes(world, connection).last().unwrap()
}

/// A world with room for some hundred topics, and the first broker with ten of them.
fn small_world() -> World {
    let limits = Limits { registry_bytes_max: 40_000, ..Limits::default() };
    let mut world = World::with(&[], KvTable::default(), limits, SECRET);
    assert_eq!(register(&mut world, &registration("first", 1, 10)), 0);
    world
}

fn too_large() -> Registration {
    registration("first", 2, 1000)
}

/// Whether there is a route to a topic of the first broker.
fn answers(world: &mut World) -> bool {
    world.ask("client", &Request::new(105).field("topic", "first-0")).unwrap().code == 0
}

#[test]
fn a_registration_that_finds_no_room_is_refused_and_its_broker_stays_as_it_was() {
    let mut world = small_world();
    assert_eq!(register(&mut world, &registration("second", 1, 1000)), 1);
    let mut refused = 0;
    for version in 2..10 {
        world.advance(Duration::from_secs(60));
        refused += register(&mut world, &registration("first", version, 100 * version as usize));
    }
    assert!(refused > 2, "its table does not grow any more, and yet it does not expire");
    assert!(answers(&mut world));
    world.disconnect("first");
    assert_eq!(register(&mut world, &registration("second", 1, 50)), 0, "room again");
}

#[test]
fn a_registration_that_finds_no_room_keeps_no_other_broker_alive() {
    for stranger in [
        Registration { address: Some("elsewhere:10911".to_owned()), ..too_large() },
        Registration { cluster: Some("Other".to_owned()), ..too_large() },
        Registration { id: Some(1), ..too_large() },
    ] {
        let mut world = small_world();
        for _ in 0..3 {
            assert!(answers(&mut world), "{stranger:?}");
            world.advance(Duration::from_secs(41));
            assert_eq!(world.ask("stranger", &stranger.request()).unwrap().code, 1);
        }
        assert!(!answers(&mut world), "first was silent for more than two minutes");
    }
}

#[test]
fn a_registration_that_finds_no_room_moves_its_broker_to_its_connection() {
    let mut world = small_world();
    assert_eq!(world.ask("again", &too_large().request()).unwrap().code, 1);
    world.disconnect("first");
    assert!(answers(&mut world));
    world.disconnect("again");
    assert!(!answers(&mut world));
}

#[test]
fn a_registration_that_finds_no_room_confirms_nothing_of_a_snapshot() {
    let mut world = small_world();
    world.restart(WarmFrom::ThisStop, Duration::from_secs(1));
    assert_eq!(world.ask("again", &too_large().request()).unwrap().code, 1);
    world.disconnect("again");
    assert!(answers(&mut world), "it is not of that connection");
    world.advance(Duration::from_secs(75));
    assert!(!answers(&mut world), "the time to register is over");
}

#[test]
fn whatever_leaves_gives_its_room_back() {
    let limits = Limits { registry_bytes_max: 40_000, ..Limits::default() };
    let mut world = World::with(&[], KvTable::default(), limits, SECRET);
    world.receive("admin", &Request::new(318).body("deleteTopicWithBrokerRegistration=true").encode());
    for round in 0..100 {
        let mut first = registration("first", 2 * round, 20);
        first.topics.iter_mut().flatten().for_each(|topic| topic.perm = round as i32);
        assert_eq!(register(&mut world, &first), 0, "round {round}");
        assert_eq!(register(&mut world, &registration("first", 2 * round + 1, 10)), 0, "round {round}");
        first.mappings =
            vec![Mapping { topic: "first-0".to_owned(), total_queues: 8, epoch: round, queues: vec![(0, 0), (1, 1)] }];
        first.version = Some(Version::counter(1000 + round));
        assert_eq!(register(&mut world, &first), 0, "round {round}");
        world.receive("admin", &Request::new(216).field("topic", "first-1").encode());
        if round % 10 == 9 {
            world.disconnect("first");
        }
    }
}

#[test]
fn a_topic_that_is_registered_by_request_needs_room_too() {
    let limits = Limits { registry_bytes_max: 20_000, ..Limits::default() };
    let mut world = World::with(&[], KvTable::default(), limits, SECRET);
    assert_eq!(register(&mut world, &registration("first", 1, 2)), 0);
    let request = |bytes| register_topic(&"t".repeat(bytes), &["first"]).encode();
    world.receive("admin", &[request(1000), request(20_000)].concat());
    assert_eq!(codes(&mut world, "admin"), [0, 1]);
}

#[test]
fn malformed_order_configuration_of_the_file_is_told_at_start() {
    let mut kv = KvTable::default();
    kv.put("ORDER_TOPIC_CONFIG", "good", Some("broker-a:8"));
    kv.put("ORDER_TOPIC_CONFIG", "bad", Some("broker-a"));
    let happenings = world(kv).take_happenings();
    assert!(
        matches!(happenings.as_slice(), [Happening::Event(Event::MalformedOrderConfig { topic, .. })] if topic == "bad"),
        "{happenings:?}"
    );
}
