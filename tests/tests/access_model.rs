//! Random requests from several hosts under rules that change, beside a model that knows users, rules and owners and
//! nothing of the server.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests too")]

use namesrv_tests::access::{ADMIN_CODES, request, rules, world};
use namesrv_tests::registration::{Registration, Topic};
use namesrv_tests::step::Signer;
use namesrv_tests::step::register_topic;
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

/// What happens: what arrives over a connection, signed or not, or what becomes of it.
#[derive(Clone, Copy, Debug)]
struct Step {
    connection: usize,
    signer: Option<Signer>,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Register(usize),
    Unregister(usize),
    /// With the entries of one broker or of both.
    RegisterTopic([bool; BROKERS]),
    /// With this code.
    Administer(i32),
    Read,
    Disconnect,
    /// The operator changes the rules.
    Reload {
        mode: usize,
        closes_reads: bool,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let signer = prop::sample::select(vec![
        None,
        Some(Signer::Stranger),
        Some(Signer::Guesser),
        Some(Signer::Reader),
        Some(Signer::Broker),
        Some(Signer::Administrator),
        Some(Signer::Rotating),
    ]);
    let what = prop_oneof![
        6 => (0..BROKERS).prop_map(What::Register),
        3 => (0..BROKERS).prop_map(What::Unregister),
        2 => any::<[bool; BROKERS]>().prop_map(What::RegisterTopic),
        2 => prop::sample::select(ADMIN_CODES.to_vec()).prop_map(What::Administer),
        2 => Just(What::Read),
        3 => Just(What::Disconnect),
        1 => (0..MODES.len(), any::<bool>()).prop_map(|(mode, closes_reads)| What::Reload { mode, closes_reads }),
    ];
    let step = (0..CONNECTIONS, signer, what).prop_map(|(connection, signer, what)| Step { connection, signer, what });
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
    fn take(&mut self, Step { connection, signer, what }: Step) -> bool {
        let own = (connection, self.opened[connection]);
        match what {
            What::Register(broker) => {
                if self.mode == 3 && Self::is_refused(signer, BROKER) {
                    return true;
                }
                let keeps = self.is_closed();
                let claims = self.brokers.entry(broker).or_default();
                claims.retain(|_, _| keeps);
                claims.insert(connection % HOSTS, own);
            }
            What::Unregister(broker) => {
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
            What::RegisterTopic(brokers) => {
                let named = (0..BROKERS).filter(|broker| brokers[*broker] && self.brokers.contains_key(broker));
                return self.is_closed() && named.into_iter().any(|broker| !self.owns(connection, broker));
            }
            What::Administer(_) => return self.is_closed() && Self::is_refused(signer, ADMINISTRATOR),
            What::Read => {
                let is_broker = self.brokers.values().any(|claims| claims.values().any(|claim| *claim == own));
                return self.closes_reads && self.is_closed() && !is_broker && Self::is_refused(signer, READER);
            }
            What::Disconnect => {
                self.brokers.values_mut().for_each(|claims| claims.retain(|_, claim| *claim != own));
                self.brokers.retain(|_, claims| !claims.is_empty());
                self.opened[connection] += 1;
            }
            What::Reload { mode, closes_reads } => (self.mode, self.closes_reads) = (mode, closes_reads),
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

/// Takes a step. Returns whether it is answered with a refusal.
fn take(world: &mut World, Step { connection, signer, what }: Step) -> bool {
    let host = IpAddr::from([10, 0, 0, (connection % HOSTS) as u8]);
    let connection = connection.to_string();
    let request = match what {
        What::Register(broker) => registration(broker).request(),
        What::Unregister(broker) => registration(broker).naming_request(104),
        What::RegisterTopic(brokers) => {
            let named: Vec<_> = (0..BROKERS).filter(|broker| brokers[*broker]).map(name).collect();
            register_topic("U", &named)
        }
        What::Administer(code) => request(code),
        What::Read => request(106),
        What::Disconnect => {
            world.disconnect(&connection);
            return false;
        }
        What::Reload { mode, closes_reads } => {
            world.replace_access(rules(&format!("{}readsNeedSignature={closes_reads}", MODES[mode])));
            return false;
        }
    };
    let request = if let Some(signer) = signer { signer.sign(request) } else { request };
    world.connect_from(&connection, host);
    world.ask(&connection, &request).unwrap().code == 16
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
            prop_assert_eq!(refused, expected, "{:?}", step);
            let clusters = String::from_utf8(world.view().cluster_info().to_vec()).unwrap();
            let known: Vec<_> = (0..BROKERS).filter(|broker| clusters.contains(&format!("\"{}\"", name(*broker)))).collect();
            prop_assert_eq!(known, model.brokers.keys().copied().collect::<Vec<_>>(), "{:?}", step);
        }
    }
}
