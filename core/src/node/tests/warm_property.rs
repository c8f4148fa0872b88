//! The rule of warm start: when the time to register is over, a server that was restarted with a snapshot shows what
//! it would show without one.

use super::*;
use crate::event::BrokerIdentity;
use crate::initial_state::WarmStart;
use crate::report::ReportRequest;
use crate::route::{RouteQuery, RouteView};
use crate::snapshot::{Snapshot, Written};
use crate::time::Duration;
use crate::wire::json::Dialect;
use alloc::string::ToString;
use alloc::sync::Arc;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;

/// Seconds that brokers have to register again.
const WITHIN: u64 = 75;
const TOPICS: [&str; 4] = ["A", "B", "C", "D"];

/// A broker. Whether an acting master is allowed follows from the name of its group, and its release from its address:
/// only those with an odd one say so. So does its timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Broker {
    name: &'static str,
    id: i64,
    address: u64,
    cluster: &'static str,
}

/// A topic table, of which each version has its own values.
#[derive(Clone, Debug)]
struct Table {
    version: u64,
    state_version: u64,
    topics: Vec<&'static str>,
    perm: i32,
    mapping: Option<&'static str>,
    filter_server: bool,
}

#[derive(Clone, Debug)]
enum Action {
    Register(Broker, Table),
    /// One topic alone.
    Update(Broker, Table, &'static str),
    Unregister(Broker),
    Disconnect(u64),
    Beat(Broker),
    Wait(u64),
}

fn broker() -> impl Strategy<Value = Broker> {
    (select(&["x", "y"][..]), 0..3_i64, 1..5_u64, select(&["c", "c", "c", "d"][..]))
        .prop_map(|(name, id, address, cluster)| Broker { name, id, address, cluster })
}

prop_compose! {
    fn table()(
        version in 1..4_u64,
        state_version in 0..2_u64,
        topics in prop_oneof![
            4 => proptest::sample::subsequence(&TOPICS[..], 2..=4),
            1 => Just(Vec::new()),
        ],
        perm in select(&[6, 6, 4, 2][..]),
        mapping in proptest::option::of(select(&TOPICS[..])),
        filter_server in any::<bool>(),
    ) -> Table {
        Table { version, state_version, topics, perm, mapping, filter_server }
    }
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        8 => (broker(), table()).prop_map(|(broker, table)| Action::Register(broker, table)),
        2 => (broker(), table(), select(&TOPICS[..])).prop_map(|(broker, table, topic)| Action::Update(broker, table, topic)),
        1 => broker().prop_map(Action::Unregister),
        1 => (1..5_u64).prop_map(Action::Disconnect),
        1 => broker().prop_map(Action::Beat),
        2 => (1..20_u64).prop_map(Action::Wait),
    ]
}

impl Broker {
    /// Each address has a connection of its own, and a new one after it was lost.
    fn registers(self, table: &Table, topics: &[&str], serial: u64) -> Input {
        let Self { name, id, address, cluster } = self;
        let acting =
            if address % 2 == 1 { format!(r#","enableActingMaster":"{}""#, name == "x") } else { String::new() };
        let zone = if table.version == 2 { r#","zoneName":"z""# } else { "" };
        let timeout = if address == 3 { 10_000 } else { 120_000 };
        let fields = format!(
            r#"{},"brokerId":"{id}","haServerAddr":"h","heartbeatTimeoutMillis":"{timeout}"{acting}{zone}"#,
            self.identity()
        );
        let Table { version, state_version, perm, .. } = table;
        let topic = |topic: &&str| {
            let queues = version + id.unsigned_abs();
            format!(r#""{topic}":{{"topicName":"{topic}","readQueueNums":{queues},"writeQueueNums":8,"perm":{perm}}}"#)
        };
        let topics = topics.iter().map(topic).collect::<Vec<_>>().join(",");
        let mapping = table.mapping.map_or(String::new(), |topic| {
            format!(r#","topicQueueMappingInfoMap":{{"{topic}":{{"topic":"{topic}","bname":"{cluster}{address}"}}}}"#)
        });
        let version = format!(r#""dataVersion":{{"counter":{version},"timestamp":0,"stateVersion":{state_version}}}"#);
        let servers = if table.filter_server { r#""f:1""# } else { "" };
        let body = format!(
            r#"{{"filterServerList":[{servers}],
            "topicConfigSerializeWrapper":{{"topicConfigTable":{{{topics}}},{version}{mapping}}}}}"#
        );
        frame(serial, 103, &fields, body.as_bytes())
    }

    fn identity(self) -> String {
        let Self { name, address, cluster, .. } = self;
        format!(r#""brokerName":"{name}","brokerAddr":"{address}","clusterName":"{cluster}""#)
    }
}

/// A server in a world with a clock.
struct World {
    node: Node,
    view: Arc<RouteView>,
    seconds: u64,
}

impl World {
    fn start(file: &str, warm_start: Option<WarmStart>, seconds: u64) -> Self {
        let (configuration, _) = Configuration::new(&properties::parse(file.as_bytes()).unwrap()).unwrap();
        let initial = InitialState { warm_start, saves_snapshots: true, ..InitialState::new([7; 16], configuration) };
        let mut node = Node::new(initial, at(1000 * seconds));
        node.handle(Input::Attached, at(1000 * seconds));
        let Some(Output::Publish(view)) = node.poll_output() else { panic!("no view") };
        Self { node, view, seconds }
    }

    fn take(&mut self, input: Input) -> Vec<Output> {
        self.node.handle(input, at(1000 * self.seconds));
        let outputs = drain(&mut self.node);
        for output in &outputs {
            if let Output::Publish(view) = output {
                self.view = Arc::clone(view);
            }
        }
        assert_eq!(self.node.check(), Vec::<String>::new());
        outputs
    }

    fn wait(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.seconds += 1;
            self.take(Input::Tick);
        }
    }

    fn members(&self) -> impl Iterator<Item = BrokerIdentity> {
        let request = ReportRequest { members_max: usize::MAX, ..ReportRequest::default() };
        self.node.report(&request, at(1000 * self.seconds)).members.into_iter().map(|member| member.broker)
    }

    /// Whether this very broker is registered.
    fn has(&self, broker: Broker) -> bool {
        self.members().any(|known| {
            let address = broker.address.to_string();
            (&*known.name, known.id, known.address, &*known.cluster)
                == (broker.name, broker.id, address, broker.cluster)
        })
    }

    fn act(&mut self, action: &Action, connections: &mut [u64; 5]) {
        let serial = |broker: &Broker| 10 * connections[broker.address as usize] + broker.address;
        match action {
            Action::Register(broker, table) => {
                self.take(broker.registers(table, &table.topics, serial(broker)));
            }
            Action::Update(broker, table, topic) => {
                self.take(broker.registers(table, &[topic], serial(broker)));
            }
            Action::Unregister(broker) => {
                let fields = format!(r#"{},"brokerId":"{}""#, broker.identity(), broker.id);
                self.take(frame(serial(broker), 104, &fields, b""));
            }
            Action::Disconnect(address) => {
                let at = *address as usize;
                self.take(Input::Disconnected(conn(10 * connections[at] + address)));
                connections[at] += 1;
            }
            Action::Beat(broker) => {
                self.take(frame(serial(broker), 904, &broker.identity(), b""));
            }
            Action::Wait(seconds) => self.wait(*seconds),
        }
    }

    /// Stops the server and reads its snapshot.
    fn stop(&mut self) -> Snapshot {
        let outputs = self.take(Input::Stop);
        let source = outputs
            .iter()
            .find_map(|output| if let Output::SaveSnapshot { source, .. } = output { Some(source) } else { None });
        let file = source.unwrap().encode(&Written::default());
        Snapshot::decode(&file, &crate::config::Limits::default()).unwrap()
    }

    /// Everything that a client can be told.
    fn shown(&self) -> Vec<String> {
        let mut shown = vec![String::from_utf8_lossy(self.view.cluster_info()).into_owned()];
        for (topic, dialect) in TOPICS.iter().flat_map(|topic| Dialect::ALL.map(|dialect| (topic, dialect))) {
            let mut route = Vec::new();
            if let Some(found) = self.view.route(RouteQuery { topic: topic.as_bytes(), dialect, zone: None }) {
                found.write(&mut route);
            }
            shown.push(format!("{topic}: {}", String::from_utf8_lossy(&route)));
        }
        shown
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(9876), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn in_the_end_a_snapshot_makes_no_difference(
        deletes in any::<bool>(),
        before in vec(action(), 0..12),
        after in vec(action(), 0..16),
        later in vec(action(), 0..6),
        between in proptest::option::of(vec(action(), 0..6)),
    ) {
        let file = format!("supportActingMaster=true\ndeleteTopicWithBrokerRegistration={deletes}");
        let mut connections = [0; 5];
        let mut old = World::start(&file, None, 0);
        before.iter().for_each(|action| old.act(action, &mut connections));
        let start = |snapshot, seconds| {
            World::start(&file, Some(WarmStart { snapshot, within: Duration::from_secs(WITHIN) }), seconds)
        };
        let shown = old.shown();
        let mut warm = start(old.stop(), old.seconds);
        prop_assert_eq!(warm.shown(), shown, "at once after the restart");
        if let Some(between) = between {
            warm.wait(1);
            let mut connections = [50; 5];
            between.iter().for_each(|action| warm.act(action, &mut connections));
            let shown = warm.shown();
            warm = start(warm.stop(), warm.seconds);
            prop_assert_eq!(warm.shown(), shown, "at once after the next restart");
        }
        let restarted_at = warm.seconds;
        let mut cold = World::start(&file, None, restarted_at);
        let mut connections = [100; 5];
        for action in &after {
            // What one topic alone of a broker that did not register says is heard by the one and not by the other.
            if matches!(action, Action::Update(broker, ..) if !cold.has(*broker)) {
                continue;
            }
            let mut same = connections;
            warm.act(action, &mut same);
            cold.act(action, &mut connections);
        }
        let left = (restarted_at + WITHIN).saturating_sub(warm.seconds);
        warm.wait(left);
        cold.wait(left);
        prop_assert_eq!(warm.shown(), cold.shown());
        for action in &later {
            let mut same = connections;
            warm.act(action, &mut same);
            cold.act(action, &mut connections);
            prop_assert_eq!(warm.shown(), cold.shown());
        }
    }
}
