//! Logs the server's state in one line when an operator asks with a signal.

use crate::admin::Parts;
use crate::clock::Clock;
use crate::event_store::EventStore;
use crate::publisher::PublishedAt;
use crate::quota::SharedQuotas;
use arc_swap::ArcSwap;
use namesrv_core::route::RouteView;
use namesrv_core::time::Instant;
use std::fs;
use std::sync::Arc;
use tracing::info;

/// The sources of the figures. Reading them costs other threads nothing.
#[derive(Debug)]
pub(crate) struct Summary {
    clock: Clock,
    views: Arc<ArcSwap<RouteView>>,
    published_at: Arc<PublishedAt>,
    quotas: Arc<SharedQuotas>,
    events: Arc<EventStore>,
}

impl Summary {
    /// A summary of the parts that the admin thread looks at too.
    pub(crate) fn of(parts: &Parts, published_at: Arc<PublishedAt>, clock: Clock) -> Self {
        let Parts { views, quotas, events, .. } = parts;
        let (views, quotas, events) = (Arc::clone(views), Arc::clone(quotas), Arc::clone(events));
        Self { clock, views, published_at, quotas, events }
    }

    /// Logs the current figures.
    pub(crate) fn log(&self) {
        let view = self.views.load();
        let now = self.clock.now().monotonic;
        let counts = self.events.counts();
        info!(
            brokers = view.broker_count(),
            topics = view.topic_count(),
            connections = self.quotas.connections(),
            queued_requests = self.quotas.queue().requests(),
            administrators_requests = counts.writes,
            refused_requests = counts.refusals.values().sum::<u64>(),
            observed_refusals = counts.observed.values().sum::<u64>(),
            memory_kib = resident_kib(),
            route_age_seconds = now.since(self.published_at.get()).as_secs(),
            uptime_seconds = now.since(Instant::START).as_secs(),
            "state of the server"
        );
    }
}

/// Returns the resident memory of this process in KiB, or `None` if `/proc` is not mounted.
fn resident_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_its_memory() {
        assert!(resident_kib().is_some_and(|kib| kib > 100));
    }
}
