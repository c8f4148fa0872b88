//! What a server without routes waits for before it reports that it is ready.

use namesrv_core::route::RouteView;
use namesrv_core::time::Instant;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The brokers that a server waits for after its start, and for how long.
#[derive(Debug)]
pub struct Expectation {
    until: Instant,
    /// Names of groups with identifiers; `None` if nobody knows which brokers to expect.
    brokers: Option<Vec<(String, i64)>>,
    /// Whether it was met once. After that it stays met.
    is_met: AtomicBool,
}

impl Expectation {
    /// Expects nothing: the server is ready at once.
    #[must_use]
    pub const fn nothing() -> Self {
        Self { until: Instant::START, brokers: None, is_met: AtomicBool::new(true) }
    }

    /// Expects unknown brokers: the server waits the whole time.
    pub(crate) fn of_anybody(within: Duration) -> Self {
        Self { until: Instant::START + within, brokers: None, is_met: AtomicBool::new(within.is_zero()) }
    }

    /// Expects these brokers, but for no longer than this time after the start.
    pub(crate) fn of_brokers(brokers: Vec<(String, i64)>, within: Duration) -> Self {
        Self { brokers: Some(brokers), ..Self::of_anybody(within) }
    }

    /// Returns what the server still waits for, in words, or `None`. Once the server is ready it stays ready.
    #[must_use]
    pub fn fault(&self, view: &RouteView, now: Instant) -> Option<String> {
        if self.is_met.load(Ordering::Relaxed) {
            return None;
        }
        let left = self.until.since(now);
        let missing = self.brokers.as_ref().map(|brokers| {
            let missing = brokers.iter().filter(|(name, id)| !view.has_broker(name, *id)).count();
            (missing, brokers.len())
        });
        if left.is_zero() || missing.is_some_and(|(missing, _)| missing == 0) {
            self.is_met.store(true, Ordering::Relaxed);
            return None;
        }
        let seconds = left.as_secs() + 1;
        Some(match missing {
            Some((missing, all)) => format!("waiting for {missing} of {all} brokers, {seconds} s left"),
            None => format!("waiting for brokers, {seconds} s left"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use namesrv_core::config::Configuration;
    use namesrv_core::initial_state::InitialState;
    use namesrv_core::node::{Node, Output};
    use namesrv_core::time::Now;

    fn fault(expectation: &Expectation, millis: u64) -> Option<String> {
        let initial = InitialState::new([0; 16], Configuration::default());
        let Some(Output::Publish(view)) = Node::new(initial, Now::default()).poll_output() else { panic!("no view") };
        expectation.fault(&view, Instant::from_millis(millis))
    }

    #[test]
    fn every_wait_ends() {
        assert_eq!(fault(&Expectation::nothing(), 0), None);
        assert_eq!(fault(&Expectation::of_anybody(Duration::ZERO), 0), None);
        let anybody = Expectation::of_anybody(Duration::from_secs(10));
        assert_eq!(fault(&anybody, 500).as_deref(), Some("waiting for brokers, 10 s left"));
        assert_eq!(fault(&anybody, 10_000), None);
        assert_eq!(fault(&anybody, 0), None, "it does not begin anew");
        let brokers = vec![("b".to_owned(), 0), ("b".to_owned(), 1)];
        let known = Expectation::of_brokers(brokers, Duration::from_secs(10));
        assert_eq!(fault(&known, 9_500).as_deref(), Some("waiting for 2 of 2 brokers, 1 s left"));
        assert_eq!(fault(&known, 10_000), None);
        assert_eq!(fault(&Expectation::of_brokers(Vec::new(), Duration::from_secs(10)), 0), None);
    }
}
