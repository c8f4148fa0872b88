//! Requests of the operator to stop. The first one begins to drain, if a time for that is configured, and then the
//! server stops.
//!
//! A draining server still serves everything, so that load balancers and lists of addresses have time to send clients
//! elsewhere.

use crate::queue::QueueSender;
use crate::shutdown::Shutdown;
use crate::threads;
use namesrv_core::node::Input;
use namesrv_core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use tracing::{info, warn};

/// Drains and stops the server.
#[derive(Debug)]
pub(crate) struct Drain {
    shutdown: Shutdown,
    queue: QueueSender,
    /// How long the server drains.
    lasts: Duration,
    has_begun: bool,
    /// Whether the node has been told to stop.
    is_over: Arc<AtomicBool>,
}

impl Drain {
    pub(crate) fn new(shutdown: &Shutdown, queue: &QueueSender, lasts: Duration) -> Self {
        let (shutdown, queue) = (shutdown.clone(), queue.clone());
        Self { shutdown, queue, lasts, has_begun: false, is_over: Arc::default() }
    }

    /// Handles a request to stop. Returns false if the server is already stopping.
    pub(crate) fn handle_stop(&mut self) -> bool {
        self.begin() || end(&self.is_over, &self.queue)
    }

    /// Begins to drain. Returns false if no time to drain is configured.
    fn begin(&mut self) -> bool {
        if self.has_begun || self.lasts.is_zero() || !self.shutdown.is_serving() {
            return false;
        }
        self.has_begun = true;
        self.shutdown.begin(self.lasts);
        info!(seconds = self.lasts.as_secs(), "draining: everything is served until then; a second signal ends it");
        let (lasts, is_over, queue) = (self.lasts, Arc::clone(&self.is_over), self.queue.clone());
        let timer = threads::named("drain").spawn(move || {
            thread::sleep(lasts);
            end(&is_over, &queue);
        });
        if let Err(error) = &timer {
            warn!(%error, "the server stops without draining");
        }
        timer.is_ok()
    }

    /// Whether the server was told to stop.
    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun || self.is_over.load(Ordering::Relaxed)
    }
}

/// Tells the node to stop. Returns false if it was told already.
fn end(is_over: &AtomicBool, queue: &QueueSender) -> bool {
    let is_first = !is_over.swap(true, Ordering::Relaxed);
    if is_first {
        queue.push(Input::Stop);
    }
    is_first
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::lifecycle::{Lifecycle, Stage};
    use crate::queue::queue;
    use crate::quota::SharedQuotas;
    use namesrv_core::config::Limits;

    #[test]
    fn without_time_to_drain_the_first_request_stops_the_server() {
        for (stage, seconds) in [(Stage::Serving, 0), (Stage::Starting, 3600)] {
            let (queue, receiver) = queue(&SharedQuotas::shared(&Limits::default()));
            let lifecycle = Arc::new(Lifecycle::default());
            lifecycle.enter(stage);
            let shutdown = Shutdown::new(&lifecycle, Arc::default(), Clock::start());
            let mut drain = Drain::new(&shutdown, &queue, Duration::from_secs(seconds));
            assert!(drain.handle_stop());
            assert_eq!(receiver.waiting().collect::<Vec<_>>(), [Input::Stop]);
            assert!(!drain.handle_stop(), "the caller may end the process");
            assert_eq!(receiver.waiting().next(), None);
        }
    }
}
