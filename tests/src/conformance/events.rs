//! Events of the second port: what happened, in pages and as it happens.

use super::Target;
use super::peer::{Peer, broker, put, unregister};
use crate::admin_port::{connect, events, get, json};
use crate::request::Request;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};

fn page(address: SocketAddr, query: &str) -> Value {
    json(address, &format!("/api/v1/events{query}"))
}

fn types(page: &Value) -> Vec<&str> {
    events(page).iter().map(|event| event["type"].as_str().expect("a type")).collect()
}

/// Asks for events as they happen, and returns the lines behind the head of the answer.
fn follow(address: SocketAddr, query: &str) -> BufReader<TcpStream> {
    let mut stream = connect(address);
    let request = format!("GET /api/v1/events?follow{query} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("the second port reads");
    let mut lines = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(lines.read_line(&mut head).expect("a head") > 0, "{head}");
    }
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("application/x-ndjson"), "{head}");
    lines
}

fn next(lines: &mut BufReader<TcpStream>) -> Value {
    let mut line = String::new();
    lines.read_line(&mut line).expect("a line");
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
}

/// Who did what to which broker, topic and key is one question, whatever names peers choose.
pub(super) fn what_happened_is_told(target: &Target) {
    let (server, address) = target.start_with_admin(&[]);
    server.eventually(|| types(&page(address, "")) == ["server_started", "server_ready"]);
    let hostile = broker("b\"<script>\n", 0, &["T"]);
    let mut peer = Peer::register(&server, &hostile);
    assert_eq!(peer.ask(&put("n", "k", "v")).code, 0);
    assert_eq!(peer.ask(&Request::new(205).field("brokerName", "b\"<script>\n")).code, 0);
    assert_eq!(peer.ask(&unregister(&hostile)).code, 0);
    drop(Peer::register(&server, &broker("broker-a", 0, &["T"])));
    server.eventually(|| types(&page(address, "")).len() == 8);
    let all = page(address, "?after=0");
    let expected = "server_started server_ready broker_registered kv_put permission_wiped broker_left broker_registered \
                    broker_left";
    assert_eq!(types(&all).join(" "), expected);
    let seqs: Vec<_> = events(&all).iter().map(|event| event["seq"].as_u64()).collect();
    assert_eq!(seqs, (1..=8).map(Some).collect::<Vec<_>>());
    let left = page(address, "?type=broker_left,kv_put&after=0");
    assert_eq!(types(&left), ["kv_put", "broker_left", "broker_left"]);
    let event = |index: usize, name: &str| left["events"][index][name].clone();
    assert_eq!([event(0, "key"), event(0, "user")], ["k", "-"].map(Value::from));
    assert_eq!(event(0, "request_code"), 100);
    assert_eq!([event(1, "broker"), event(1, "reason")], ["b\"<script>\n", "unregistered"].map(Value::from));
    assert_eq!([event(2, "broker"), event(2, "reason")], ["broker-a", "disconnected"].map(Value::from));
    assert_eq!(types(&page(address, "?limit=1&follow=false")), ["broker_left"]);
    for query in ["?type=nothing", "?after=x", "?follow&type=nothing", "?limit=0", "?follow=x"] {
        assert_eq!(get(address, &format!("/api/v1/events{query}")).status, 400, "{query}");
    }
    let counts = get(address, "/metrics").body;
    assert!(counts.contains("\nrocketmq_namesrv_events_total{type=\"broker_left\"} 2\n"), "{counts}");
}

/// A follower reads each event as it happens, those of its types alone if it wants so, and the end of the server.
pub(super) fn events_are_followed(target: &Target) {
    let (mut server, address) = target.start_with_admin(&[]);
    let mut all = follow(address, "&after=0");
    assert_eq!(next(&mut all)["seq"], 1);
    let mut changes = follow(address, "&type=kv_put,server_draining,server_stopped");
    let mut peer = Peer::connect(&server);
    for number in 0..300 {
        assert_eq!(peer.ask(&put("n", "k", &number.to_string())).code, 0);
    }
    let (mut last, mut after) = (1, Vec::new());
    while after.len() < 300 {
        let event = next(&mut all);
        last += 1;
        assert_eq!(event["seq"], last);
        if event["type"] == "kv_put" {
            assert_eq!(next(&mut changes), event);
            after.push(event["after"].as_str().expect("a value").to_owned());
        }
    }
    assert_eq!(after, (0..300).map(|number| number.to_string()).collect::<Vec<_>>());
    server.terminate();
    assert_eq!(next(&mut changes)["type"], "server_draining");
    assert_eq!(next(&mut changes)["type"], "server_stopped");
    assert!(server.wait().success());
}

/// A limit that is reached is an event with how often it was, and so is who was refused over it; the page shows both.
pub(super) fn limits_that_are_reached_are_told(target: &Target) {
    let (server, address) = target.start_with_admin(&[("connectionsMax", "2")]);
    let mut peers: Vec<_> = (0..2).map(|_| Peer::connect(&server)).collect();
    peers.iter_mut().for_each(|peer| assert_eq!(peer.ask(&put("n", "k", "v")).code, 0));
    for _ in 0..3 {
        assert_eq!(Peer::connect(&server).next(), None);
    }
    // The first of them may be told alone, and the others ten seconds later.
    let told = |event: &str| {
        let page = page(address, &format!("?after=0&type={event}"));
        let events = events(&page).to_vec();
        assert!(events.iter().all(|event| event["reason"] == "connectionsMax"), "{events:?}");
        events
    };
    let count = |events: &[Value]| events.iter().filter_map(|event| event["count"].as_u64()).sum::<u64>();
    server.eventually(|| count(&told("limit_hit")) == 3 && count(&told("connection_refused")) == 3);
    for event in told("connection_refused") {
        assert!(event["peer"].as_str().is_some_and(|peer| peer.starts_with("127.0.0.1:")), "{event}");
    }
    let html = get(address, "/status").body;
    assert!(html.contains("connectionsMax</bdi> was reached 3 times in the last 10 minutes"), "{html}");
}

/// Only so many may follow; one that leaves makes room, and nobody who follows keeps a probe out.
pub(super) fn followers_are_bounded(target: &Target) {
    let (server, address) = target.start_with_admin(&[]);
    let mut followers: Vec<_> = (0..16).map(|_| follow(address, "")).collect();
    assert_eq!(get(address, "/api/v1/events?follow").status, 503);
    assert_eq!(get(address, "/livez").status, 200);
    followers.pop();
    server.eventually(|| {
        let mut stream = connect(address);
        let request = format!("GET /api/v1/events?follow HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("the second port reads");
        let mut status = String::new();
        BufReader::new(stream).read_line(&mut status).expect("an answer");
        status.starts_with("HTTP/1.1 200 ")
    });
}
