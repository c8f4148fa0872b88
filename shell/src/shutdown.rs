//! The end of the server: tells other parts when it begins, and when it is complete.

use crate::clock::Clock;
use crate::event_store::EventStore;
use crate::lifecycle::{Lifecycle, Stage};
use crate::record::{EventType, Record};
use crate::service_manager::{self, Message};
use namesrv_core::time::Duration;
use std::sync::Arc;

/// How long the server may take to answer requests and save files in the end.
const END_TIME: Duration = Duration::from_secs(60);

/// Reports the end to every thread that needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown {
    lifecycle: Arc<Lifecycle>,
    events: Arc<EventStore>,
    clock: Clock,
}

impl Shutdown {
    pub(crate) fn new(lifecycle: &Arc<Lifecycle>, events: Arc<EventStore>, clock: Clock) -> Self {
        Self { lifecycle: Arc::clone(lifecycle), events, clock }
    }

    /// Whether the server has started and was not told to stop.
    pub(crate) fn is_serving(&self) -> bool {
        self.lifecycle.stage() == Stage::Serving
    }

    /// Announces, once, that the server begins to stop. Each time, asks the service manager to wait while the server
    /// goes on for `lasts`, and then ends.
    pub(crate) fn begin(&self, lasts: Duration) {
        if self.lifecycle.enter(Stage::Draining) {
            service_manager::notify(&[Message::Stopping]);
            self.keep(EventType::ServerDraining);
        }
        if !lasts.is_zero() {
            service_manager::notify(&[Message::ExtendTimeout(lasts + END_TIME)]);
        }
    }

    /// Announces that everything is answered and saved.
    pub(crate) fn complete(&self) {
        self.keep(EventType::ServerStopped);
        self.lifecycle.enter(Stage::Stopped);
    }

    fn keep(&self, event: EventType) {
        self.events.keep(Record::new(event, self.clock.now().wall));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_and_the_end_are_told_once() {
        let (lifecycle, events) = (Arc::new(Lifecycle::default()), Arc::new(EventStore::default()));
        lifecycle.enter(Stage::Serving);
        let shutdown = Shutdown::new(&lifecycle, Arc::clone(&events), Clock::start());
        shutdown.begin(Duration::ZERO);
        shutdown.clone().begin(Duration::ZERO);
        assert_eq!(lifecycle.stage(), Stage::Draining);
        shutdown.complete();
        assert_eq!(lifecycle.stage(), Stage::Stopped);
        let told: Vec<_> = events.newest(&[], 9).iter().map(|event| event.record.event()).collect();
        assert_eq!(told, [EventType::ServerDraining, EventType::ServerStopped]);
    }
}
