//! Families of metrics, each with one source.

use super::super::exposition::{Exposition, cut};
use super::super::health;
use super::super::site::{Found, Parts, Site};
use super::labels::{code_label, refusal_label};
use crate::build::Build;
use crate::counters::{CLOSE_REASONS, Counters, DEPARTURES, EDGES};
use crate::event_store::{Counts, EventStore};
use crate::journal::FRAME_FAULTS;
use crate::lifecycle::Stage;
use crate::record::EventType;
use namesrv_core::access::RefusalCause;
use namesrv_core::report::Report;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The server itself.
pub(super) fn server(text: &mut Exposition, site: &Site) {
    text.gauge("rocketmq_nameserver_up", "Always 1.").sample(&[], 1);
    let Build { runtime, revision } = site.build;
    let labels = [("version", env!("CARGO_PKG_VERSION")), ("revision", revision), ("runtime", runtime)];
    text.gauge("rocketmq_namesrv_build_info", "Always 1.").sample(&labels, 1);
    let is_ready = health::is_ready(site);
    text.gauge("rocketmq_namesrv_ready", "Whether /readyz says so.").sample(&[], u8::from(is_ready));
    let stage = site.stage();
    text.gauge("rocketmq_namesrv_state", "1 for the state that the server is in.");
    let states = [
        ("starting", stage == Stage::Starting),
        ("warming", stage == Stage::Serving && !is_ready),
        ("ready", stage == Stage::Serving && is_ready),
        ("draining", stage.is_stopping()),
    ];
    for (state, is_so) in states {
        text.sample(&[("state", state)], u8::from(is_so));
    }
    text.counter("rocketmq_namesrv_admin_requests_total", "Requests to this port.");
    for ((path, code), count) in &*site.requests.borrow() {
        text.sample(&[("path", path), ("code", &code.to_string())], count);
    }
}

/// Connections, and what they hold.
pub(super) fn connections(text: &mut Exposition, parts: &Parts) {
    let Parts { counters, quotas, .. } = parts;
    text.gauge("rocketmq_namesrv_connections", "Open connections.").sample(&[], quotas.connections());
    text.counter("rocketmq_namesrv_connections_opened_total", "Connections that were accepted.");
    text.sample(&[], counters.opened());
    text.counter("rocketmq_namesrv_connections_closed_total", "Connections that were closed, by reason.");
    for (reason, count) in CLOSE_REASONS.into_iter().zip(counters.closed()) {
        text.sample(&[("reason", reason)], count);
    }
    text.counter("rocketmq_namesrv_received_bytes_total", "Bytes of requests.").sample(&[], counters.read_bytes());
    text.counter("rocketmq_namesrv_sent_bytes_total", "Bytes of answers.").sample(&[], counters.written_bytes());
    text.gauge("rocketmq_namesrv_unread_output_bytes", "Bytes of answers that clients did not read yet.");
    text.sample(&[], quotas.output_bytes());
    text.gauge("rocketmq_namesrv_incomplete_input_bytes", "Bytes of requests that are incomplete or wait.");
    text.sample(&[], quotas.input_bytes());
}

/// The registry thread.
pub(super) fn registry(text: &mut Exposition, parts: &Parts, found: &Found) {
    let Parts { counters, quotas, events, .. } = parts;
    registrations(text, counters);
    text.gauge("rocketmq_namesrv_registry_queue_requests", "Requests that wait for the registry.");
    text.sample(&[], quotas.queue().requests());
    text.gauge("rocketmq_namesrv_registry_queue_bytes", "Bytes of requests that wait for the registry.");
    text.sample(&[], quotas.queue().bytes());
    text.gauge("rocketmq_namesrv_registry_delay_seconds", "How long this scrape waited for the registry.");
    text.sample(&[], found.delay.as_secs_f64());
    text.histogram("rocketmq_namesrv_registry_batch_duration_seconds", "Time of a batch of requests.");
    text.buckets(&[], &counters.batches.snapshot(), &EDGES, 1.0);
    text.counter("rocketmq_namesrv_views_published_total", "Views that were published.");
    text.sample(&[], counters.views.get());
    text.gauge("rocketmq_namesrv_registry_bytes_limit", "The value of registryBytesMax.");
    text.sample(&[], quotas.limits().registry_bytes_max);
    if let Some(report) = &found.report {
        text.gauge("rocketmq_namesrv_registry_bytes", "Approximate bytes of all that is registered.");
        text.sample(&[], report.registry_bytes);
        text.gauge("rocketmq_namesrv_kv_entries", "KV entries.").sample(&[], report.kv_entries);
    }
    denials(text, events);
    refused_frames(text, counters);
    previous_secrets(text, events);
    event_counts(text, events);
    limit_hits(text, counters);
    text.counter("rocketmq_namesrv_pauses_total", "Times that the server could not run.");
    text.sample(&[], counters.pauses.get());
    text.counter("rocketmq_namesrv_pause_seconds_total", "Time in which the server could not run.");
    text.sample(&[], Duration::from_millis(counters.pause_millis.get()).as_secs_f64());
}

fn registrations(text: &mut Exposition, counters: &Counters) {
    let counted = &counters.registrations;
    text.counter("rocketmq_namesrv_registrations_total", "Registrations by kind and result.");
    let rows = [
        ("full", "applied", &counted.full),
        ("unchanged", "applied", &counted.unchanged),
        ("single", "applied", &counted.single),
        ("full", "refused", &counted.full_refused),
        ("single", "refused", &counted.single_refused),
        ("full", "lost_conflict", &counted.lost_conflict),
    ];
    for (kind, result, count) in rows {
        text.sample(&[("kind", kind), ("result", result)], count.get());
    }
    text.counter("rocketmq_namesrv_registration_bytes_total", "Bytes of the bodies of applied registrations.");
    text.sample(&[], counted.bytes.get());
    text.counter("rocketmq_namesrv_registration_topics_total", "Topics of applied registrations, but for repetitions.");
    text.sample(&[], counted.topics.get());
    text.counter("rocketmq_namesrv_evictions_total", "Brokers that left, by reason.");
    for (reason, count) in DEPARTURES.into_iter().zip(&counters.departures) {
        text.sample(&[("reason", reason)], count.get());
    }
}

/// What access control refused, and what it would refuse if the rules were enforced.
fn denials(text: &mut Exposition, events: &EventStore) {
    let Counts { refusals, observed, .. } = events.counts();
    let mut write = |name, help, counts: BTreeMap<(i32, RefusalCause), u64>| {
        text.counter(name, help);
        for ((code, cause), count) in counts {
            text.sample(&[("request_code", &code_label(code)), ("reason", refusal_label(cause))], count);
        }
    };
    write("rocketmq_namesrv_auth_denied_total", "Requests that access control refused.", refusals);
    let help = "Requests that access control would refuse if it were not only observed.";
    write("rocketmq_namesrv_auth_would_deny_total", help, observed);
}

/// Refused frames, by fault.
fn refused_frames(text: &mut Exposition, counters: &Counters) {
    text.counter("rocketmq_namesrv_frames_refused_total", "Frames that were refused, by what is wrong with them.");
    let counts = counters.journals.refused_counts();
    for reason in FRAME_FAULTS {
        text.sample(&[("reason", reason)], counts.get(reason).copied().unwrap_or_default());
    }
}

/// Configured users that still sign with a secret that is being replaced.
fn previous_secrets(text: &mut Exposition, events: &EventStore) {
    let help = "Requests that counted because of the previous secret of a user.";
    text.counter("rocketmq_namesrv_auth_previous_secret_total", help);
    for (user, count) in events.counts().previous_secrets {
        text.sample(&[("user", &user)], count);
    }
}

/// How often limits were reached.
fn limit_hits(text: &mut Exposition, counters: &Counters) {
    text.counter("rocketmq_namesrv_limit_hits_total", "How often limits were reached, by their key.");
    for (limit, count) in counters.limit_hits() {
        text.sample(&[("limit", limit)], count);
    }
}

/// Events by their type.
fn event_counts(text: &mut Exposition, events: &EventStore) {
    text.counter("rocketmq_namesrv_events_total", "Events, by type.");
    let counts = events.counts().events;
    for event in EventType::ALL {
        text.sample(&[("type", event.name())], counts.get(event.name()).copied().unwrap_or_default());
    }
}

/// When each broker was last heard from. With more than `metricsBrokersMax` brokers, only their number.
pub(super) fn members(text: &mut Exposition, site: &Site, report: &Report) {
    let is_cut = report.has_more || report.members.len() > site.settings.metrics_brokers_max;
    text.gauge("rocketmq_namesrv_series_left_out", "Whether there are more brokers than metricsBrokersMax.");
    text.sample(&[], u8::from(is_cut));
    if is_cut {
        return;
    }
    text.gauge("rocketmq_namesrv_broker_last_heartbeat_timestamp_seconds", "When a broker was last heard of.");
    let wall = Duration::from_millis(site.now().wall.as_millis());
    let mut written = BTreeSet::new();
    for member in &report.members {
        let broker = &member.broker;
        let id = broker.id.to_string();
        // Different long names may become equal when they are shortened, and no series may occur twice.
        if !written.insert((cut(&broker.cluster), cut(&broker.name), broker.id)) {
            continue;
        }
        let labels = [("cluster", &*broker.cluster), ("broker", &*broker.name), ("broker_id", &*id)];
        text.sample(&labels, wall.saturating_sub(member.silent).as_secs_f64());
    }
}

/// When each thread last made progress.
pub(super) fn threads(text: &mut Exposition, site: &Site, parts: &Parts) {
    text.gauge("rocketmq_namesrv_thread_last_progress_timestamp_seconds", "When a thread last went round.");
    let now = site.now();
    for (thread, at) in parts.counters.progress.threads() {
        let wall = Duration::from_millis(now.wall.as_millis()).saturating_sub(now.monotonic.since(at));
        text.sample(&[("thread", &thread)], wall.as_secs_f64());
    }
}
