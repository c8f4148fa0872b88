//! Administrators, as mqadmin and dashboards do it: KV entries, write permissions, topics, lists and configuration. And
//! strangers.

use super::cluster::Cluster;
use super::fault::Fault;
use super::invariant::Subject;
use super::ledger::{Identity, Told};
use super::peer::{Duty, Kind};
use crate::registration::{Compression, Registration, Topic, Version};
use crate::request::{Request, frame};

/// Settings that do not change what the simulation expects of answers.
const SWITCHES: [&str; 5] = [
    "orderMessageEnable",
    "returnOrderTopicConfigToBroker",
    "enableTopicList",
    "notifyMinBrokerIdChanged",
    "listenPort",
];

/// One administrator.
#[derive(Debug, Default)]
pub(super) struct Admin {
    values: u32,
}

impl Cluster {
    pub(super) fn administer(&mut self, peer: usize) {
        let delay = self.random.u64(500..8000);
        self.perform(peer, Duty::Administer, delay);
        let Some(server) = self.any_server_up(peer) else { return };
        match self.random.u8(0..20) {
            0..9 => self.ask_about_kv(peer, server),
            9 | 10 if !self.faults.is_calm => self.change_permission(peer, server),
            11 if !self.faults.is_calm => self.delete_topic(peer),
            12 | 13 => self.configure(peer, server),
            _ => self.ask_for_a_list(peer, server),
        }
    }

    fn ask_about_kv(&mut self, peer: usize, server: usize) {
        let namespace = ["admin", "ORDER_TOPIC_CONFIG"][self.random.usize(..2)];
        let key = format!("T{}", self.random.u8(0..4));
        let Kind::Admin(admin) = &mut self.peers[peer].kind else { return };
        admin.values += 1;
        let value = match (namespace, self.random.u8(0..8)) {
            ("admin", _) => format!("value {} of {peer}", admin.values),
            (_, 0) => "no order".to_owned(),
            (_, queues) => format!("a:{queues}"),
        };
        let (code, change) = match self.random.u8(0..10) {
            0..5 => (100, Some(Some(value.clone()))),
            5 | 6 => (102, Some(None)),
            _ => (101, None),
        };
        // Several in a row wait for one save.
        let repeats = if self.random.u8(..) < 32 { 6 } else { 1 };
        for repeat in 0..repeats {
            let (change, value) = match &change {
                Some(Some(_)) => (Some(Some(format!("{value}{repeat}"))), Some(format!("{value}{repeat}"))),
                change => (change.clone(), None),
            };
            let request = Request::new(code).field("namespace", namespace).field("key", &key).optional("value", value);
            self.ask(peer, server, request, Told::Kv { key: (namespace.to_owned(), key.clone()), change }, None);
        }
    }

    /// Takes the write permission from all topics of a group, or gives it back.
    fn change_permission(&mut self, peer: usize, server: usize) {
        let group = self.groups[self.random.usize(..self.groups.len())].name.clone();
        let writable = self.random.bool();
        let request = Request::new(if writable { 327 } else { 205 }).field("brokerName", &group);
        self.ask(peer, server, request, Told::Permission { group, writable }, None);
    }

    /// Deletes a topic at a broker group, then at every server.
    fn delete_topic(&mut self, peer: usize) {
        let now = self.now();
        let at = self.random.usize(..self.groups.len());
        let topic = format!("T{}", self.random.u8(0..8));
        self.groups[at].delete_topic(&topic, now);
        let of_group = (0..self.peers.len()).filter_map(|peer| self.broker(peer)).find(|broker| broker.group == at);
        let cluster = of_group.map(|broker| broker.cluster.clone()).filter(|_| self.random.bool());
        for server in 0..self.servers.len() {
            let request = Request::new(216).field("topic", &topic).optional("clusterName", cluster.as_ref());
            self.ask(peer, server, request, Told::DeleteTopic { topic: topic.clone(), cluster: cluster.clone() }, None);
        }
        // Others with this topic bring it back.
    }

    fn configure(&mut self, peer: usize, server: usize) {
        let key = SWITCHES[self.random.usize(..SWITCHES.len())];
        let request = match self.random.u8(0..8) {
            0 => Request::new(318).body("\\u00zz=1"),
            1..5 => Request::new(318).body(format!("{key}={}\n", self.random.bool())),
            _ => Request::new(319),
        };
        self.ask(peer, server, request, Told::Nothing, None);
    }

    fn ask_for_a_list(&mut self, peer: usize, server: usize) {
        let code = [206, 224, 311, 312, 313, 219, 304, 106, 901][self.random.usize(..9)];
        let namespace = ["admin", "unknown"][self.random.usize(..2)];
        let request = match code {
            224 => Request::new(code).field("cluster", "DefaultCluster"),
            219 => Request::new(code).field("namespace", namespace),
            901 => Request::new(code).field("clusterName", "DefaultCluster").field("brokerName", "a"),
            _ => Request::new(code),
        };
        let subject = match code {
            206 => Some(Subject::Topics),
            106 => Some(Subject::Clusters),
            _ => None,
        };
        self.ask(peer, server, request, Told::Nothing, subject);
    }

    /// Somebody sends what no peer should send.
    pub(super) fn annoy(&mut self, peer: usize) {
        let delay = self.random.u64(2000..30_000);
        self.perform(peer, Duty::Annoy, delay);
        let Some(server) = self.any_server_up(peer) else { return };
        let socket = self.peers[peer].links[&server].socket;
        let lot = self.random.u8(0..26);
        match lot {
            20..23 => return self.flood(peer, server),
            23.. if !self.peers[peer].links[&server].is_fouled => return self.half_close(peer, server),
            _ => {}
        }
        self.foul(peer, server);
        let garbage: Vec<u8> = match lot {
            0 => b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            1 => vec![0xff; 9],
            2 => vec![0, 0, 0, 2, 0, 0],
            3 => frame(0, b"{", b""),
            4 => frame(1, b"short", b""),
            5 => frame(7, b"{}", b""),
            6 => [&40_u32.to_be_bytes()[..], &99_u32.to_be_bytes(), &[0; 40]].concat(),
            7 => {
                let fields = (0..1100).map(|number| (format!("f{number}"), String::new())).collect();
                Request { fields: Some(fields), ..Request::new(105) }.encode()
            }
            // Half a frame, and then silence.
            8 => Request::new(106).encode()[..11].to_vec(),
            // An answer that nobody asked for.
            9 => Request { flag: 1, ..Request::new(0) }.encode(),
            other => return self.ask_oddly(peer, server, other),
        };
        self.note(format_args!("nonsense to {server}"));
        self.send_bytes(socket, garbage);
    }

    fn foul(&mut self, peer: usize, server: usize) {
        if let Some(link) = self.peers[peer].links.get_mut(&server) {
            link.is_fouled = true;
        }
    }

    /// Asks for more at once than fits into a socket, a window or the queue, and perhaps does not read the answers for
    /// a while.
    fn flood(&mut self, peer: usize, server: usize) {
        for _ in 0..self.random.usize(8..40) {
            let request = Request::new([319, 319, 106, 304][self.random.usize(..4)]);
            self.ask(peer, server, request, Told::Nothing, None);
        }
        if !self.faults.is_calm && self.random.bool() {
            let process = self.peers[peer].process;
            let lasts = self.random.u64(100..60_000);
            self.carry_out_fault(Fault::Pause(process));
            self.plan_fault(lasts, Fault::Resume(process));
        }
    }

    /// Asks some questions, ends its own side of the connection and waits for the answers.
    fn half_close(&mut self, peer: usize, server: usize) {
        for code in [319, 106, 206, 319, 304] {
            self.ask(peer, server, Request::new(code), Told::Nothing, None);
        }
        if let Some(link) = self.peers[peer].links.get_mut(&server) {
            link.is_half_closed = true;
            let socket = link.socket;
            self.end_sending(socket);
        }
    }

    fn ask_oddly(&mut self, peer: usize, server: usize, which: u8) {
        let nobody = Identity { cluster: "c".into(), name: "nobody".into(), id: 0, address: "nowhere:1".into() };
        let named = |code: i32| {
            let request = Request::new(code).field("clusterName", "c").field("brokerName", "nobody");
            request.field("brokerAddr", "nowhere:1").field("brokerId", 0)
        };
        let lone = Registration { topics: Some(vec![Topic::new("T0")]), ..Registration::new("nobody", 0) };
        let mut told = Told::Nothing;
        let request = match which {
            10 => {
                told = Told::Register(Box::new(lone.clone()));
                lone.request()
            }
            11 => Registration { topics: None, ..lone }.request(),
            12 => Registration { compression: Compression::Denied, ..lone }.request(),
            13 => Request { body: b"{}".to_vec(), ..lone.request() },
            14 => named(904),
            15 => named(322).body(Version::counter(1).json().to_string()),
            16 => {
                told = Told::Unregister(nobody);
                named(104)
            }
            17 => Request::new([904, 322, 100, 102, 101, 217][self.random.usize(..6)]).body("?"),
            18 if self.random.bool() && !self.faults.is_calm => {
                told = Told::DeleteTopic { topic: "T0".to_owned(), cluster: None };
                Request::new(216).field("topic", "T0")
            }
            18 => Request::new(217).field("topic", "T0"),
            _ => Request::new([0, 9999, -1][self.random.usize(..3)]),
        };
        let request = if self.random.u8(..) < 32 { request.binary() } else { request };
        self.ask(peer, server, request, told, None);
    }
}
