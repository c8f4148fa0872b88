//! Pages as JSON: what is registered, and how the server is configured. Lists come in pages: `?after=NAME&limit=N`.

use super::health;
use super::site::{Call, Demand, Found, Parts, Question, Site};
use crate::http::{Answer, Response, Status};
use crate::lifecycle::Stage;
use namesrv_core::report::{ReportRequest, ReportedMember, ReportedValue};
use namesrv_core::route::{ListedEntry, RouteView};
use serde_json::{Value, json};
use std::time::Duration;

/// The most items of a page, and the default.
pub(super) const PAGE_ITEMS_MAX: usize = 1000;
/// The most bytes of a page.
pub(super) const PAGE_BYTES_MAX: usize = 1024 * 1024;

/// Describes the server, and how much it holds.
pub(super) fn summary(site: &Site, call: &Call<'_>) -> Answer<Demand> {
    with_report(site, call, ReportRequest::default(), |parts, found| {
        let view = parts.views.load();
        let now = site.now();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "revision": site.build.revision,
            "runtime": site.build.runtime,
            "state": state(site),
            "startedAtMillis": now.wall.as_millis().saturating_sub(now.monotonic.as_millis()),
            "uptimeSeconds": now.monotonic.as_millis() / 1000,
            "clusters": view.cluster_count(),
            "brokers": view.broker_count(),
            "topics": view.topic_count(),
            "registryAnswers": found.report.is_some(),
            "limits": limits(parts, found).into_iter().map(limit).collect::<Vec<_>>(),
        })
    })
}

fn limit((key, used, max): (&str, Option<usize>, usize)) -> Value {
    json!({ "key": key, "used": used, "max": max })
}

/// Returns the keys of limits, each with its usage, if known, and its value.
pub(super) fn limits(parts: &Parts, found: &Found) -> [(&'static str, Option<usize>, usize); 6] {
    let limits = parts.quotas.limits();
    let (quotas, queue) = (&parts.quotas, parts.quotas.queue());
    let registry_bytes = found.report.as_ref().map(|report| report.registry_bytes);
    [
        ("connectionsMax", Some(quotas.connections()), limits.connections_max),
        ("registryBytesMax", registry_bytes, limits.registry_bytes_max),
        ("registryQueueRequestsMax", Some(queue.requests()), limits.registry_queue_requests_max),
        ("registryQueueBytesMax", Some(queue.bytes()), limits.registry_queue_bytes_max),
        ("unreadOutputBytesMax", Some(quotas.output_bytes()), limits.unread_output_bytes_max),
        ("incompleteInputBytesMax", Some(quotas.input_bytes()), limits.incomplete_input_bytes_max),
    ]
}

pub(super) fn state(site: &Site) -> &'static str {
    match site.stage() {
        Stage::Starting => "starting",
        Stage::Serving if health::is_ready(site) => "ready",
        Stage::Serving => "warming",
        Stage::Draining | Stage::Ending | Stage::Stopped => "draining",
    }
}

/// All brokers, or those of one cluster, in the order of their names.
pub(super) fn brokers(site: &Site, call: &Call<'_>) -> Answer<Demand> {
    let Some(limit) = limit_of(call) else { return bad_limit() };
    let cluster = call.request.parameter("cluster");
    let request = ReportRequest {
        groups_after: call.request.parameter("after").unwrap_or_default().into_owned(),
        members_max: limit,
        with_configuration: false,
    };
    with_report(site, call, request, |_, found| {
        let Some(report) = &found.report else {
            return json!({ "error": "the registry does not answer within 1 s" });
        };
        let is_wanted = |member: &&ReportedMember| cluster.as_deref().is_none_or(|name| name == member.broker.cluster);
        let next = report.members.last().filter(|_| report.has_more).map(|member| &member.broker.name);
        let brokers: Vec<_> = report.members.iter().filter(is_wanted).map(broker).collect();
        json!({ "brokers": brokers, "next": next })
    })
}

fn broker(member: &ReportedMember) -> Value {
    let broker = &member.broker;
    let seconds = |time: Duration| time.as_millis() as f64 / 1000.0;
    let version = member.data_version.map(|version| {
        json!({ "stateVersion": version.state_version, "timestamp": version.timestamp, "counter": version.counter })
    });
    json!({
        "cluster": broker.cluster,
        "name": broker.name,
        "id": broker.id,
        "address": broker.address,
        "role": if broker.id == 0 { "master" } else { "slave" },
        "secondsSinceHeartbeat": seconds(member.silent),
        "secondsToEviction": seconds(member.leaves_in),
        "dataVersion": version,
        "topics": member.topics,
        "connection": member.peer.map(|peer| peer.address.to_string()),
        "unconfirmed": member.unconfirmed,
    })
}

/// All topics, in the order of their names.
pub(super) fn topics(site: &Site, call: &Call<'_>) -> Answer<Demand> {
    let Some(limit) = limit_of(call) else { return bad_limit() };
    let after = call.request.parameter("after").unwrap_or_default();
    with_view(site, |view| {
        let listed = view.topics_after(&after, limit.saturating_add(1));
        let next = (listed.len() > limit).then(|| listed.get(limit - 1).map(|topic| topic.name)).flatten();
        let topics = listed.iter().take(limit);
        let topics: Vec<_> = topics.map(|topic| json!({ "name": topic.name, "brokers": topic.groups })).collect();
        Some(json!({ "topics": topics, "next": next }))
    })
}

/// The route of a topic, the broker groups that lack it, and whether those that have it disagree.
pub(super) fn topic(site: &Site, call: &Call<'_>) -> Answer<Demand> {
    let Some(name) = &call.name else { return topics(site, call) };
    with_view(site, |view| {
        let entries = view.topic_entries(name)?;
        let lacks = |name: &str| !entries.iter().any(|entry| entry.broker == name);
        let lacking = view.groups_after("").map(|group| group.name).filter(|name| lacks(name)).take(PAGE_ITEMS_MAX);
        let lacking: Vec<_> = lacking.collect();
        let settings = |entry: &ListedEntry<'_>| (entry.read_queues, entry.write_queues, entry.perm, entry.flags);
        let differs = entries.iter().any(|entry| entries.first().map(settings) != Some(settings(entry)));
        let shown = entries.iter().take(PAGE_ITEMS_MAX).map(|entry| {
            json!({
                "broker": entry.broker,
                "readQueues": entry.read_queues,
                "writeQueues": entry.write_queues,
                "perm": entry.perm,
                "flags": entry.flags,
            })
        });
        Some(json!({ "name": name, "brokers": shown.collect::<Vec<_>>(), "lackedBy": lacking, "differs": differs }))
    })
}

/// Every key with its value in effect.
pub(super) fn config(site: &Site, call: &Call<'_>) -> Answer<Demand> {
    let request = ReportRequest { with_configuration: true, ..ReportRequest::default() };
    with_report(site, call, request, |_, found| {
        let Some(report) = &found.report else {
            return json!({ "error": "the registry does not answer within 1 s" });
        };
        let items = report.configuration.iter().map(|ReportedValue { key: name, value, source }| {
            let key = site.keys.iter().find(|key| key.name == *name);
            json!({
                "key": name,
                "value": value,
                "origin": source.to_string(),
                "default": key.and_then(|key| key.default),
                "known": key.is_some(),
                "changesAtRunTime": key.is_some_and(|key| key.changes_at_run_time()),
            })
        });
        json!({ "config": items.collect::<Vec<_>>() })
    })
}

/// Digests of each cluster, to compare with those of another server.
pub(super) fn digest(site: &Site, _: &Call<'_>) -> Answer<Demand> {
    let Some(parts) = site.parts() else { return starting() };
    let digests = site.digests(&parts.views.load_full());
    let clusters = digests.iter().take(PAGE_ITEMS_MAX).map(|digest| {
        json!({
            "cluster": digest.cluster,
            "digest": format!("{:012x}", digest.short()),
            "topology": format!("{:016x}", digest.topology),
            "topics": format!("{:016x}", digest.topics),
            "brokers": digest.brokers,
            "topicEntries": digest.topic_entries,
        })
    });
    Answer::Now(page(&json!({ "clusters": clusters.collect::<Vec<_>>() })))
}

/// Returns how many items a page has, unless the request says something that is no number of items.
pub(super) fn limit_of(call: &Call<'_>) -> Option<usize> {
    let Some(limit) = call.request.parameter("limit") else { return Some(PAGE_ITEMS_MAX) };
    limit.parse().ok().filter(|limit| *limit > 0).map(|limit: usize| limit.min(PAGE_ITEMS_MAX))
}

/// The answer to a request whose [`limit_of`] is none.
pub(super) fn bad_limit() -> Answer<Demand> {
    Answer::Now(error(Status::BadRequest, "limit is a number of items, 1 or more"))
}

fn with_view(site: &Site, write: impl FnOnce(&RouteView) -> Option<Value>) -> Answer<Demand> {
    let Some(parts) = site.parts() else { return starting() };
    Answer::Now(match write(&parts.views.load()) {
        Some(value) => page(&value),
        None => error(Status::NotFound, "there is no such topic"),
    })
}

pub(super) fn with_report(
    site: &Site,
    call: &Call<'_>,
    request: ReportRequest,
    write: impl FnOnce(&Parts, &Found) -> Value,
) -> Answer<Demand> {
    let Some(parts) = site.parts() else { return starting() };
    match call.found {
        None => Answer::After(Demand::Find(Question { report: request, list: None, drift: false })),
        Some(found) => Answer::Now(page(&write(parts, found))),
    }
}

pub(super) fn starting() -> Answer<Demand> {
    Answer::Now(error(Status::Unavailable, "the server starts"))
}

pub(super) fn error(status: Status, text: &str) -> Response {
    Response { status, ..Response::json(json!({ "error": text }).to_string().into_bytes()) }
}

/// Builds a page. Long names make long pages: if a page is too long, the client gets an error and asks for fewer items.
pub(super) fn page(value: &Value) -> Response {
    let body = value.to_string().into_bytes();
    if body.len() > PAGE_BYTES_MAX {
        return error(Status::Unavailable, "this page has more than 1 MiB: ask for fewer items with ?limit=");
    }
    let is_error = value.get("error").is_some();
    Response { status: if is_error { Status::Unavailable } else { Status::Ok }, ..Response::json(body) }
}
