//! The page with odd names, many brokers and many topics.

use super::super::site::Found;
use super::*;
use crate::admin::drift::Compared;
use crate::admin::history::History;
use crate::admin::keys::AdminSettings;
use crate::admin::name_servers::NameServers;
use crate::build::Build;
use crate::clock::Clock;
use crate::counters::Counters;
use crate::event_store::EventStore;
use crate::http::{Method, Request};
use crate::inspection::inspections;
use crate::lifecycle::{Lifecycle, Stage};
use crate::logging::LostLines;
use crate::queue::queue;
use crate::quota::SharedQuotas;
use crate::record::{EventType, Record};
use crate::tls::Tls;
use crate::warm_start::Expectation;
use arc_swap::ArcSwap;
use bytes::Bytes;
use namesrv_core::access::Verdict;
use namesrv_core::config::{Configuration, Limits};
use namesrv_core::initial_state::InitialState;
use namesrv_core::node::{Input, Node, Output};
use namesrv_core::time::Now;
use namesrv_core::{ConnId, Peer};
use namesrv_ctl::{Difference, Kind, Subject};
use serde_json::json;
use std::sync::{Arc, OnceLock};

const BUILD: Build = Build { runtime: "test", revision: "unknown" };

/// A server in memory with which brokers register.
struct Server {
    node: Node,
    site: Site,
    views: Arc<ArcSwap<namesrv_core::route::RouteView>>,
    serial: u64,
}

impl Server {
    fn new() -> Self {
        Self::beside("")
    }

    /// A server that knows other NameServers.
    fn beside(members: &str) -> Self {
        let clock = Clock::start();
        let mut node = Node::new(InitialState::new([7; 16], Configuration::default()), clock.now());
        let Some(Output::Publish(view)) = node.poll_output() else { panic!("no view") };
        while node.poll_output().is_some() {}
        let views = Arc::new(ArcSwap::new(view));
        let quotas = SharedQuotas::shared(&Limits::default());
        let (sender, receiver) = queue(&quotas);
        let (inspector, _) = inspections(sender);
        drop(receiver);
        let counters = Arc::new(Counters::new(1, clock.now().monotonic));
        let (events, inboxes) = (Arc::new(EventStore::default()), Arc::default());
        let parts = Arc::new(OnceLock::new());
        let shown = super::super::site::Parts {
            views: Arc::clone(&views),
            counters,
            inboxes,
            quotas,
            events,
            inspector,
            tls: Tls::disabled(),
            lost_lines: LostLines::default(),
            expectation: Expectation::nothing(),
            address: ([127, 0, 0, 1], 9876).into(),
        };
        assert!(parts.set(shown).is_ok());
        let settings = AdminSettings { nsaddr_members: members.to_owned(), ..AdminSettings::default() };
        let name_servers = NameServers::start(&settings, &Tls::disabled()).unwrap();
        let lifecycle = Arc::new(Lifecycle::default());
        lifecycle.enter(Stage::Serving);
        let site = Site::new(BUILD, settings, name_servers, Vec::new(), lifecycle, parts, clock);
        Self { node, site, views, serial: 0 }
    }

    /// Registers a broker with topics that each have this many queues.
    fn register(&mut self, cluster: &str, name: &str, id: i64, topics: &[String], queues: i32) {
        self.serial += 1;
        let address = format!("10.0.{}.{}:10911", self.serial / 250, self.serial % 250);
        let config = |topic: &String| {
            let config = json!({ "topicName": topic, "readQueueNums": queues, "writeQueueNums": queues, "perm": 6 });
            (topic.clone(), config)
        };
        let table: serde_json::Map<_, _> = topics.iter().map(config).collect();
        let version = json!({ "counter": 1, "stateVersion": 0, "timestamp": 1 });
        let body = json!({ "topicConfigSerializeWrapper": { "topicConfigTable": table, "dataVersion": version } });
        let fields = json!({
            "clusterName": cluster, "brokerName": name, "brokerId": id.to_string(), "brokerAddr": address,
            "haServerAddr": "", "compressed": "false",
        });
        let header = json!({ "code": 103, "flag": 0, "opaque": 1, "version": 513, "extFields": fields }).to_string();
        let body = body.to_string();
        let lengths = [4 + header.len() + body.len(), header.len()].map(|length| u32::try_from(length).unwrap());
        let frame = [&lengths[0].to_be_bytes()[..], &lengths[1].to_be_bytes(), header.as_bytes(), body.as_bytes()];
        let peer = Peer { conn: ConnId::new(0, self.serial), address: ([10, 0, 0, 1], 4000).into() };
        let frame = Bytes::from(frame.concat());
        self.node.handle(Input::Frame { peer, frame, verdict: Verdict::Open }, Now::default());
        while let Some(output) = self.node.poll_output() {
            if let Output::Publish(view) = output {
                self.views.store(view);
            }
        }
    }

    fn page_at(&self, query: &str, now: Now) -> String {
        let request = Request {
            method: Method::Get,
            path: "/status".to_owned(),
            query: query.to_owned(),
            host: None,
            accept: String::new(),
            keeps_alive: true,
        };
        let request_for_all = ReportRequest { members_max: BROKERS_MAX, ..ReportRequest::default() };
        let report = Some(self.node.report(&request_for_all, now));
        let found = Found { report, ..Found::default() };
        let call = Call { request: &request, name: None, found: Some(&found) };
        let Answer::Now(response) = status(&self.site, &call) else { panic!("no page") };
        assert_eq!(response.header.map(|(name, _)| name), Some("Content-Security-Policy"));
        let html = String::from_utf8(response.body).unwrap();
        assert!(html.len() <= 100_000, "{} bytes", html.len());
        html
    }

    fn page(&self, query: &str) -> String {
        self.page_at(query, Now::default())
    }
}

/// The elements of the page.
const ELEMENTS: &str = "a bdi button caption code div figcaption figure footer form h1 h2 header html input label li main \
                        p polyline section span strong svg table tbody td th thead time tr ul";

/// No peer's name becomes markup: each `<` begins one of the page's own elements.
fn assert_well_formed(html: &str) {
    let body = html.split_once("</style>").unwrap().1;
    for tag in body.split('<').skip(1) {
        let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        assert!(ELEMENTS.split(' ').any(|element| element == name), "<{tag}");
    }
    assert!(!body.contains("<script") && !body.chars().any(|char| char.is_control() && char != '\n'));
}

#[test]
fn a_server_without_brokers_says_so() {
    let html = Server::new().page("");
    assert_well_formed(&html);
    for text in ["No broker is registered.", "No topic is registered.", "Every topic that was asked for is there."] {
        assert!(html.contains(text), "{text}: {html}");
    }
    assert!(html.contains("0 brokers in 0 clusters") && !html.contains("http-equiv"), "{html}");
}

#[test]
fn hostile_names_are_texts() {
    let mut server = Server::new();
    let hostile = [
        "<script>alert(1)</script>",
        "\"'><img src=x onerror=alert(1)>",
        "a\u{7}\n\u{202e}b",
        "&lt;&#x3c;",
        "\u{5d0}\u{5d1}",
    ];
    for (name, id) in hostile.iter().zip(0..) {
        server.register(name, name, id, &[(*name).to_owned(), "x".repeat(255)], 8);
    }
    let events = &server.site.parts().unwrap().events;
    for name in hostile {
        let fields = ["broker", "topic", "user", "peer", "reason", "error", "key"];
        let record = Record::new(EventType::BrokerLeft, server.site.now().wall);
        events.keep(fields.iter().fold(record, |record, field| record.with(field, name)));
    }
    let html = server.page("topic=%22%3E%3Cscript%3E&refresh=1");
    assert_well_formed(&html);
    assert!(html.contains("value=\"&quot;&gt;&lt;script&gt;\""), "{html}");
    assert!(html.contains("No topic has this in its name.") && !html.contains("http-equiv"), "{html}");
    let html = server.page("");
    assert_well_formed(&html);
    assert!(html.contains("<bdi>&lt;script&gt;alert(1)&lt;/script&gt;</bdi>"), "{html}");
    assert!(html.contains("a\\u{7}\\u{a}\\u{202e}b") && html.contains("<bdi>&amp;lt;&amp;#x3c;</bdi>"), "{html}");
    assert!(html.contains("has no master"), "{html}");
}

#[test]
fn a_large_server_fits_and_says_what_is_left_out() {
    let mut server = Server::new();
    let topics: Vec<_> = (0..10_000).map(|number| format!("Topic-{number:05}")).collect();
    server.register("DefaultCluster", "broker-0", 0, &topics, 8);
    for number in 1..300 {
        server.register("DefaultCluster", &format!("broker-{number}{}", "é".repeat(100)), 0, &topics[..2], 4);
    }
    let html = server.page("refresh=5");
    assert_well_formed(&html);
    assert!(html.contains(" of 300 are shown") && html.contains("20 of "), "{html}");
    assert!(html.contains("Topic-00000</bdi> has different queues or permissions on its brokers"), "{html}");
    assert!(html.contains("<meta http-equiv=refresh content=5>"), "{html}");
    let html = server.page("topic=topic-0777");
    assert_eq!(html.matches("href=\"/api/v1/topics/Topic%2D0777").count(), 10);
}

#[test]
fn other_name_servers_are_compared_where_they_are_configured() {
    assert!(!Server::new().page("").contains("Other NameServers"));
    let server = Server::beside("127.0.0.1:9876;192.0.2.1:9877;192.0.2.2:9877;192.0.2.3:9877;192.0.2.4:9877");
    let html = server.page("");
    assert_eq!(html.matches(" is being compared: ").count(), 4, "it is not compared with itself: {html}");
    let hostile = "<script>alert(1)</script>\u{202e}".repeat(9);
    let difference = |value: Option<&str>| Difference {
        subject: Subject { kind: Kind::Broker, name: hostile.clone(), part: "address of 0".to_owned() },
        values: vec![value.map(str::to_owned), Some(hostile.clone())],
    };
    let at = server.site.now().wall;
    for (host, error, count) in [(1, None, 0), (2, Some(hostile.clone()), 0), (3, None, 1234), (4, None, 1)] {
        let differences = vec![difference(None); count.min(100)];
        let compared = Compared { at, error, count, differences };
        server.site.drift.set(([192, 0, 2, host], 9877).into(), compared);
    }
    let html = server.page("");
    assert_well_formed(&html);
    for text in [
        "<li>192.0.2.1:9877 has <span class=good>the same</span> brokers and topics, <time",
        "<li>192.0.2.2:9877 <span class=bad>cannot be compared</span>: <bdi>&lt;script&gt;",
        "<li>192.0.2.3:9877 <span class=bad>differs</span> in 1,234 things, <time",
        "<li>192.0.2.4:9877 <span class=bad>differs</span> in one thing, <time",
        "<td><bdi>address of 0</bdi><td><span class=quiet>nothing</span><td><bdi>&lt;script&gt;",
        " of 1,235 are shown. <a href=\"/api/v1/drift\">All as JSON</a>",
        "<li>NameServer 192.0.2.3:9877 has other brokers or topics than this one",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
}

#[test]
fn what_is_wrong_comes_first() {
    let mut server = Server::new();
    server.register("DefaultCluster", "broker-a", 0, &["T".to_owned(), "U".to_owned()], 8);
    let now = Now { monotonic: namesrv_core::time::Instant::from_millis(71_000), ..Now::default() };
    let html = server.page_at("", now);
    let silent = html.find("<bdi>broker-a</bdi>/0 last heard 1 m 1").unwrap_or_else(|| panic!("{html}"));
    assert!(silent < html.find("<h2>Brokers").unwrap() && html.contains("<span class=bad>silent</span>"), "{html}");
    assert!(server.page("").contains("<span class=good>Nothing</span> is wrong."));
}

#[test]
fn an_hour_is_plotted() {
    let server = Server::new();
    let counters = &server.site.parts().unwrap().counters;
    let at = |seconds: u64| namesrv_core::time::Instant::from_millis(seconds * 1000);
    let mut history = History::default();
    (0..400).for_each(|number| history.look(counters, at(number * 10)));
    *server.site.history.borrow_mut() = history;
    let html = server.page("");
    assert_well_formed(&html);
    assert_eq!(html.matches("<svg ").count(), 4);
}

#[test]
fn limits_that_were_reached_are_named_with_how_often_and_when() {
    let server = Server::new();
    assert!(server.page("").contains("No limit was reached since the start."));
    let parts = server.site.parts().unwrap();
    let now = server.site.now().wall;
    for number in 0..1500 {
        let peer = Peer { conn: ConnId::new(0, number), address: ([10, 0, 0, 1], 4000).into() };
        parts.counters.note_full(peer);
    }
    let hit = |time, count: u64| {
        Record::new(EventType::LimitHit, time).with("reason", "connectionsMax").with_count("count", count)
    };
    parts.events.keep(hit(WallTime::from_millis(now.as_millis() - 3_600_000), 1000));
    parts.events.keep(hit(now, 499));
    parts.events.keep(hit(now, 1));
    let html = server.page("");
    assert_well_formed(&html);
    assert!(html.contains("connectionsMax</bdi> was reached 500 times in the last 10 minutes"), "{html}");
    assert!(html.contains("Reached since the start: connectionsMax 1,500 times, told <time"), "{html}");
}
