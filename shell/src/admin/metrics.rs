//! `/metrics`: every figure with its name, labels and unit.
//!
//! No label has a topic, an address or a client, and only configured users become labels. Peers choose the names of
//! clusters and brokers, so at most [`CLUSTERS_MAX`] clusters and `metricsBrokersMax` brokers become labels, shortened
//! and escaped.

mod families;
mod labels;
mod upkeep;

use super::exposition::{Exposition, Format, cut};
use super::nsaddr;
use super::process_figures::ProcessFigures;
use super::site::{Call, Demand, Question, Site};
use crate::counters::{Counters, EDGES, Exchanges, Snapshot};
use crate::http::{Answer, Response, Status};
use labels::{request_label, response_label};
use namesrv_core::report::ReportRequest;
use namesrv_core::route::{ClusterDigest, RouteView};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The most clusters with their own label; all others share `other`.
pub(super) const CLUSTERS_MAX: usize = 64;

/// The label of all other clusters.
const OTHERS: &str = "other";

/// The edges of Java's histogram: 1, 3, 5, 7, 10, 100, 1000, 2000 and 3000 milliseconds (Java:
/// `RemotingMetricsManager.getMetricsView`).
const JAVA_EDGES: [Duration; 9] = [
    Duration::from_millis(1),
    Duration::from_millis(3),
    Duration::from_millis(5),
    Duration::from_millis(7),
    Duration::from_millis(10),
    Duration::from_millis(100),
    Duration::from_millis(1000),
    Duration::from_millis(2000),
    Duration::from_millis(3000),
];

/// All figures. If the registry does not answer in time, its figures are missing.
pub(super) fn metrics(site: &Site, call: &Call<'_>) -> Answer<Demand> {
    let Some(parts) = site.parts() else {
        return Answer::Now(Response::text(Status::Unavailable, "starting"));
    };
    let members_max = site.settings.metrics_brokers_max.saturating_add(1);
    let Some(found) = call.found else {
        let request = ReportRequest { members_max, ..ReportRequest::default() };
        return Answer::After(Demand::Find(Question { report: request, list: None, drift: false }));
    };
    let format = Format::preferred(&call.request.accept);
    let mut text = Exposition::new(format, &site.settings.common_labels());
    families::server(&mut text, site);
    requests(&mut text, site, &parts.counters);
    families::connections(&mut text, parts);
    let view = parts.views.load();
    tables(&mut text, &view);
    digests(&mut text, &site.digests(&parts.views.load_full()));
    families::registry(&mut text, parts, found);
    if let Some(report) = &found.report {
        families::members(&mut text, site, report);
    }
    upkeep::upkeep(&mut text, site, parts);
    nsaddr::figures(&mut text, site);
    families::threads(&mut text, site, parts);
    process(&mut text, site);
    let body = text.finish();
    Answer::Now(Response { status: Status::Ok, content_type: format.content_type(), header: None, body })
}

/// Requests, under Java's name and under this server's.
fn requests(text: &mut Exposition, site: &Site, counters: &Counters) {
    let mut pairs: BTreeMap<(usize, usize), Snapshot> = BTreeMap::new();
    for (request, response, histogram) in counters.exchanges().flat_map(Exchanges::histograms) {
        pairs.entry((request, response)).or_default().add(&histogram.snapshot());
    }
    text.histogram("rocketmq_rpc_latency", "Milliseconds from reading a request to writing its answer.");
    for ((request, response), counts) in &pairs {
        let (request, response) = (request_label(*request), response_label(*response));
        let labels = [
            ("node_type", "nameserver"),
            ("node_id", &site.node_id),
            ("protocol_type", "remoting"),
            ("request_code", &request),
            ("response_code", &response),
            ("is_long_polling", "false"),
            ("result", if &*response == "oneway" { "oneway" } else { "success" }),
        ];
        text.buckets(&labels, counts, &JAVA_EDGES, 1000.0);
    }
    text.counter("rocketmq_namesrv_requests_total", "Requests that were answered or taken.");
    for ((request, response), counts) in &pairs {
        let labels = [("request_code", &*request_label(*request)), ("response_code", &*response_label(*response))];
        text.sample(&labels, counts.count());
    }
    let mut by_request: BTreeMap<usize, Snapshot> = BTreeMap::new();
    pairs.iter().for_each(|((request, _), counts)| by_request.entry(*request).or_default().add(counts));
    text.histogram(
        "rocketmq_namesrv_request_duration_seconds",
        "Time from reading a request to writing its answer, once for all that were read together.",
    );
    for (request, counts) in &by_request {
        text.buckets(&[("request_code", &*request_label(*request))], counts, &EDGES, 1.0);
    }
    text.counter("rocketmq_namesrv_route_misses_total", "Route queries for topics without a route.");
    text.sample(&[], counters.route_misses());
}

/// What is registered, as clients see it.
fn tables(text: &mut Exposition, view: &RouteView) {
    text.gauge("rocketmq_namesrv_clusters", "Clusters.").sample(&[], view.cluster_count());
    text.gauge("rocketmq_namesrv_broker_groups", "Broker names.").sample(&[], view.groups_after("").count());
    text.gauge("rocketmq_namesrv_topics", "Topics.").sample(&[], view.topic_count());
    text.gauge("rocketmq_namesrv_topic_entries", "Topics of all broker names.").sample(&[], view.entry_count());
    let mut brokers: BTreeMap<Cow<'_, str>, [usize; 2]> = BTreeMap::new();
    let mut others = [0, 0];
    for group in view.groups_after("") {
        // Different long names may become equal when they are shortened.
        let cluster = cut(group.cluster);
        let is_full = brokers.len() >= CLUSTERS_MAX && !brokers.contains_key(&cluster);
        let counts = if is_full || cluster == OTHERS { &mut others } else { brokers.entry(cluster).or_default() };
        let masters = group.members.iter().filter(|(id, _)| *id == 0).count();
        let [counted_masters, slaves] = counts;
        *counted_masters += masters;
        *slaves += group.members.len() - masters;
    }
    text.gauge("rocketmq_namesrv_unconfirmed_brokers", "Brokers from before the restart that did not register since.");
    text.sample(&[], view.unconfirmed_count());
    text.gauge("rocketmq_namesrv_brokers", "Registered brokers by cluster and role.");
    let others = (others != [0, 0]).then_some((OTHERS.into(), others));
    for (cluster, counts) in brokers.into_iter().chain(others) {
        for (role, count) in ["master", "slave"].into_iter().zip(counts) {
            text.sample(&[("cluster", &*cluster), ("role", role)], count);
        }
    }
}

/// Digests to compare with other servers, for as many clusters as have their own label.
fn digests(text: &mut Exposition, digests: &[ClusterDigest]) {
    text.gauge("rocketmq_namesrv_route_digest", "A number that is equal on servers with the same registrations.");
    let mut written = BTreeSet::new();
    for digest in digests {
        // Different long names may become equal when they are shortened.
        if written.len() < CLUSTERS_MAX && digest.cluster != OTHERS && written.insert(cut(&digest.cluster)) {
            text.sample(&[("cluster", &*digest.cluster)], digest.short());
        }
    }
}

fn process(text: &mut Exposition, site: &Site) {
    let figures = ProcessFigures::read();
    let now = site.now();
    let started = now.wall.as_millis().saturating_sub(now.monotonic.as_millis());
    text.gauge("process_start_time_seconds", "When the process started.").sample(&[], started as f64 / 1000.0);
    if let Some(seconds) = figures.cpu_seconds {
        text.counter("process_cpu_seconds_total", "Processor time.").sample(&[], seconds);
    }
    let gauges = [
        ("process_resident_memory_bytes", "Memory in use.", figures.resident_bytes),
        ("process_threads", "Threads.", figures.threads),
        ("process_open_fds", "Open files.", figures.open_files),
        ("process_max_fds", "Files that may be open.", figures.open_files_max),
    ];
    for (name, help, value) in gauges {
        if let Some(value) = value {
            text.gauge(name, help).sample(&[], value);
        }
    }
}
