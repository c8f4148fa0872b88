//! The figures of the last hour, sampled by the admin thread.

use super::process_figures::ProcessFigures;
use crate::counters::{Counters, EDGES, Exchanges, REQUESTS, Snapshot};
use namesrv_core::time::{Duration, Instant};
use namesrv_core::wire::code::request;
use std::collections::VecDeque;

/// The interval of samples.
pub(super) const EVERY: Duration = Duration::from_secs(10);
/// Samples of an hour.
const SAMPLES_MAX: usize = 360;

/// The figures of one interval.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sample {
    /// Route queries per second.
    pub(super) queries: f32,
    /// Queries per second for topics without a route.
    pub(super) misses: f32,
    /// Registrations per second, including repeated ones.
    pub(super) registrations: f32,
    /// Milliseconds within which 99 % of the route queries were answered; `None` if there were no queries.
    pub(super) latency: Option<f32>,
    /// Memory in MiB.
    pub(super) memory: f32,
}

/// Samples, the oldest first.
#[derive(Debug, Default)]
pub(super) struct History {
    samples: VecDeque<Sample>,
    /// The counts at the last sample.
    last: Option<(Instant, Counts)>,
}

#[derive(Debug, Default)]
struct Counts {
    routes: Snapshot,
    misses: u64,
    registrations: u64,
}

impl History {
    pub(super) fn samples(&self) -> &VecDeque<Sample> {
        &self.samples
    }

    /// Takes a sample if it is time.
    pub(super) fn look(&mut self, counters: &Counters, now: Instant) {
        if self.last.as_ref().is_some_and(|(at, _)| now.since(*at) < EVERY) {
            return;
        }
        let counts = Counts::read(counters);
        if let Some((at, before)) = &self.last {
            let seconds = now.since(*at).as_secs_f32();
            let memory = ProcessFigures::read().resident_bytes.unwrap_or_default();
            if self.samples.len() == SAMPLES_MAX {
                self.samples.pop_front();
            }
            self.samples.push_back(counts.since(before, seconds, memory));
        }
        self.last = Some((now, counts));
    }
}

impl Counts {
    fn read(counters: &Counters) -> Self {
        let of = |code: i32| {
            let mut sum = Snapshot::default();
            let exchanges = counters.exchanges().flat_map(Exchanges::histograms);
            let wanted = exchanges.filter(|(request, ..)| REQUESTS.get(*request) == Some(&code));
            wanted.for_each(|(.., histogram)| sum.add(&histogram.snapshot()));
            sum
        };
        Self {
            routes: of(request::GET_ROUTEINFO_BY_TOPIC),
            misses: counters.route_misses(),
            registrations: of(request::REGISTER_BROKER).count(),
        }
    }

    fn since(&self, before: &Self, seconds: f32, memory: u64) -> Sample {
        let rate = |now: u64, before: u64| now.saturating_sub(before) as f32 / seconds.max(0.001);
        Sample {
            queries: rate(self.routes.count(), before.routes.count()),
            misses: rate(self.misses, before.misses),
            registrations: rate(self.registrations, before.registrations),
            latency: latency(&self.routes, &before.routes),
            memory: memory as f32 / (1024.0 * 1024.0),
        }
    }
}

/// Returns the edge within which 99 % of the new queries were answered, or the last edge if it took longer.
fn latency(now: &Snapshot, before: &Snapshot) -> Option<f32> {
    let count = now.count().saturating_sub(before.count());
    let is_within = |edge: &Duration| (now.count_within(*edge) - before.count_within(*edge)) * 100 >= count * 99;
    let edge = EDGES.into_iter().find(is_within).or(EDGES.last().copied())?;
    (count > 0).then_some(edge.as_secs_f32() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use namesrv_core::tally::Tally;
    use namesrv_core::wire::code::response;

    fn answer(counters: &Counters, count: u64, time: Duration) {
        let mut tally = Tally::default();
        tally.route_misses = count / 2;
        (0..count).for_each(|_| tally.note(request::GET_ROUTEINFO_BY_TOPIC, Some(response::SUCCESS)));
        counters.take_step(0, &mut tally, || time);
    }

    #[test]
    fn a_sample_is_what_happened_since_the_last_one() {
        let counters = Counters::new(1, Instant::START);
        let mut history = History::default();
        let at = |seconds| Instant::START + Duration::from_secs(seconds);
        answer(&counters, 500, Duration::from_secs(1));
        history.look(&counters, at(1));
        assert!(history.samples().is_empty(), "nobody knows when that was");
        answer(&counters, 196, Duration::from_micros(40));
        answer(&counters, 4, Duration::from_millis(90));
        history.look(&counters, at(9));
        assert!(history.samples().is_empty(), "it is not time yet");
        history.look(&counters, at(11));
        history.look(&counters, at(21));
        let [first, second] = [history.samples()[0], history.samples()[1]];
        assert_eq!((first.queries, first.misses, first.latency), (20.0, 10.0, Some(100.0)));
        assert_eq!((second.queries, second.registrations, second.latency), (0.0, 0.0, None));
        assert!(first.memory > 1.0);
        (3..1000).for_each(|number| history.look(&counters, at(number * 10 + 1)));
        assert_eq!(history.samples().len(), SAMPLES_MAX);
    }
}
