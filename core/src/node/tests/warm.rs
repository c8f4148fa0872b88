//! Warm start: what is registered is saved, served after a restart, and gone if nobody repeats it.

use super::*;
use crate::initial_state::WarmStart;
use crate::route::RouteQuery;
use crate::snapshot::{Snapshot, Written};
use crate::time::Duration;
use crate::wire::json::Dialect;
use alloc::sync::Arc;
use core::mem;

/// How long brokers have to register again.
const WITHIN: u64 = 75_000;

/// A node that saves snapshots.
fn cold() -> Node {
    start(None, 0)
}

fn start(warm_start: Option<WarmStart>, millis: u64) -> Node {
    start_with("notifyMinBrokerIdChanged=true", warm_start, millis)
}

fn start_with(file: &str, warm_start: Option<WarmStart>, millis: u64) -> Node {
    let file = properties::parse(file.as_bytes()).unwrap();
    let (configuration, _) = Configuration::new(&file).unwrap();
    let initial =
        InitialState { warm_start, saves_snapshots: true, ..InitialState::new([millis as u8; 16], configuration) };
    let mut node = Node::new(initial, at(millis));
    node.handle(Input::Attached, at(millis));
    node
}

/// The snapshot among these outputs, as a start would read it.
fn snapshot(outputs: &[Output]) -> Option<Snapshot> {
    outputs.iter().find_map(|output| {
        let Output::SaveSnapshot { source, .. } = output else { return None };
        Some(Snapshot::decode(&source.encode(&Written::default()), &crate::config::Limits::default()).unwrap())
    })
}

/// Stops a node at `millis` and starts another one with its snapshot.
fn restart(node: &mut Node, millis: u64) -> Node {
    node.handle(Input::Stop, at(millis));
    let snapshot = snapshot(&drain(node)).expect("a snapshot is saved at a stop");
    start(Some(WarmStart { snapshot, within: Duration::from_millis(WITHIN) }), millis)
}

/// One broker, and what it registers.
#[derive(Clone, Copy)]
struct Broker {
    name: &'static str,
    id: i64,
    address: &'static str,
    /// Counter of its data version.
    version: i64,
    timeout: u64,
    acting: bool,
}

const MASTER: Broker = Broker { name: "b", id: 0, address: "b:0", version: 1, timeout: 120_000, acting: false };
const SLAVE: Broker = Broker { id: 1, address: "b:1", ..MASTER };

impl Broker {
    /// Its registration with these topics over connection `serial`.
    fn registers(self, serial: u64, topics: &[&str]) -> Input {
        let Self { name, id, address, version, timeout, acting } = self;
        let identity = format!(r#""brokerName":"{name}","brokerAddr":"{address}","clusterName":"c""#);
        let fields = format!(
            r#"{identity},"haServerAddr":"","brokerId":"{id}","heartbeatTimeoutMillis":"{timeout}",
            "enableActingMaster":"{acting}""#
        );
        let topic = |topic: &&str| {
            format!(r#""{topic}":{{"topicName":"{topic}","readQueueNums":8,"writeQueueNums":8,"perm":6}}"#)
        };
        let table = topics.iter().map(topic).collect::<Vec<_>>().join(",");
        let version = format!(r#""dataVersion":{{"counter":{version},"timestamp":0}}"#);
        let body = format!(r#"{{"topicConfigSerializeWrapper":{{"topicConfigTable":{{{table}}},{version}}}}}"#);
        frame(serial, 103, &fields, body.as_bytes())
    }

    fn beats(self, serial: u64) -> Input {
        let Self { name, address, .. } = self;
        frame(serial, 904, &format!(r#""brokerName":"{name}","brokerAddr":"{address}","clusterName":"c""#), b"")
    }
}

/// What a node did and shows.
struct Watched {
    node: Node,
    view: Arc<crate::route::RouteView>,
    outputs: Vec<Output>,
}

impl Watched {
    fn new(mut node: Node) -> Self {
        let outputs = drain(&mut node);
        let view = view(&outputs).expect("the first view");
        Self { node, view, outputs }
    }

    /// Hands an input in, and returns the reply.
    fn takes(&mut self, input: Input, millis: u64) -> String {
        self.node.handle(input, at(millis));
        self.settle();
        let text = |output: &Output| {
            if let Output::Reply { frame, .. } = output {
                Some(String::from_utf8_lossy(frame).into_owned())
            } else {
                None
            }
        };
        let reply = self.outputs.iter().rev().find_map(text);
        reply.unwrap_or_default()
    }

    /// Lets time pass, with a tick each second.
    fn waits(&mut self, from: u64, to: u64) {
        for millis in (from..to).step_by(1000).chain([to]) {
            self.node.handle(Input::Tick, at(millis));
            self.settle();
        }
    }

    fn settle(&mut self) {
        let outputs = drain(&mut self.node);
        if let Some(view) = view(&outputs) {
            self.view = view;
        }
        self.outputs.extend(outputs);
        assert_eq!(self.node.check(), Vec::<String>::new());
    }

    /// The route of a topic: the brokers on it, or nothing.
    fn route(&self, topic: &str) -> String {
        let query = RouteQuery { topic: topic.as_bytes(), dialect: Dialect::Compatible, zone: None };
        let mut body = Vec::new();
        if let Some(route) = self.view.route(query) {
            route.write(&mut body);
        }
        String::from_utf8(body).unwrap()
    }

    fn knows(&self, topic: &str) -> bool {
        !self.route(topic).is_empty()
    }

    fn unconfirmed(&self) -> usize {
        self.view.unconfirmed_count()
    }

    fn causes(&mut self) -> Vec<EvictionCause> {
        evictions(&mem::take(&mut self.outputs))
    }
}

fn view(outputs: &[Output]) -> Option<Arc<crate::route::RouteView>> {
    outputs
        .iter()
        .rev()
        .find_map(|output| if let Output::Publish(view) = output { Some(Arc::clone(view)) } else { None })
}

/// A server that was restarted at 0 with a master and a slave that have the topics A and B.
fn warm() -> Watched {
    let mut node = cold();
    node.handle(MASTER.registers(1, &["A", "B"]), at(0));
    node.handle(SLAVE.registers(2, &["A", "B"]), at(0));
    drain(&mut node);
    Watched::new(restart(&mut node, 0))
}

#[test]
fn what_was_registered_is_served_at_once_and_gone_in_time() {
    let mut server = warm();
    assert!(server.route("A").contains(r#""brokerAddrs":{"0":"b:0","1":"b:1"}"#), "{}", server.route("A"));
    assert_eq!((server.view.broker_count(), server.unconfirmed()), (2, 2));
    assert_eq!(server.causes(), [], "and nobody is told of a change");
    server.waits(1000, WITHIN - 1);
    assert_eq!(server.view.broker_count(), 2);
    server.waits(WITHIN, WITHIN);
    assert_eq!((server.view.broker_count(), server.view.topic_count(), server.unconfirmed()), (0, 0, 0));
    assert_eq!(server.causes(), [EvictionCause::Unconfirmed, EvictionCause::Unconfirmed]);
    assert_eq!(server.node.poll_timeout(), due_at(30_000), "only a snapshot is due");
}

#[test]
fn a_table_confirms_its_topics_and_those_that_it_lacks_go_in_the_end() {
    let mut server = warm();
    server.takes(MASTER.registers(3, &["A", "C"]), 1000);
    assert_eq!(server.unconfirmed(), 1);
    assert!(server.knows("A") && server.knows("B") && server.knows("C"));
    server.takes(SLAVE.registers(4, &["A", "C"]), 1000);
    server.waits(2000, WITHIN);
    assert!(server.knows("A") && !server.knows("B") && server.knows("C"));
    assert_eq!((server.view.broker_count(), server.causes()), (2, vec![]));
}

#[test]
fn a_heartbeat_prolongs_and_does_not_confirm() {
    let short = Broker { timeout: 10_000, ..MASTER };
    let mut node = cold();
    node.handle(short.registers(1, &["A", "B"]), at(0));
    drain(&mut node);
    let mut server = Watched::new(restart(&mut node, 0));
    server.waits(1000, 4000);
    for second in (5..75).step_by(5) {
        server.takes(short.beats(3), second * 1000);
        server.waits(second * 1000 + 1000, second * 1000 + 4000);
    }
    assert_eq!((server.view.broker_count(), server.unconfirmed()), (1, 1));
    server.waits(WITHIN, WITHIN);
    assert_eq!((server.view.broker_count(), server.causes()), (0, vec![EvictionCause::Unconfirmed]));
}

#[test]
fn a_broker_with_a_short_timeout_is_not_announced_for_longer() {
    let mut node = cold();
    node.handle(Broker { timeout: 10_000, ..MASTER }.registers(1, &["A", "B"]), at(0));
    drain(&mut node);
    let mut server = Watched::new(restart(&mut node, 0));
    server.waits(1000, 10_000);
    assert_eq!(server.view.broker_count(), 1);
    server.waits(10_001, 10_001);
    assert_eq!((server.view.broker_count(), server.causes()), (0, vec![EvictionCause::Unconfirmed]));
}

#[test]
fn restarts_do_not_keep_a_broker_alive() {
    let mut server = warm();
    server.waits(1000, 50_000);
    let mut server = Watched::new(restart(&mut server.node, 50_000));
    assert_eq!(server.unconfirmed(), 2);
    server.waits(51_000, WITHIN - 1);
    assert_eq!(server.view.broker_count(), 2);
    server.waits(WITHIN, WITHIN);
    assert_eq!(server.view.broker_count(), 0);
}

#[test]
fn a_single_topic_confirms_itself_alone() {
    let mut server = warm();
    let reply = server.takes(Broker { version: 2, ..MASTER }.registers(3, &["C"]), 1000);
    assert!(reply.contains(r#""code":0,"#), "{reply}");
    assert!(server.knows("C"));
    assert_eq!(server.unconfirmed(), 2);
    server.takes(SLAVE.registers(4, &["A"]), 1000);
    server.waits(2000, WITHIN);
    assert_eq!((server.view.broker_count(), server.view.topic_count()), (0, 0));
}

#[test]
fn a_single_topic_of_a_broker_that_was_not_known_is_refused() {
    let mut server = warm();
    let reply = server.takes(Broker { address: "other:0", ..MASTER }.registers(3, &["A"]), 1000);
    assert!(reply.contains(r#""code":1,"#), "{reply}");
    assert!(server.route("A").contains("b:0"));
}

#[test]
fn a_broker_is_asked_for_its_table_until_it_registers() {
    let mut server = warm();
    let ask = |serial| {
        let fields = r#""brokerName":"b","brokerAddr":"b:0","clusterName":"c""#;
        frame(serial, 322, fields, br#"{"counter":1,"timestamp":0}"#)
    };
    assert!(server.takes(ask(3), 0).contains(r#""changed":"true""#));
    server.takes(MASTER.registers(3, &["A", "B"]), 0);
    assert!(server.takes(ask(3), 0).contains(r#""changed":"false""#));
}

#[test]
fn an_unconfirmed_broker_never_wins() {
    let mut node = cold();
    let old = Broker { version: 9, ..MASTER };
    node.handle(old.registers(1, &["A", "B"]), at(0));
    drain(&mut node);
    let mut server = Watched::new(restart(&mut node, 0));
    server.takes(Broker { address: "moved:0", ..MASTER }.registers(3, &["A", "D"]), 1000);
    assert!(server.route("A").contains("moved:0") && !server.route("A").contains("b:0"), "{}", server.route("A"));
    assert_eq!(server.causes(), [EvictionCause::Replaced]);
    server.waits(2000, WITHIN);
    assert!(server.knows("A") && !server.knows("B") && server.knows("D"));
}

#[test]
fn a_table_in_parts_comes_in_pieces() {
    let mut server = warm();
    server.takes(MASTER.registers(3, &["A", "C"]), 1000);
    server.takes(SLAVE.registers(4, &["A", "B"]), 1000);
    assert!(server.knows("B"));
    server.takes(MASTER.registers(3, &["B", "D"]), 2000);
    server.waits(3000, WITHIN);
    assert!(["A", "B", "C", "D"].iter().all(|topic| server.knows(topic)));
}

#[test]
fn a_part_of_a_table_deletes_nothing_that_is_in_a_later_part() {
    let mut node = cold();
    node.handle(MASTER.registers(1, &["A", "B", "C", "D"]), at(0));
    drain(&mut node);
    node.handle(Input::Stop, at(0));
    let snapshot = snapshot(&drain(&mut node)).unwrap();
    let warm_start = Some(WarmStart { snapshot, within: Duration::from_millis(WITHIN) });
    let mut server = Watched::new(start_with("deleteTopicWithBrokerRegistration=true", warm_start, 0));
    server.takes(MASTER.registers(3, &["A", "B"]), 1000);
    assert!(server.knows("C") && server.knows("D"));
}

/// A server after a restart that knows a master and a slave, one of which may act as master, and the topics A and B.
fn restarted_with_acting_master() -> (Broker, Broker, Watched) {
    let (master, slave) = (Broker { acting: true, ..MASTER }, Broker { acting: true, ..SLAVE });
    let mut node = cold();
    node.handle(master.registers(1, &["A", "B"]), at(0));
    node.handle(slave.registers(2, &["A", "B"]), at(0));
    drain(&mut node);
    (master, slave, Watched::new(restart(&mut node, 0)))
}

#[test]
fn a_slave_that_registers_first_leaves_topics_writable_until_its_master_is_gone() {
    let (_, slave, mut server) = restarted_with_acting_master();
    server.takes(slave.registers(4, &["A", "E"]), 1000);
    assert!(server.route("A").contains(r#""perm":6"#) && server.route("E").contains(r#""perm":6"#));
    server.waits(2000, WITHIN);
    assert!(server.route("A").contains(r#""perm":4"#), "the master is gone: {}", server.route("A"));
    assert!(server.route("E").contains(r#""perm":4"#) && !server.knows("B"));
}

#[test]
fn what_a_master_does_not_repeat_after_its_slave_is_read_only() {
    let (master, slave, mut server) = restarted_with_acting_master();
    server.takes(slave.registers(4, &["A", "B"]), 1000);
    server.takes(slave.registers(4, &["A", "B"]), 1000);
    assert!(server.route("A").contains(r#""perm":6"#) && server.route("B").contains(r#""perm":6"#));
    server.takes(Broker { version: 2, ..master }.registers(3, &["A", "E"]), 2000);
    assert!(server.route("A").contains(r#""perm":6"#) && server.route("B").contains(r#""perm":4"#));
}

#[test]
fn a_master_that_is_gone_before_its_slave_leaves_topics_read_only() {
    let (master, slave) = (Broker { acting: true, timeout: 10_000, ..MASTER }, Broker { acting: true, ..SLAVE });
    let mut node = cold();
    node.handle(master.registers(1, &["A", "B"]), at(0));
    node.handle(slave.registers(2, &["A", "B"]), at(0));
    drain(&mut node);
    let mut server = Watched::new(restart(&mut node, 0));
    assert!(server.route("A").contains(r#""perm":6"#));
    server.waits(1000, 11_000);
    assert!(server.route("A").contains(r#""perm":4"#), "{}", server.route("A"));
}

#[test]
fn a_slave_that_never_comes_back_leaves_alone_what_brokers_have_repeated() {
    let (master, _, mut server) = restarted_with_acting_master();
    server.takes(master.registers(3, &["A", "B"]), 1000);
    server.takes(Broker { id: 2, ..master }.registers(3, &["A", "E"]), 2000);
    assert!(server.route("A").contains(r#""perm":4"#), "a slave registered it: {}", server.route("A"));
    server.waits(3000, WITHIN);
    assert!(server.route("B").contains(r#""perm":6"#), "no master left: {}", server.route("B"));
}

#[test]
fn write_permission_that_is_given_meanwhile_does_not_end_with_the_master() {
    let (_, slave, mut server) = restarted_with_acting_master();
    server.takes(slave.registers(4, &["A", "E"]), 1000);
    server.takes(frame(9, 327, WIPE.1, b""), 2000);
    server.waits(3000, WITHIN);
    assert!(server.route("A").contains(r#""perm":6"#), "{}", server.route("A"));
}

#[test]
fn a_broker_that_leaves_takes_along_what_it_had_confirmed() {
    let mut server = warm();
    server.takes(MASTER.registers(3, &["A", "B"]), 1000);
    server.takes(Input::Disconnected(conn(3)), 1000);
    assert!(server.knows("B"), "the slave may still have it");
    server.takes(Broker { acting: false, ..SLAVE }.registers(4, &["A", "F"]), 2000);
    server.waits(3000, WITHIN);
    assert!(server.knows("A") && !server.knows("B") && server.knows("F"));
}

const WIPE: (i32, &str) = (205, r#""brokerName":"b""#);
const DELETE: (i32, &str) = (216, r#""topic":"B""#);

#[test]
fn what_an_administrator_does_meanwhile_survives_the_version_of_the_snapshot() {
    for (version, survives) in [(1, true), (2, false)] {
        let mut server = warm();
        for (code, fields) in [WIPE, DELETE] {
            server.takes(frame(9, code, fields, b""), 500);
        }
        let master = Broker { version, ..MASTER };
        server.takes(master.registers(3, &["A", "B"]), 1000);
        assert_eq!(server.route("A").contains(r#""perm":4"#), survives, "{}", server.route("A"));
        assert_eq!(!server.knows("B"), survives);
        // A further part of the same table.
        server.takes(master.registers(3, &["C", "D"]), 1000);
        server.takes(SLAVE.registers(4, &["A", "B"]), 1000);
        server.waits(2000, WITHIN);
        assert_eq!(server.route("A").contains(r#""perm":4"#), survives, "{}", server.route("A"));
        assert_eq!(!server.knows("B"), survives);
        assert!(server.knows("C") && server.knows("D"));
    }
}

#[test]
fn an_entry_that_was_deleted_after_it_was_confirmed_comes_back_as_in_java() {
    let mut server = warm();
    server.takes(MASTER.registers(3, &["A", "B"]), 500);
    server.takes(frame(9, DELETE.0, DELETE.1, b""), 500);
    assert!(!server.knows("B"));
    server.takes(MASTER.registers(3, &["A", "B"]), 1000);
    assert!(server.knows("B"));
}

#[test]
fn a_pause_of_the_server_does_not_end_the_time_to_register() {
    let mut server = warm();
    server.waits(1000, 70_000);
    server.node.handle(Input::Tick, at(170_000));
    server.settle();
    assert_eq!((server.view.broker_count(), server.unconfirmed()), (2, 2));
    server.waits(171_000, 176_000);
    assert_eq!(server.view.broker_count(), 0);
}

// When snapshots are saved.

fn saves(outputs: &[Output]) -> Vec<SaveTicket> {
    let ticket = |output: &Output| if let Output::SaveSnapshot { ticket, .. } = output { Some(*ticket) } else { None };
    outputs.iter().filter_map(ticket).collect()
}

#[test]
fn a_snapshot_is_saved_at_most_every_half_a_minute_and_only_after_a_change() {
    let mut server = Watched::new(cold());
    server.waits(1000, 60_000);
    assert_eq!(saves(&server.outputs), [], "nothing changed");
    let broker = Broker { timeout: 1_000_000, ..MASTER };
    server.takes(broker.registers(1, &["A", "B"]), 61_000);
    server.waits(61_000, 61_000);
    let [first] = *saves(&server.outputs) else { panic!("{:?}", saves(&server.outputs)) };
    server.takes(Broker { version: 2, ..broker }.registers(1, &["A", "B", "C"]), 62_000);
    server.waits(62_000, 100_000);
    assert_eq!(saves(&server.outputs), [first], "the first one has not ended");
    let failure = || Err(SaveError::Unusable("it is full".into()));
    for (millis, result, told) in [(100_000, failure(), 1), (140_000, failure(), 1), (180_000, Ok(()), 1)] {
        let ticket = *saves(&server.outputs).last().unwrap();
        server.takes(Input::Saved { ticket, result }, millis);
        server.waits(millis, millis + 31_000);
        let failed = |output: &&Output| matches!(output, Output::Event(Event::SaveFailed { .. }));
        assert_eq!(server.outputs.iter().filter(failed).count(), told, "an operator is told once");
    }
    assert_eq!(saves(&server.outputs).len(), 3, "a failed save is tried again, a good one is not");
    server.takes(MASTER.beats(1), 211_000);
    server.waits(212_000, 290_000);
    assert_eq!(saves(&server.outputs).len(), 3, "heartbeats are no change");
}

#[test]
fn the_snapshot_of_a_stop_has_the_brokers_whose_connections_end_with_it() {
    let mut node = cold();
    node.handle(MASTER.registers(1, &["A", "B"]), at(0));
    drain(&mut node);
    node.handle(Input::Stop, at(1));
    let outputs = drain(&mut node);
    assert_eq!(names(&outputs), ["Stopping", "SaveSnapshot", "StopIo"]);
    node.handle(Input::Disconnected(conn(1)), at(2));
    node.handle(Input::Tick, at(60_000));
    node.handle(Input::Finish, at(60_000));
    let after = drain(&mut node);
    assert_eq!(saves(&after), [], "there is no later one");
    assert!(!names(&after).contains(&"Finished".into()), "the save has not ended");
    node.handle(Input::Saved { ticket: saves(&outputs)[0], result: Ok(()) }, at(60_000));
    assert!(names(&drain(&mut node)).contains(&"Finished".into()));
    assert_eq!(snapshot(&outputs).unwrap().brokers().collect::<Vec<_>>(), [("b", 0)]);
}
