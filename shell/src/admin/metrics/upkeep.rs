//! Metrics of files, configuration, certificates and the log.

use super::super::exposition::Exposition;
use super::super::site::{Parts, Site};
use crate::counters::{Counters, EDGES};
use namesrv_core::time::WallTime;
use std::time::{Duration, UNIX_EPOCH};

/// Writes all of these metrics.
pub(super) fn upkeep(text: &mut Exposition, site: &Site, parts: &Parts) {
    saves(text, &parts.counters);
    reloads(text, site, &parts.counters);
    tls(text, parts);
    text.counter(
        "rocketmq_namesrv_log_lines_dropped_total",
        "Log lines that were lost: they are not read fast enough.",
    );
    text.sample(&[], parts.lost_lines.count());
}

fn saves(text: &mut Exposition, counters: &Counters) {
    const FILES: [&str; 3] = ["kv", "config", "snapshot"];
    text.counter("rocketmq_namesrv_saves_total", "Files that were saved, or could not be.");
    for (file, counts) in FILES.into_iter().zip(&counters.saves) {
        for (result, count) in ["ok", "failed"].into_iter().zip(counts) {
            text.sample(&[("file", file), ("result", result)], count.get());
        }
    }
    text.histogram("rocketmq_namesrv_save_duration_seconds", "Time of encoding and writing a file, good or not.");
    for (file, times) in FILES.into_iter().zip(&counters.save_times) {
        text.buckets(&[("file", file)], &times.snapshot(), &EDGES, 1.0);
    }
    if let Some((written, bytes)) = counters.snapshot.get() {
        text.gauge("rocketmq_namesrv_snapshot_timestamp_seconds", "When the snapshot of routes was written.");
        text.sample(&[], written.as_secs_f64());
        text.gauge("rocketmq_namesrv_snapshot_bytes", "Bytes of the snapshot of routes.").sample(&[], bytes);
    }
}

/// The start counts as the first successful reload.
fn reloads(text: &mut Exposition, site: &Site, counters: &Counters) {
    let reloads = &counters.reloads;
    text.counter("rocketmq_namesrv_config_reloads_total", "How often the configuration was read again.");
    for (result, count) in [("ok", &reloads.ok), ("failed", &reloads.failed)] {
        text.sample(&[("result", result)], count.get());
    }
    text.gauge("rocketmq_namesrv_config_last_reload_successful", "Whether the configuration was good when last read.");
    text.sample(&[], u8::from(reloads.is_good()));
    let now = site.now();
    let started = WallTime::from_millis(now.wall.as_millis().saturating_sub(now.monotonic.as_millis()));
    let last = reloads.last_success().unwrap_or(started);
    text.gauge(
        "rocketmq_namesrv_config_last_reload_success_timestamp_seconds",
        "When the configuration that is in effect was read.",
    );
    text.sample(&[], Duration::from_millis(last.as_millis()).as_secs_f64());
}

/// TLS towards clients.
fn tls(text: &mut Exposition, Parts { tls, .. }: &Parts) {
    text.counter("rocketmq_namesrv_tls_handshakes_total", "TLS handshakes of clients, by how they ended.");
    for (result, count) in tls.handshakes().by_label() {
        text.sample(&[("result", result)], count);
    }
    let figures = tls.figures();
    text.counter("rocketmq_namesrv_tls_reloads_total", "Changes of the files of TLS.");
    let (ok, failed) = figures.map_or((0, 0), |figures| (figures.reloads, figures.failed_reloads));
    for (result, count) in [("ok", ok), ("failed", failed)] {
        text.sample(&[("result", result)], count);
    }
    text.gauge("rocketmq_namesrv_tls_certificate_expiry_timestamp_seconds", "When the first certificate to end does.");
    if let Some(expires) = figures.and_then(|figures| figures.certificate_expires) {
        text.sample(&[], expires.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs());
    }
}
