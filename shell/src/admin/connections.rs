//! `/api/v1/connections`, `/api/v1/errors` and `/api/v1/misses`: what clients do.

use super::api::{bad_limit, error, limit_of, page, starting};
use super::site::{Call, Demand, Found, Parts, Question, Site};
use crate::event_store::EventStore;
use crate::http::{Answer, Status};
use crate::journal::{ClosedConnection, Facts, Journals};
use crate::listing::{ListRequest, Sort};
use crate::record::{EventType, timestamp};
use namesrv_core::report::{Report, ReportRequest};
use namesrv_core::time::Instant;
use namesrv_core::{ConnId, Peer};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

/// The most brokers that are searched for those of a connection.
const BROKERS_MAX: usize = 10_000;
/// The most refused registrations that are searched.
const REFUSALS_MAX: usize = 1000;

/// Open connections in the requested order, or the last closed ones.
pub(super) fn connections(site: &Site, call: &Call<'_>) -> Answer<Demand> {
    let Some(parts) = site.parts() else { return starting() };
    let bad_request = |text| Answer::Now(error(Status::BadRequest, text));
    let sort = match call.request.parameter("sort").map(|name| Sort::named(&name)) {
        None => Sort::default(),
        Some(Some(sort)) => sort,
        Some(None) => return bad_request("sort is bytes, age, idle, requests or unread"),
    };
    let Some(limit) = limit_of(call) else { return bad_limit() };
    match call.request.parameter("state").as_deref() {
        None | Some("open") => {}
        Some("closed") => return Answer::Now(page(&closed(&parts.counters.journals, limit))),
        Some(_) => return bad_request("state is open or closed"),
    }
    let list = ListRequest { sort, limit };
    let Some(found) = call.found else {
        let report = ReportRequest { members_max: BROKERS_MAX, ..ReportRequest::default() };
        return Answer::After(Demand::Find(Question { report, list: Some(list), drift: false }));
    };
    Answer::Now(page(&open(found, list, site.now().monotonic)))
}

fn open(found: &Found, list: ListRequest, now: Instant) -> Value {
    // Each I/O thread sent as many connections as the whole page needs.
    let mut all = found.connections.clone();
    let total = all.total;
    let connections = std::mem::take(&mut all.connections);
    all.add(connections.into_iter(), list);
    let brokers = found.report.as_ref().map(brokers_by_connection);
    let shown = all.connections.iter().map(|facts| {
        let names = brokers.as_ref().map(|brokers| brokers.get(&facts.peer.conn).cloned().unwrap_or_default());
        let mut shown = members_of(facts, now);
        shown.insert("brokers".to_owned(), names.into());
        Value::Object(shown)
    });
    json!({ "connections": shown.collect::<Vec<_>>(), "total": total, "silentThreads": found.silent_threads })
}

/// Returns the names and identifiers of the brokers that registered over each connection.
fn brokers_by_connection(report: &Report) -> HashMap<ConnId, Vec<String>> {
    let mut brokers: HashMap<ConnId, Vec<String>> = HashMap::new();
    for member in &report.members {
        // A broker that has not registered since the restart has none.
        let Some(peer) = member.peer else { continue };
        brokers.entry(peer.conn).or_default().push(format!("{}/{}", member.broker.name, member.broker.id));
    }
    brokers
}

fn closed(journals: &Journals, limit: usize) -> Value {
    let closed = journals.closed();
    let shown = closed.iter().take(limit).map(|ClosedConnection { facts, at, reason, words }| {
        let mut shown = members_of(facts, at.monotonic);
        shown.insert("closedAt".to_owned(), timestamp(at.wall).into());
        shown.insert("reason".to_owned(), (*reason).into());
        shown.insert("words".to_owned(), words.as_str().into());
        Value::Object(shown)
    });
    json!({ "connections": shown.collect::<Vec<_>>(), "total": closed.len(), "silentThreads": 0 })
}

fn members_of(facts: &Facts, now: Instant) -> Map<String, Value> {
    let Facts { peer, sender, user, opened, heard, requests, received_bytes, sent_bytes, unread_bytes } = facts;
    let seconds = |since: Instant| now.since(since).as_millis() as f64 / 1000.0;
    let mut members = peer_members(*peer);
    let more = [
        ("language", sender.and_then(|sender| sender.language).into()),
        ("version", sender.map(|sender| sender.release.to_string()).into()),
        ("user", user.as_deref().into()),
        ("ageSeconds", seconds(*opened).into()),
        ("idleSeconds", seconds(*heard).into()),
        ("requests", (*requests).into()),
        ("receivedBytes", (*received_bytes).into()),
        ("sentBytes", (*sent_bytes).into()),
        ("unreadBytes", (*unread_bytes).into()),
    ];
    members.extend(more.map(|(name, value): (&str, Value)| (name.to_owned(), value)));
    members
}

/// The address at the other end of the socket, and the client address that a trusted proxy there names.
fn peer_members(peer: Peer) -> Map<String, Value> {
    let client = peer.address.socket_address().to_string();
    let (socket, claimed) = match peer.address.proxy() {
        Some(proxy) => (proxy.to_string(), Some(client)),
        None => (client, None),
    };
    [("peer".to_owned(), socket.into()), ("claimedPeer".to_owned(), claimed.into())].into_iter().collect()
}

/// The last refused frame of each kind, and the last refused registration for each reason.
pub(super) fn errors(site: &Site, _: &Call<'_>) -> Answer<Demand> {
    let Some(parts) = site.parts() else { return starting() };
    Answer::Now(page(&json!({ "errors": all_errors(parts) })))
}

fn all_errors(Parts { counters, events, .. }: &Parts) -> Vec<Value> {
    let frames = counters.journals.refused().into_iter().map(|(kind, refused)| {
        let mut shown = peer_members(refused.peer);
        shown.insert("kind".to_owned(), kind.into());
        shown.insert("count".to_owned(), refused.count.into());
        shown.insert("at".to_owned(), timestamp(refused.at).into());
        shown.insert("reason".to_owned(), refused.words.into());
        shown.insert("bytes".to_owned(), refused.bytes.as_deref().map(hex).into());
        Value::Object(shown)
    });
    frames.chain(refused_registrations(events)).collect()
}

fn refused_registrations(events: &EventStore) -> impl Iterator<Item = Value> {
    let mut last: BTreeMap<String, Value> = BTreeMap::new();
    for event in events.newest(&[EventType::BrokerRefused], REFUSALS_MAX) {
        let record = &event.record;
        let text = |name| record.text(name).unwrap_or_default().to_owned();
        let value = json!({
            "kind": "registration",
            "at": timestamp(record.time()),
            "peer": text("peer"),
            "reason": text("reason"),
            "cluster": text("cluster"),
            "broker": text("broker"),
            "address": text("address"),
            "bytes": null,
        });
        last.insert(text("reason"), value);
    }
    last.into_values()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to memory cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The topics that clients most often asked for in vain.
pub(super) fn misses(site: &Site, call: &Call<'_>) -> Answer<Demand> {
    let Some(parts) = site.parts() else { return starting() };
    let Some(limit) = limit_of(call) else { return bad_limit() };
    let misses = parts.counters.journals.misses();
    let shown = misses.iter().take(limit).map(|miss| {
        json!({
            "topic": miss.topic,
            "count": miss.count,
            "surplus": miss.surplus,
            "lastPeer": miss.last_peer.to_string(),
            "lastAt": timestamp(miss.last_at),
        })
    });
    let total = parts.counters.route_misses();
    Answer::Now(page(&json!({ "misses": shown.collect::<Vec<_>>(), "total": total })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listing::Listed;
    use namesrv_core::ClientAddress;
    use namesrv_core::wire::{Release, Sender};
    use std::time::Duration;

    #[test]
    fn a_connection_is_shown_with_both_of_its_addresses() {
        let proxy = ClientAddress::from(([10, 0, 0, 9], 4000));
        let address = proxy.behind(([192, 0, 2, 1], 1111).into());
        let peer = Peer { conn: ConnId::new(0, 1), address };
        let sender = Some(Sender { language: Some("GO"), release: Release(513) });
        let user = Some("<b>\"".into());
        let (opened, heard) = (Instant::START, Instant::from_millis(1500));
        let facts =
            Facts { peer, sender, user, opened, heard, requests: 3, received_bytes: 4, sent_bytes: 5, unread_bytes: 6 };
        let connections = Listed { connections: vec![facts], total: 1 };
        let found = Found { report: None, delay: Duration::ZERO, connections, silent_threads: 2 };
        let list = ListRequest { sort: Sort::Bytes, limit: 10 };
        let expected = json!({
            "connections": [{
                "peer": "10.0.0.9:4000", "claimedPeer": "192.0.2.1:1111", "language": "GO", "version": "5.5.0",
                "user": "<b>\"", "ageSeconds": 2.0, "idleSeconds": 0.5, "requests": 3, "receivedBytes": 4,
                "sentBytes": 5, "unreadBytes": 6, "brokers": null,
            }],
            "total": 1,
            "silentThreads": 2,
        });
        assert_eq!(open(&found, list, Instant::from_millis(2000)), expected);
    }

    #[test]
    fn bytes_are_shown_in_hex() {
        assert_eq!(hex(b"\0\x7fG\xff"), "007f47ff");
    }
}
