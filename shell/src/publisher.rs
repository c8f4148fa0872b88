//! Publishes views, and frees old ones once they have no readers.

use arc_swap::ArcSwap;
use namesrv_core::route::RouteView;
use namesrv_core::time::{Duration, Instant};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How often to check whether a replaced view still has readers.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The only writer of the newest view.
///
/// It keeps every replaced view until no I/O thread holds it. So a large view is always freed here, on the registry
/// thread, and never by an I/O thread whose clients would wait for that.
#[derive(Debug)]
pub(crate) struct Publisher {
    newest: Arc<ArcSwap<RouteView>>,
    replaced: Vec<Arc<RouteView>>,
    /// When to check again; set while it keeps replaced views.
    look_at: Option<Instant>,
    published_at: Arc<PublishedAt>,
}

/// When the newest view was published, for threads that only look.
#[derive(Debug, Default)]
pub(crate) struct PublishedAt(AtomicU64);

impl PublishedAt {
    /// Returns the instant of the last publication.
    pub(crate) fn get(&self) -> Instant {
        Instant::from_millis(self.0.load(Ordering::Relaxed))
    }
}

impl Publisher {
    /// Publishes to `newest`, which I/O threads read.
    pub(crate) fn new(newest: Arc<ArcSwap<RouteView>>) -> Self {
        Self { newest, replaced: Vec::new(), look_at: None, published_at: Arc::default() }
    }

    /// Returns the time of the last publication, shared with threads that only look.
    pub(crate) fn published_at(&self) -> Arc<PublishedAt> {
        Arc::clone(&self.published_at)
    }

    /// Replaces the view that I/O threads read from now on.
    pub(crate) fn publish(&mut self, view: Arc<RouteView>, now: Instant) {
        self.replaced.push(self.newest.swap(view));
        self.published_at.0.store(now.as_millis(), Ordering::Relaxed);
        self.retire(now);
    }

    /// Frees replaced views that no I/O thread holds any more, if it is time to check.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.look_at.is_some_and(|look_at| look_at <= now) {
            self.retire(now);
        }
    }

    /// Returns when to call [`handle_timeout`](Self::handle_timeout), or `None` while it keeps no replaced view.
    pub(crate) const fn poll_timeout(&self) -> Option<Instant> {
        self.look_at
    }

    fn retire(&mut self, now: Instant) {
        self.replaced.retain(|view| Arc::strong_count(view) > 1);
        self.look_at = (!self.replaced.is_empty()).then_some(now + LOOK_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use namesrv_core::config::Configuration;
    use namesrv_core::initial_state::InitialState;
    use namesrv_core::node::{Node, Output};
    use namesrv_core::time::Now;

    fn view() -> Arc<RouteView> {
        let initial = InitialState::new([0; 16], Configuration::default());
        let Some(Output::Publish(view)) = Node::new(initial, Now::default()).poll_output() else { panic!("no view") };
        view
    }

    #[test]
    fn a_view_is_kept_for_its_readers_and_then_freed() {
        let start = Instant::START;
        let newest = Arc::new(ArcSwap::new(view()));
        let mut publisher = Publisher::new(Arc::clone(&newest));
        let (read, freed) = (newest.load_full(), Arc::downgrade(&newest.load_full()));
        publisher.publish(view(), start);
        drop(read);
        assert!(freed.strong_count() > 0, "its last reader must not be the one that frees it");
        assert_eq!(publisher.poll_timeout(), Some(start + LOOK_EVERY));
        publisher.handle_timeout(start);
        assert!(freed.strong_count() > 0, "looked too early");
        publisher.handle_timeout(start + LOOK_EVERY);
        assert_eq!(freed.strong_count(), 0);
        assert_eq!(publisher.poll_timeout(), None);
    }

    #[test]
    fn a_view_that_nobody_reads_is_freed_at_once() {
        let newest = Arc::new(ArcSwap::new(view()));
        let mut publisher = Publisher::new(Arc::clone(&newest));
        let freed = Arc::downgrade(&newest.load_full());
        publisher.publish(view(), Instant::START);
        assert_eq!(freed.strong_count(), 0);
        assert_eq!(publisher.poll_timeout(), None);
    }
}
