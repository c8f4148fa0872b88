//! Random requests from several hosts under rules that change, beside a model that knows users, rules and owners and
//! nothing of the server.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests too")]

use namesrv_tests::access::{request, rules, world};
use namesrv_tests::registration::{Registration, Topic, register_topic};
use namesrv_tests::request::Request;
use namesrv_tests::step::Signer;
use namesrv_tests::world::World;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Connections; each belongs to one of three hosts.
const CONNECTIONS: usize = 6;
const HOSTS: usize = 3;
const BROKERS: usize = 2;

const MODES: [&str; 4] = [
    "",
    "authenticationEnabled=true\naccessControl=observe\n",
    "authenticationEnabled=true\n",
    "authenticationEnabled=true\naccessControl=strict\n",
];

/// What happens.
#[derive(Clone, Copy, Debug)]
enum Step {
    Register {
        connection: usize,
        broker: usize,
        signer: Option<Signer>,
    },
    Unregister {
        connection: usize,
        broker: usize,
        signer: Option<Signer>,
    },
    /// With the entries of one broker or of both.
    RegisterTopic {
        connection: usize,
        brokers: [bool; BROKERS],
    },
    Administer {
        connection: usize,
        code: i32,
        signer: Option<Signer>,
    },
    Read {
        connection: usize,
        signer: Option<Signer>,
    },
    Disconnect {
        connection: usize,
    },
    Reload {
        mode: usize,
        closes_reads: bool,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let connection = 0..CONNECTIONS;
    let signer = prop::sample::select(vec![
        None,
        Some(Signer::Stranger),
        Some(Signer::Guesser),
        Some(Signer::Reader),
        Some(Signer::Broker),
        Some(Signer::Administrator),
        Some(Signer::Rotating),
    ]);
    let code = prop::sample::select(vec![100, 102, 205, 216, 318, 327]);
    let broker = 0..BROKERS;
    let step = prop_oneof![
        6 => (connection.clone(), broker.clone(), signer.clone())
            .prop_map(|(connection, broker, signer)| Step::Register { connection, broker, signer }),
        3 => (connection.clone(), broker, signer.clone())
            .prop_map(|(connection, broker, signer)| Step::Unregister { connection, broker, signer }),
        2 => (connection.clone(), any::<[bool; BROKERS]>())
            .prop_map(|(connection, brokers)| Step::RegisterTopic { connection, brokers }),
        2 => (connection.clone(), code, signer.clone())
            .prop_map(|(connection, code, signer)| Step::Administer { connection, code, signer }),
        2 => (connection.clone(), signer).prop_map(|(connection, signer)| Step::Read { connection, signer }),
        3 => connection.prop_map(|connection| Step::Disconnect { connection }),
        1 => (0..MODES.len(), any::<bool>()).prop_map(|(mode, closes_reads)| Step::Reload { mode, closes_reads }),
    ];
    prop::collection::vec(step, 1..60)
}

/// What the model knows of the server.
#[derive(Debug, Default)]
struct Model {
    mode: usize,
    closes_reads: bool,
    /// How often each connection was opened.
    opened: [usize; CONNECTIONS],
    /// Where each broker is registered from: hosts, and the newest connection of each.
    brokers: BTreeMap<usize, BTreeMap<usize, (usize, usize)>>,
}

/// The smallest role that a request needs, and the role of a signer.
const READER: usize = 1;
const BROKER: usize = 2;
const ADMINISTRATOR: usize = 3;

impl Model {
    /// Whether the rules are more than observed.
    fn is_closed(&self) -> bool {
        self.mode >= 2
    }

    fn is_refused(signer: Option<Signer>, needs: usize) -> bool {
        let role = match signer {
            None | Some(Signer::Stranger | Signer::Guesser) => 0,
            Some(Signer::Reader) => READER,
            Some(Signer::Broker) => BROKER,
            Some(Signer::Administrator | Signer::Rotating) => ADMINISTRATOR,
        };
        role < needs
    }

    fn owns(&self, connection: usize, broker: usize) -> bool {
        let own = (connection, self.opened[connection]);
        let of = |(host, claim): (&usize, &(usize, usize))| *host == connection % HOSTS || *claim == own;
        self.brokers.get(&broker).is_some_and(|claims| claims.iter().any(of))
    }

    /// Whether the step is answered with a refusal.
    fn take(&mut self, step: Step) -> bool {
        match step {
            Step::Register { connection, broker, signer } => {
                if self.mode == 3 && Self::is_refused(signer, BROKER) {
                    return true;
                }
                let keeps = self.is_closed();
                let claims = self.brokers.entry(broker).or_default();
                claims.retain(|_, _| keeps);
                claims.insert(connection % HOSTS, (connection, self.opened[connection]));
            }
            Step::Unregister { connection, broker, .. } => {
                if self.is_closed() && self.brokers.contains_key(&broker) {
                    if !self.owns(connection, broker) {
                        return true;
                    }
                    let claims = self.brokers.entry(broker).or_default();
                    claims.remove(&(connection % HOSTS));
                    if !claims.is_empty() {
                        return false;
                    }
                }
                self.brokers.remove(&broker);
            }
            Step::RegisterTopic { connection, brokers } => {
                let named = (0..BROKERS).filter(|broker| brokers[*broker] && self.brokers.contains_key(broker));
                return self.is_closed() && named.into_iter().any(|broker| !self.owns(connection, broker));
            }
            Step::Administer { signer, .. } => return self.is_closed() && Self::is_refused(signer, ADMINISTRATOR),
            Step::Read { connection, signer } => {
                let own = (connection, self.opened[connection]);
                let is_broker = self.brokers.values().any(|claims| claims.values().any(|claim| *claim == own));
                return self.closes_reads && self.is_closed() && !is_broker && Self::is_refused(signer, READER);
            }
            Step::Disconnect { connection } => {
                let lost = (connection, self.opened[connection]);
                self.brokers.values_mut().for_each(|claims| claims.retain(|_, claim| *claim != lost));
                self.brokers.retain(|_, claims| !claims.is_empty());
                self.opened[connection] += 1;
            }
            Step::Reload { mode, closes_reads } => (self.mode, self.closes_reads) = (mode, closes_reads),
        }
        false
    }
}

fn name(broker: usize) -> String {
    format!("broker-{broker}")
}

fn registration(broker: usize) -> Registration {
    let topics = Some(["T", "TBW102"].map(Topic::new).to_vec());
    Registration { topics, address: Some(format!("10.9.0.{broker}:10911")), ..Registration::new(&name(broker), 0) }
}

/// By nobody if there is no signer.
fn sign(request: Request, signer: Option<Signer>) -> Request {
    match signer {
        Some(signer) => signer.sign(request),
        None => request,
    }
}

/// The connection and the request of a step, if it is one.
fn asked(step: Step) -> Option<(usize, Request)> {
    Some(match step {
        Step::Register { connection, broker, signer } => (connection, sign(registration(broker).request(), signer)),
        Step::Unregister { connection, broker, signer } => {
            (connection, sign(registration(broker).naming_request(104), signer))
        }
        Step::RegisterTopic { connection, brokers } => {
            let named: Vec<_> = (0..BROKERS).filter(|broker| brokers[*broker]).map(name).collect();
            (connection, register_topic("U", &named))
        }
        Step::Administer { connection, code, signer } => (connection, sign(request(code), signer)),
        Step::Read { connection, signer } => (connection, sign(request(106), signer)),
        Step::Disconnect { .. } | Step::Reload { .. } => return None,
    })
}

fn take(world: &mut World, step: Step) -> Option<bool> {
    match step {
        Step::Disconnect { connection } => world.disconnect(&connection.to_string()),
        Step::Reload { mode, closes_reads } => {
            world.replace_access(rules(&format!("{}readsNeedSignature={closes_reads}", MODES[mode])));
        }
        Step::Register { .. }
        | Step::Unregister { .. }
        | Step::RegisterTopic { .. }
        | Step::Administer { .. }
        | Step::Read { .. } => {}
    }
    let (connection, request) = asked(step)?;
    let host = IpAddr::from([10, 0, 0, (connection % HOSTS) as u8]);
    world.connect_from(&connection.to_string(), host);
    Some(world.ask(&connection.to_string(), &request).unwrap().code == 16)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_server_refuses_and_knows_what_the_model_refuses_and_knows(steps in steps()) {
        let (mut world, mut model) = (world(""), Model::default());
        for step in steps {
            let refused = take(&mut world, step);
            let expected = model.take(step);
            prop_assert_eq!(refused.unwrap_or(false), expected, "{:?}", step);
            let clusters = String::from_utf8(world.view().cluster_info().to_vec()).unwrap();
            let known: Vec<_> = (0..BROKERS).filter(|broker| clusters.contains(&format!("\"{}\"", name(*broker)))).collect();
            prop_assert_eq!(known, model.brokers.keys().copied().collect::<Vec<_>>(), "{:?}", step);
        }
    }
}
