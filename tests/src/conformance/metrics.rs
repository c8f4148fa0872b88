//! The metrics of the second port.

use super::Target;
use super::peer::{Peer, broker, cluster_info, get as get_kv, put, route, unregister};
use crate::admin_port::{ADMIN, address, exchange, get};
use crate::exposition::Metrics;
use crate::process::{CONFIG, Folder, Process};
use crate::tls::Version;
use regex::Regex;
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::net::SocketAddr;

fn scrape(address: SocketAddr) -> Metrics {
    let page = get(address, "/metrics");
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.head.contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{}", page.head);
    Metrics::read(&page.body)
}

/// Waits until a scrape shows something: what is answered is counted a moment later.
fn eventually(server: &Process, address: SocketAddr, condition: impl Fn(&Metrics) -> bool) -> Metrics {
    let mut metrics = scrape(address);
    server.eventually(|| {
        metrics = scrape(address);
        condition(&metrics)
    });
    metrics
}

/// Requests, registrations and what is registered are counted under the names that operators know, in both formats.
pub(super) fn what_happens_is_counted(target: &Target) {
    let (server, address) = target.start_with_admin(&[("metricsLabel", "dc:east")]);
    let registration = broker("broker-a", 0, &["T", "U"]);
    let mut peer = Peer::register(&server, &registration);
    assert_eq!(peer.ask(&registration.request()).code, 0);
    (0..3).for_each(|_| assert_eq!(peer.ask(&route("T")).code, 0));
    assert_eq!(peer.ask(&route("unknown")).code, 17);
    assert_eq!(peer.ask(&cluster_info()).code, 0);
    assert_eq!(peer.ask(&put("n", "k", "v")).code, 0);
    assert_eq!(peer.ask(&get_kv("n", "missing")).code, 22);
    let count = "rocketmq_namesrv_requests_total{dc=\"east\",request_code=\"get_routeinfo_by_topic\",response_code=\"success\"}";
    let metrics = eventually(&server, address, |metrics| metrics.series.get(count) == Some(&3.0));
    let total = |request, response| {
        let labels = format!("dc=\"east\",request_code=\"{request}\",response_code=\"{response}\"");
        metrics.value(&format!("rocketmq_namesrv_requests_total{{{labels}}}"))
    };
    assert_eq!(total("get_routeinfo_by_topic", "topic_not_exist"), 1.0);
    assert_eq!(total("register_broker", "success"), 2.0);
    assert_eq!(total("put_kv_config", "success"), 1.0);
    assert_eq!(total("get_kv_config", "query_not_found"), 1.0);
    let one = |name: &str, labels: &str| {
        let labels = ["dc=\"east\"", labels].join(if labels.is_empty() { "" } else { "," });
        let mut labels: Vec<_> = labels.split(',').collect();
        labels.sort_unstable();
        metrics.value(&format!("rocketmq_{name}{{{}}}", labels.join(",")))
    };
    assert_eq!(one("nameserver_up", ""), 1.0);
    assert_eq!(one("namesrv_ready", ""), 1.0);
    assert_eq!(one("namesrv_route_misses_total", ""), 1.0);
    assert_eq!(one("namesrv_topics", ""), 3.0);
    assert_eq!(one("namesrv_topic_entries", ""), 3.0);
    assert_eq!(one("namesrv_kv_entries", ""), 1.0);
    assert_eq!(one("namesrv_connections", ""), 1.0);
    assert_eq!(one("namesrv_brokers", "cluster=\"DefaultCluster\",role=\"master\""), 1.0);
    assert_eq!(one("namesrv_brokers", "cluster=\"DefaultCluster\",role=\"slave\""), 0.0);
    assert_eq!(one("namesrv_registrations_total", "kind=\"full\",result=\"applied\""), 1.0);
    assert_eq!(one("namesrv_registrations_total", "kind=\"unchanged\",result=\"applied\""), 1.0);
    assert_eq!(one("namesrv_saves_total", "file=\"kv\",result=\"ok\""), 1.0);
    let heard = one(
        "namesrv_broker_last_heartbeat_timestamp_seconds",
        "broker=\"broker-a\",broker_id=\"0\",cluster=\"DefaultCluster\"",
    );
    assert!(heard > 1e9, "{heard}");
    assert!(one("namesrv_received_bytes_total", "") > 500.0);
    let java =
        metrics.beginning_with("rocketmq_rpc_latency_bucket{dc=\"east\",is_long_polling=\"false\",le=\"3\",node_id=");
    assert!(java.into_iter().any(|series| series.contains("request_code=\"get_routeinfo_by_topic\"")));

    let open = exchange(
        address,
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept: application/openmetrics-text\r\n\r\n",
    );
    assert!(open.head.contains("\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"));
    assert!(open.body.ends_with("\n# EOF\n"));
    assert_eq!(Metrics::read(&open.body).families.len(), metrics.families.len());

    assert_eq!(peer.ask(&unregister(&registration)).code, 0);
    let left = "rocketmq_namesrv_evictions_total{dc=\"east\",reason=\"unregistered\"}";
    eventually(&server, address, |metrics| metrics.value(left) == 1.0);
}

/// What access control refuses is counted by code and reason, every time.
pub(super) fn refusals_are_counted(target: &Target) {
    let user = r#"{"username":"ops","password":"sixteen letters!"}"#;
    let (server, address) =
        target.start_with_admin(&[("authenticationEnabled", "true"), ("initAuthenticationUser", user)]);
    let mut peer = Peer::connect(&server);
    for _ in 0..30 {
        assert_eq!(peer.ask(&put("n", "k", "v")).code, 16);
    }
    assert_eq!(peer.ask(&put("n", "k", "v").signed("nobody", "sixteen letters!")).code, 16);
    assert_eq!(peer.ask(&put("n", "k", "v").signed("ops", "sixteen letters?")).code, 16);
    assert_eq!(peer.ask(&put("n", "k", "v").signed("ops", "sixteen letters!")).code, 0);
    let denied = |metrics: &Metrics, reason| {
        let labels = format!("reason=\"{reason}\",request_code=\"put_kv_config\"");
        metrics.series.get(&format!("rocketmq_namesrv_auth_denied_total{{{labels}}}")).copied()
    };
    let metrics = eventually(&server, address, |metrics| denied(metrics, "bad_signature") == Some(1.0));
    assert_eq!([denied(&metrics, "no_user"), denied(&metrics, "unknown_user")], [Some(30.0), Some(1.0)]);
    assert_eq!(metrics.beginning_with("rocketmq_namesrv_auth_denied_total").count(), 3);
}

/// Saves, reloads, handshakes and frames that cannot be read are counted by how they ended.
pub(super) fn upkeep_is_counted(target: &Target) {
    let (mut server, address) = target.start_with_admin(&[]);
    let value = |metrics: &Metrics, name: &str| metrics.value(&format!("rocketmq_namesrv_{name}"));
    let started = scrape(address);
    assert_eq!(value(&started, "config_last_reload_successful"), 1.0);
    let read_at = value(&started, "config_last_reload_success_timestamp_seconds");
    assert!(read_at > 1e9 && value(&started, "log_lines_dropped_total") == 0.0);

    assert_eq!(Peer::connect(&server).ask(&put("n", "k", "v")).code, 0);
    server.connect().write_all(b"GET / HTTP/1.1\r\n\r\n").expect("the server reads");
    server.connect().write_all(b"\x16\x03\x01\0\x04\x63\0\0\0").expect("the server reads");
    for version in Version::ALL {
        server = server.over(Some(version));
        assert_eq!(Peer::connect(&server).ask(&route("T")).code, 17);
    }
    let server = server.over(None);
    let expected = [
        ("saves_total{file=\"kv\",result=\"ok\"}", 1.0),
        ("save_duration_seconds_count{file=\"kv\"}", 1.0),
        ("save_duration_seconds_count{file=\"snapshot\"}", 0.0),
        ("frames_refused_total{reason=\"foreign_protocol\"}", 1.0),
        ("frames_refused_total{reason=\"json_header\"}", 0.0),
        ("tls_handshakes_total{result=\"full\"}", Version::ALL.len() as f64),
        ("tls_handshakes_total{result=\"resumed\"}", 0.0),
        ("tls_handshakes_total{result=\"failed\"}", 1.0),
    ];
    eventually(&server, address, |metrics| expected.iter().all(|(name, count)| value(metrics, name) == *count));

    server.signal(Signal::HUP);
    let ok = "config_reloads_total{result=\"ok\"}";
    let metrics = eventually(&server, address, |metrics| value(metrics, ok) == 1.0);
    let read_again_at = value(&metrics, "config_last_reload_success_timestamp_seconds");
    assert!(read_again_at >= read_at, "{read_again_at} {read_at}");
    fs::write(server.folder().path(CONFIG), "listenPort=none\n").expect("the operator's file can be written");
    server.signal(Signal::HUP);
    let failed = "config_reloads_total{result=\"failed\"}";
    let metrics = eventually(&server, address, |metrics| value(metrics, failed) == 1.0);
    assert_eq!(value(&metrics, ok), 1.0);
    eventually(&server, address, |metrics| value(metrics, "config_last_reload_successful") == 0.0);
}

/// What access control would refuse if it were not only observed is counted apart.
pub(super) fn observed_refusals_are_counted(target: &Target) {
    let user = r#"{"username":"ops","password":"sixteen letters!"}"#;
    let observed = [("authenticationEnabled", "true"), ("accessControl", "observe")];
    let (server, address) = target.start_with_admin(&[observed[0], observed[1], ("initAuthenticationUser", user)]);
    let mut peer = Peer::connect(&server);
    for _ in 0..5 {
        assert_eq!(peer.ask(&put("n", "k", "v")).code, 0);
    }
    let series = "rocketmq_namesrv_auth_would_deny_total{reason=\"no_user\",request_code=\"put_kv_config\"}";
    let metrics = eventually(&server, address, |metrics| metrics.series.get(series) == Some(&5.0));
    assert_eq!(metrics.beginning_with("rocketmq_namesrv_auth_denied_total").count(), 0);
}

/// An operator who replaces a secret sees who still signs with the previous one: counted, and told once an hour.
pub(super) fn uses_of_a_previous_secret_are_counted(target: &Target) {
    let folder = Folder::new(&[ADMIN, ("authenticationEnabled", "true")]);
    let path = folder.path("users");
    let user = r#"{"username":"alice","password":"the second of alice","previousPassword":"the first of alice","role":"admin"}"#;
    fs::write(&path, user).expect("the users file can be written");
    let server = folder.with_property("usersPath", &path.display().to_string()).start(target.binary());
    let address = address(&server);
    let mut peer = Peer::connect(&server);
    for secret in ["the first of alice", "the second of alice", "the first of alice"] {
        assert_eq!(peer.ask(&put("n", "k", "v").signed("alice", secret)).code, 0);
    }
    assert_eq!(peer.ask(&put("n", "k", "v").signed("alice", "neither of alice")).code, 16);
    let series = "rocketmq_namesrv_auth_previous_secret_total";
    let of_alice = format!("{series}{{user=\"alice\"}}");
    let metrics = eventually(&server, address, |metrics| metrics.series.get(&of_alice) == Some(&2.0));
    assert_eq!(metrics.beginning_with(series).count(), 1);
    assert_eq!(server.log().matches("user signs with the previous secret").count(), 1);
}

/// However many clusters, brokers and request codes peers make up, and whatever they are called, there are only so many
/// series, and each can be read.
pub(super) fn peers_cannot_make_up_series(target: &Target) {
    let (server, address) = target.start_with_admin(&[("metricsBrokersMax", "100")]);
    let mut peer = Peer::connect(&server);
    let count = target.scaled(300, 100_000);
    for number in 0..count {
        let mut registration = broker(&format!("b\"\\{number}"), 0, &["T", "U"]);
        registration.cluster = Some(format!("c\"\\\n{{}}{number}é{}", "x".repeat(200)));
        registration.address = Some(format!("10.{}.{}.{}:1", number >> 16, number >> 8 & 255, number & 255));
        assert_eq!(peer.ask(&registration.request()).code, 0);
    }
    for code in 0..200 {
        let mut request = cluster_info();
        request.code = 7000 + code;
        assert_eq!(peer.ask(&request).code, 3);
    }
    let unknown =
        "rocketmq_namesrv_requests_total{request_code=\"other\",response_code=\"request_code_not_supported\"}";
    let metrics = eventually(&server, address, |metrics| metrics.series.get(unknown) == Some(&200.0));
    assert_eq!(metrics.beginning_with("rocketmq_namesrv_brokers{").count(), 2 * (64 + 1));
    assert_eq!(metrics.value("rocketmq_namesrv_brokers{cluster=\"other\",role=\"master\"}"), (count - 64) as f64);
    assert_eq!(metrics.beginning_with("rocketmq_namesrv_broker_last_heartbeat").count(), 0);
    assert_eq!(metrics.value("rocketmq_namesrv_series_left_out"), 1.0);
    assert!(metrics.series.len() < 600, "{} series", metrics.series.len());
    // The broker is not lost while its connection is open.
    drop(peer);
}

/// Names that are alike once they are cut, and a cluster that has the name of all others, make no series twice.
pub(super) fn names_that_look_alike_make_no_series_twice(target: &Target) {
    let (server, address) = target.start_with_admin(&[]);
    let mut peer = Peer::connect(&server);
    for (number, cluster) in ["other".to_owned(), "c".repeat(200) + "1", "c".repeat(200) + "2"].into_iter().enumerate()
    {
        let mut registration = broker(&format!("{}{number}", "b".repeat(200)), 0, &["T"]);
        registration.cluster = Some(cluster);
        registration.address = Some(format!("10.0.0.{number}:1"));
        assert_eq!(peer.ask(&registration.request()).code, 0);
    }
    let metrics = scrape(address);
    assert_eq!(metrics.value("rocketmq_namesrv_brokers{cluster=\"other\",role=\"master\"}"), 1.0);
    assert_eq!(metrics.beginning_with("rocketmq_namesrv_brokers{cluster=\"ccc").count(), 2);
    assert_eq!(metrics.beginning_with("rocketmq_namesrv_broker_last_heartbeat").count(), 2);
}

/// The alerts and the board name no metric that does not exist.
pub(super) fn alerts_and_the_board_name_what_there_is(target: &Target) {
    let server = target.start(&[ADMIN]);
    let _broker = Peer::register(&server, &broker("broker-a", 0, &["T"]));
    let metrics = scrape(address(&server));
    let name = Regex::new("(rocketmq|process)_[a-z_]+").expect("a regular expression");
    for text in
        [include_str!("../../../docs/monitoring/alerts.yml"), include_str!("../../../docs/monitoring/board.json")]
    {
        let named: BTreeSet<&str> =
            name.find_iter(text).map(|found| found.as_str().trim_end_matches("_bucket")).collect();
        assert!(named.len() > 10, "{named:?}");
        for name in named {
            assert!(metrics.families.contains_key(name), "{name}");
        }
    }
}
