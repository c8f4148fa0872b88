//! Digests by which operators compare servers. That the order of hash tables does not show is checked by `twins`.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use namesrv_core::route::ClusterDigest;
use namesrv_tests::registration::{Registration, Topic};
use namesrv_tests::world::World;
use std::collections::BTreeMap;

/// The digest of the only cluster, once these brokers have registered.
fn digest(registrations: &[Registration]) -> ClusterDigest {
    let mut world = World::new(&[]);
    for (index, registration) in registrations.iter().enumerate() {
        let answer = world.ask(&format!("broker {index}"), &registration.request()).unwrap();
        assert_eq!(answer.code, 0, "{registration:?}");
    }
    let [digest] = world.view().digests().try_into().unwrap();
    digest
}

/// A broker with these topics besides two that all have.
fn of(broker: &str, topics: &[Topic]) -> Registration {
    let topics = [&["A", "B"].map(Topic::new), topics].concat();
    Registration { topics: Some(topics), ..Registration::new(broker, 0) }
}

#[test]
fn whatever_a_broker_is_changes_the_digest_of_the_topology() {
    let one = || of("a", &[]);
    let mut digests = BTreeMap::new();
    for (what, brokers) in [
        ("one", vec![one()]),
        ("another name", vec![Registration { broker: Some("b".into()), ..one() }]),
        ("another identifier", vec![Registration { id: Some(1), ..one() }]),
        ("another address", vec![Registration { address: Some("10.0.0.9:1".into()), ..one() }]),
        ("a zone", vec![Registration { zone: Some("z".into()), ..one() }]),
        ("two", vec![one(), of("b", &[])]),
    ] {
        let digest = digest(&brokers);
        assert_eq!(digest.brokers, brokers.len(), "{what}");
        assert_eq!(digests.insert(digest.topology, what), None, "{what}");
    }
}

#[test]
fn whatever_a_topic_is_changes_the_digest_of_the_topics() {
    let topic = || Topic::new("T");
    let pair = |a: &[Topic], b: &[Topic]| [of("a", a), of("b", b)];
    let mut digests = BTreeMap::new();
    for (what, brokers, entries) in [
        ("none", pair(&[], &[]), 0),
        ("of a", pair(&[topic()], &[]), 1),
        ("of b", pair(&[], &[topic()]), 1),
        ("of both", pair(&[topic()], &[topic()]), 2),
        ("another name", pair(&[Topic::new("U")], &[]), 1),
        ("two", pair(&[topic(), Topic::new("U")], &[]), 2),
        ("read queues", pair(&[Topic { read_queues: 9, ..topic() }], &[]), 1),
        ("write queues", pair(&[Topic { write_queues: 9, ..topic() }], &[]), 1),
        ("permission", pair(&[Topic { perm: 4, ..topic() }], &[]), 1),
        ("flags", pair(&[Topic { flags: 1, ..topic() }], &[]), 1),
    ] {
        let digest = digest(&brokers);
        assert_eq!(digest.topic_entries, 4 + entries, "{what}");
        assert_eq!(digests.insert(digest.topics, what), None, "{what}");
    }
}
