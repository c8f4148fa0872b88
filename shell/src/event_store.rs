//! The newest events in memory, numbered without gaps, and counts of all events.

use crate::inspection::wake;
use crate::record::{EventType, Record};
use namesrv_core::access::RefusalCause;
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::collections::{BTreeMap, VecDeque};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most events that are kept.
pub(crate) const EVENTS_MAX: usize = 10_000;
/// The most bytes of kept events, because peers may choose long names.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// The newest events and the counts of all events. Any thread may read them.
#[derive(Debug, Default)]
pub(crate) struct EventStore(Mutex<State>);

/// An event with its number.
#[derive(Clone, Debug)]
pub(crate) struct Numbered {
    pub(crate) seq: u64,
    pub(crate) record: Arc<Record>,
}

#[derive(Debug, Default)]
struct State {
    /// The oldest first.
    records: VecDeque<Arc<Record>>,
    bytes: usize,
    /// Number of events that were dropped before these.
    dropped: u64,
    counts: Counts,
    /// The next event wakes this descriptor.
    waker: Option<Arc<OwnedFd>>,
}

/// Counts since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Administrators' requests that were handled.
    pub(crate) writes: u64,
    /// Refused requests, by code and cause.
    pub(crate) refusals: BTreeMap<(i32, RefusalCause), u64>,
    /// Requests that counted because of a user's previous secret, by user.
    pub(crate) previous_secrets: BTreeMap<Arc<str>, u64>,
    /// Requests that would have been refused if the rules were enforced.
    pub(crate) observed: BTreeMap<(i32, RefusalCause), u64>,
    /// Events by the name of their type, including those that were not kept.
    pub(crate) events: BTreeMap<&'static str, u64>,
}

/// The numbers of the oldest and the newest event; 1 and 0 while there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) first: u64,
    pub(crate) last: u64,
}

impl EventStore {
    /// Keeps an event, and counts it.
    pub(crate) fn keep(&self, record: Record) {
        let mut state = self.state();
        *state.counts.events.entry(record.event().name()).or_default() += 1;
        state.bytes += record.bytes();
        state.records.push_back(Arc::new(record));
        while state.records.len() > EVENTS_MAX || state.bytes > BYTES_MAX {
            let Some(oldest) = state.records.pop_front() else { break };
            state.bytes -= oldest.bytes();
            state.dropped += 1;
        }
        if let Some(waker) = state.waker.take() {
            wake(&waker);
        }
    }

    /// Counts an event that is not kept, because there are too many of its kind.
    pub(crate) fn count_left_out(&self, event: EventType) {
        *self.state().counts.events.entry(event.name()).or_default() += 1;
    }

    /// Returns the first `limit` events after number `after`, oldest first. An empty `types` means all types.
    pub(crate) fn after(&self, after: u64, types: &[EventType], limit: usize) -> Vec<Numbered> {
        let state = self.state();
        let skipped = usize::try_from(after.saturating_sub(state.dropped)).unwrap_or(usize::MAX);
        state.numbered().skip(skipped).filter(|event| event.is_of(types)).take(limit).collect()
    }

    /// Returns the last `limit` events, oldest first. An empty `types` means all types.
    pub(crate) fn newest(&self, types: &[EventType], limit: usize) -> Vec<Numbered> {
        let state = self.state();
        let mut newest: Vec<_> = state.numbered().rev().filter(|event| event.is_of(types)).take(limit).collect();
        newest.reverse();
        newest
    }

    /// Returns the numbers of the kept events.
    pub(crate) fn range(&self) -> Range {
        let state = self.state();
        Range { first: state.dropped + 1, last: state.dropped + state.records.len() as u64 }
    }

    /// Makes the next event wake this descriptor, once.
    pub(crate) fn wake(&self, waker: &Arc<OwnedFd>) {
        self.state().waker = Some(Arc::clone(waker));
    }

    /// Returns the counts since the start.
    pub(crate) fn counts(&self) -> Counts {
        self.state().counts.clone()
    }

    pub(crate) fn count_write(&self) {
        self.state().counts.writes += 1;
    }

    pub(crate) fn count_refusal(&self, code: i32, cause: RefusalCause) {
        *self.state().counts.refusals.entry((code, cause)).or_default() += 1;
    }

    pub(crate) fn count_observed(&self, code: i32, cause: RefusalCause) {
        *self.state().counts.observed.entry((code, cause)).or_default() += 1;
    }

    pub(crate) fn count_previous_secret(&self, user: &Arc<str>) {
        *self.state().counts.previous_secrets.entry(Arc::clone(user)).or_default() += 1;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn numbered(&self) -> impl DoubleEndedIterator<Item = Numbered> + ExactSizeIterator {
        let first = self.dropped + 1;
        self.records
            .iter()
            .enumerate()
            .map(move |(index, record)| Numbered { seq: first + index as u64, record: Arc::clone(record) })
    }
}

impl Numbered {
    fn is_of(&self, types: &[EventType]) -> bool {
        types.is_empty() || types.contains(&self.record.event())
    }
}

impl Serialize for Numbered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("seq", &self.seq)?;
        self.record.write_to(&mut map)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use namesrv_core::time::WallTime;
    use rustix::event::{EventfdFlags, eventfd};

    fn record(event: EventType, text: &str) -> Record {
        Record::new(event, WallTime::from_millis(1_764_299_520_000)).with("broker", text)
    }

    fn seqs(events: &[Numbered]) -> Vec<u64> {
        events.iter().map(|event| event.seq).collect()
    }

    #[test]
    fn events_are_numbered_without_gaps_and_the_newest_are_kept() {
        let store = EventStore::default();
        assert_eq!(store.range(), Range { first: 1, last: 0 });
        for number in 0..EVENTS_MAX as u64 + 5 {
            let event = if number % 2 == 0 { EventType::BrokerLeft } else { EventType::BrokerChanged };
            store.keep(record(event, "a"));
        }
        let last = EVENTS_MAX as u64 + 5;
        assert_eq!(store.range(), Range { first: 6, last });
        assert_eq!(seqs(&store.after(0, &[], 3)), [6, 7, 8], "those before are gone");
        assert_eq!(seqs(&store.after(8, &[], 2)), [9, 10]);
        assert_eq!(seqs(&store.after(8, &[EventType::BrokerLeft], 2)), [9, 11]);
        assert_eq!(seqs(&store.after(last - 1, &[], 9)), [last]);
        assert_eq!(seqs(&store.after(last, &[], 9)), [0; 0]);
        assert_eq!(seqs(&store.after(u64::MAX, &[], 9)), [0; 0]);
        assert_eq!(seqs(&store.newest(&[], 2)), [last - 1, last]);
        assert_eq!(seqs(&store.newest(&[EventType::BrokerChanged], 2)), [last - 3, last - 1]);
        store.count_left_out(EventType::BrokerLeft);
        let half = EVENTS_MAX as u64 / 2;
        assert_eq!(store.counts().events, [("broker_changed", half + 2), ("broker_left", half + 4)].into());
    }

    #[test]
    fn long_names_do_not_take_more_memory_than_there_is_for_them() {
        let store = EventStore::default();
        let long = "\u{1f980}".repeat(256);
        for _ in 0..EVENTS_MAX {
            let fields = ["broker", "cluster", "address", "topic", "user", "key", "before", "after"];
            store.keep(fields.iter().fold(record(EventType::KvPut, &long), |record, field| record.with(field, &long)));
        }
        let Range { first, last } = store.range();
        assert_eq!(last, EVENTS_MAX as u64);
        let kept = last + 1 - first;
        assert!((1000..2000).contains(&kept), "{kept}");
        assert_eq!(store.after(0, &[], 1)[0].seq, first);
    }

    #[test]
    fn the_next_event_wakes_who_waits_for_it_once() {
        let store = EventStore::default();
        let waker = Arc::new(eventfd(0, EventfdFlags::NONBLOCK).unwrap());
        store.wake(&waker);
        (0..3).for_each(|_| store.keep(record(EventType::Reload, "a")));
        let mut count = [0; 8];
        rustix::io::read(&waker, &mut count).unwrap();
        assert_eq!(u64::from_ne_bytes(count), 1);
    }
}
