//! Recognising a registration that repeats the one before is a shortcut and nothing else: a server whose brokers never
//! send the same bytes twice goes through the same states.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use namesrv_tests::registration::{Mapping, Registration, Topic, Version};
use namesrv_tests::request::Request;
use namesrv_tests::world::{Happening, World};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::time::Duration;

const BROKERS: [&str; 2] = ["a", "b"];
const TOPICS: [&str; 3] = ["T", "U", "V"];

#[derive(Clone, Debug)]
enum Action {
    Register { broker: usize, id: i64, address: i64, topics: Vec<i32>, counter: i64, options: [bool; 4] },
    Unregister { broker: usize, id: i64 },
    Disconnect { connection: i64 },
    Permission { broker: usize, code: i32 },
    DeleteTopic { topic: usize, in_cluster: bool },
    RegisterTopic { topic: usize, broker: usize },
    Configure { delete_topics: bool },
    Advance { seconds: u64 },
}

fn action() -> impl Strategy<Value = Action> {
    let broker = 0..BROKERS.len();
    let topic = 0..TOPICS.len();
    let topics = prop::sample::select(vec![vec![6, 6, 0], vec![6, 6, 0], vec![6, 0, 6], vec![4, 6, 6], vec![0, 6, 0]]);
    let options = prop::array::uniform4(prop::bool::weighted(0.2));
    prop_oneof![
        12 => (broker.clone(), 0..3i64, 0..3i64, topics, 1..4i64, options).prop_map(
            |(broker, id, address, topics, counter, options)| Action::Register {
                broker, id, address: if address == 0 { id + 1 } else { id }, topics, counter, options
            }
        ),
        2 => (broker.clone(), 0..3i64).prop_map(|(broker, id)| Action::Unregister { broker, id }),
        1 => (0..3i64).prop_map(|connection| Action::Disconnect { connection }),
        1 => (broker.clone(), prop::sample::select(vec![205, 327]))
            .prop_map(|(broker, code)| Action::Permission { broker, code }),
        2 => (topic.clone(), any::<bool>()).prop_map(|(topic, in_cluster)| Action::DeleteTopic { topic, in_cluster }),
        1 => (topic, broker).prop_map(|(topic, broker)| Action::RegisterTopic { topic, broker }),
        1 => any::<bool>().prop_map(|delete_topics| Action::Configure { delete_topics }),
        1 => prop::sample::select(vec![1, 60, 121]).prop_map(|seconds| Action::Advance { seconds }),
    ]
}

fn registration(broker: usize, id: i64, address: i64, perms: &[i32], counter: i64, options: [bool; 4]) -> Registration {
    let [acting, zoned, mapped, newer_state] = options;
    let mut registration = Registration::new(BROKERS[broker], id);
    registration.address = Some(format!("{}.{address}:10911", BROKERS[broker]));
    registration.acting_master = acting;
    registration.zone = zoned.then(|| "z".to_owned());
    registration.version = Some(Version { state: i64::from(newer_state), ..Version::counter(counter) });
    let listed = TOPICS.iter().zip(perms).filter(|(_, perm)| **perm != 0);
    registration.topics = Some(listed.map(|(name, perm)| Topic { perm: *perm, ..Topic::new(name) }).collect());
    if mapped {
        let queues = vec![(0, 0)];
        registration.mappings = vec![Mapping { topic: "T".to_owned(), total_queues: 1, epoch: counter, queues }];
    }
    registration
}

/// A world and the number of registrations that were made different from all others; none where they are sent as they
/// are.
struct Side {
    world: World,
    different: Option<u32>,
}

impl Side {
    fn act(&mut self, action: &Action) -> Vec<String> {
        let (connection, request) = match action {
            Action::Register { broker, id, address, topics, counter, options } => {
                let mut request = registration(*broker, *id, *address, topics, *counter, *options).request();
                if let Some(number) = &mut self.different {
                    *number += 1;
                    let body = String::from_utf8(request.body).unwrap();
                    request.body = body.replacen('{', &format!("{{\"number\":{number},"), 1).into_bytes();
                    request.fields.iter_mut().flatten().filter(|field| field.0 == "bodyCrc32").for_each(|field| {
                        field.1 = "0".to_owned();
                    });
                }
                (format!("c{address}"), request)
            }
            Action::Unregister { broker, id } => {
                let name = BROKERS[*broker];
                let request = Request::new(104).field("brokerName", name).field("brokerId", id);
                let address = format!("{name}.{id}:10911");
                ("client".to_owned(), request.field("clusterName", "DefaultCluster").field("brokerAddr", address))
            }
            Action::Disconnect { connection } => {
                self.world.disconnect(&format!("c{connection}"));
                return self.seen();
            }
            Action::Advance { seconds } => {
                self.world.advance(Duration::from_secs(*seconds));
                return self.seen();
            }
            Action::Permission { broker, code } => {
                ("client".to_owned(), Request::new(*code).field("brokerName", BROKERS[*broker]))
            }
            Action::DeleteTopic { topic, in_cluster } => {
                let request = Request::new(216).field("topic", TOPICS[*topic]);
                ("client".to_owned(), request.optional("clusterName", in_cluster.then_some("DefaultCluster")))
            }
            Action::RegisterTopic { topic, broker } => {
                let body = format!(r#"{{"queueDatas":[{{"brokerName":"{}","perm":6}}]}}"#, BROKERS[*broker]);
                ("client".to_owned(), Request::new(217).field("topic", TOPICS[*topic]).body(body))
            }
            Action::Configure { delete_topics } => {
                let body = format!("deleteTopicWithBrokerRegistration={delete_topics}");
                ("client".to_owned(), Request::new(318).body(body))
            }
        };
        self.world.receive(&connection, &request.encode());
        let answer = hex::encode(self.world.take_output(&connection).unwrap_or_default());
        let mut seen = self.seen();
        seen.push(answer);
        seen
    }

    /// Everything that can be seen from outside: events, all routes, groups and versions.
    fn seen(&mut self) -> Vec<String> {
        let happenings = self.world.take_happenings();
        let mut seen: Vec<_> = happenings
            .iter()
            .map(|happening| match happening {
                Happening::Event(event) => format!("{event:?}"),
                Happening::Closed { connection, reason, .. } => format!("closed {connection}: {reason}"),
                Happening::Notified { address, .. } => format!("notified {address}"),
                Happening::Saved { file, .. } => format!("saved {file:?}"),
            })
            .collect();
        let mut questions = vec![Request::new(106), Request::new(206), Request::new(304)];
        questions.extend(TOPICS.iter().map(|topic| Request::new(105).field("topic", topic)));
        for question in questions {
            self.world.receive("observer", &question.encode());
            let answer = self.world.take_output("observer").unwrap_or_default();
            seen.push(String::from_utf8_lossy(&answer).into_owned());
        }
        seen
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, rng_seed: RngSeed::Fixed(5), ..ProptestConfig::default() })]

    #[test]
    fn a_repeated_registration_does_what_a_full_one_does(actions in prop::collection::vec(action(), 1..40)) {
        let properties = [("notifyMinBrokerIdChanged".to_owned(), "true".to_owned())];
        let mut plain = Side { world: World::new(&properties), different: None };
        let mut different = Side { world: World::new(&properties), different: Some(0) };
        for (index, action) in actions.iter().enumerate() {
            let (expected, got) = (different.act(action), plain.act(action));
            prop_assert_eq!(got, expected, "at action {}: {:?}", index, action);
        }
    }
}
