//! Counters since the start. Each thread counts in its own memory, and readers add up the counts. Counting takes no
//! lock, and queries that arrive together are counted together.

mod counter;
mod exchanges;
mod histogram;
mod reloads;

pub(crate) use counter::Counter;
pub(crate) use exchanges::{Exchanges, REQUESTS, RESPONSES, ResponseLabel};
pub(crate) use histogram::{EDGES, Histogram, Snapshot};
use reloads::ReloadFigures;

use crate::journal::Journals;
use crate::progress::Progress;
use namesrv_core::Peer;
use namesrv_core::config::Limits;
use namesrv_core::connection::CloseReason;
use namesrv_core::event::{Event, EvictionCause, RefusalReason};
use namesrv_core::output;
use namesrv_core::save::SaveFile;
use namesrv_core::tally::Tally;
use namesrv_core::time::{Instant, WallTime};
use namesrv_core::wire::FrameError;
use std::array;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// All counters.
#[derive(Debug)]
pub struct Counters {
    /// When each thread last made progress.
    pub progress: Progress,
    /// What went wrong, as I/O threads remember it.
    pub(crate) journals: Journals,
    /// One for each I/O thread.
    io: Box<[IoCounters]>,
    /// Requests that the registry has answered.
    pub(crate) registry: Exchanges,
    pub(crate) batches: Histogram,
    pub(crate) views: Counter,
    pub(crate) registrations: RegistrationCounters,
    /// In the order of [`DEPARTURES`].
    pub(crate) departures: [Counter; DEPARTURES.len()],
    /// By file, and by whether the save succeeded.
    pub(crate) saves: [[Counter; 2]; 3],
    /// By file.
    pub(crate) save_times: [Histogram; 3],
    pub(crate) reloads: ReloadFigures,
    pub(crate) snapshot: SnapshotFigures,
    /// In the order of [`LIMITS`].
    limit_hits: [Counter; LIMITS.len()],
    pub(crate) pauses: Counter,
    pub(crate) pause_millis: Counter,
}

/// The counters of one I/O thread, on separate cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
struct IoCounters {
    exchanges: Exchanges,
    route_misses: Counter,
    read_bytes: Counter,
    written_bytes: Counter,
    opened: Counter,
    closed: [Counter; CLOSE_REASONS.len()],
}

/// Registrations by their outcome.
#[derive(Debug, Default)]
pub(crate) struct RegistrationCounters {
    pub(crate) full: Counter,
    pub(crate) unchanged: Counter,
    pub(crate) single: Counter,
    pub(crate) full_refused: Counter,
    pub(crate) single_refused: Counter,
    pub(crate) lost_conflict: Counter,
    pub(crate) bytes: Counter,
    pub(crate) topics: Counter,
}

/// The snapshot of routes on the disk.
#[derive(Debug, Default)]
pub(crate) struct SnapshotFigures {
    millis: AtomicU64,
    bytes: AtomicU64,
}

impl SnapshotFigures {
    /// Notes a snapshot of this many bytes, written at this time.
    pub(crate) fn set(&self, written: WallTime, bytes: usize) {
        self.bytes.store(bytes as u64, Ordering::Relaxed);
        self.millis.store(written.as_millis(), Ordering::Relaxed);
    }

    /// Returns when it was written and its bytes, or `None` without a snapshot.
    pub(crate) fn get(&self) -> Option<(Duration, u64)> {
        let millis = self.millis.load(Ordering::Relaxed);
        (millis > 0).then(|| (Duration::from_millis(millis), self.bytes.load(Ordering::Relaxed)))
    }
}

/// Why brokers leave.
pub(crate) const DEPARTURES: [&str; 6] =
    ["expired", "disconnected", "unregistered", "replaced", "conflict_lost", "unconfirmed"];

/// Why connections are closed.
pub(crate) const CLOSE_REASONS: [&str; 9] = [
    "end_of_stream",
    "stopped",
    "malformed",
    "broker_expired",
    "output_full",
    "input_full",
    "idle",
    "slow_frame",
    "handshake",
];

/// The key that limits connections.
pub(crate) const CONNECTIONS_LIMIT: &str = Limits::connections_max.key.name;

/// The keys of limits that clients can reach.
const LIMITS: [&str; 5] = [
    CONNECTIONS_LIMIT,
    Limits::registry_bytes_max.key.name,
    Limits::unread_output_bytes_max.key.name,
    Limits::incomplete_input_bytes_max.key.name,
    Limits::frame_bytes_max.key.name,
];

impl Counters {
    /// Counters for this many I/O threads, starting now.
    pub(crate) fn new(io_threads: usize, now: Instant) -> Self {
        Self {
            progress: Progress::new(io_threads, now),
            journals: Journals::new(io_threads),
            io: (0..io_threads).map(|_| IoCounters::default()).collect(),
            registry: Exchanges::default(),
            batches: Histogram::default(),
            views: Counter::default(),
            registrations: RegistrationCounters::default(),
            departures: array::from_fn(|_| Counter::default()),
            saves: Default::default(),
            save_times: Default::default(),
            reloads: ReloadFigures::default(),
            snapshot: SnapshotFigures::default(),
            limit_hits: Default::default(),
            pauses: Counter::default(),
            pause_millis: Counter::default(),
        }
    }

    /// As [`new`](Self::new), with the time and the bytes of a snapshot that was found.
    pub(crate) fn with_snapshot(io_threads: usize, now: Instant, snapshot: Option<(WallTime, usize)>) -> Self {
        let counters = Self::new(io_threads, now);
        if let Some((written, bytes)) = snapshot {
            counters.snapshot.set(written, bytes);
        }
        counters
    }

    /// Adds the tally of one step of a connection of this I/O thread, `elapsed` after the read.
    pub(crate) fn take_step(&self, io_thread: usize, tally: &mut Tally, elapsed: impl FnOnce() -> Duration) {
        let Some(io) = self.io.get(io_thread) else { return };
        let take = |counter: &Counter, number: &mut u64| match std::mem::take(number) {
            0 => {}
            more => counter.add(more),
        };
        take(&io.read_bytes, &mut tally.read_bytes);
        take(&io.written_bytes, &mut tally.written_bytes);
        take(&io.route_misses, &mut tally.route_misses);
        if !tally.is_empty() {
            let elapsed = elapsed();
            tally.drain().for_each(|(exchange, count)| io.exchanges.add(exchange, count, elapsed));
        }
    }

    /// Adds the tally of one batch of the registry, `elapsed` after its first request arrived.
    pub(crate) fn take_batch(&self, tally: &mut Tally, elapsed: Duration) {
        tally.drain().for_each(|(exchange, count)| self.registry.add(exchange, count, elapsed));
        let done = std::mem::take(&mut tally.registrations);
        self.registrations.full.add(done.full);
        self.registrations.unchanged.add(done.unchanged);
        self.registrations.single.add(done.single);
        self.registrations.bytes.add(done.bytes);
        self.registrations.topics.add(done.topics);
    }

    pub(crate) fn note_opened(&self, io_thread: usize) {
        if let Some(io) = self.io.get(io_thread) {
            io.opened.add(1);
        }
    }

    /// Notes a connection that was refused because the limit is reached.
    pub(crate) fn note_full(&self, peer: Peer) {
        self.journals.note_refused_connection(peer);
        self.limit_hits[0].add(1);
    }

    /// Returns how often each limit was reached, by key.
    pub(crate) fn limit_hits(&self) -> Vec<(&'static str, u64)> {
        LIMITS.into_iter().zip(&self.limit_hits).map(|(key, count)| (key, count.get())).collect()
    }

    pub(crate) fn note_closed(&self, io_thread: usize, reason: &CloseReason) {
        match reason {
            CloseReason::OutputFull { .. } => self.limit_hits[2].add(1),
            CloseReason::InputFull { .. } => self.limit_hits[3].add(1),
            CloseReason::Malformed(FrameError::TooLong { .. }) => self.limit_hits[4].add(1),
            CloseReason::EndOfStream
            | CloseReason::Stopped
            | CloseReason::Malformed(_)
            | CloseReason::Registry(_)
            | CloseReason::Idle
            | CloseReason::SlowFrame
            | CloseReason::SlowHandshake => {}
        }
        self.note_closed_for(io_thread, index_of(reason));
    }

    /// Notes a connection that is closed before its bytes reach the core.
    pub(crate) fn note_fault(&self, io_thread: usize) {
        self.note_closed_for(io_thread, HANDSHAKE);
    }

    fn note_closed_for(&self, io_thread: usize, reason: usize) {
        if let Some(closed) = self.io.get(io_thread).and_then(|io| io.closed.get(reason)) {
            closed.add(1);
        }
    }

    pub(crate) fn note_event(&self, event: &Event) {
        match event {
            Event::BrokerUnregistered { .. } => self.departures[2].add(1),
            Event::BrokerEvicted { cause, .. } => match cause {
                EvictionCause::Expired => self.departures[0].add(1),
                EvictionCause::ConnectionLost => self.departures[1].add(1),
                EvictionCause::Replaced => self.departures[3].add(1),
                EvictionCause::ConflictLost => {
                    self.departures[4].add(1);
                    self.registrations.lost_conflict.add(1);
                }
                EvictionCause::Unconfirmed => self.departures[5].add(1),
            },
            Event::RegistrationRefused { reason, .. } => match reason {
                RefusalReason::SingleTopic => self.registrations.single_refused.add(1),
                RefusalReason::ConflictLost => self.registrations.lost_conflict.add(1),
                RefusalReason::MissingField(_) | RefusalReason::NullTopicTable => {
                    self.registrations.full_refused.add(1);
                }
                RefusalReason::TablesFull => {
                    self.registrations.full_refused.add(1);
                    self.limit_hits[1].add(1);
                }
            },
            Event::Late { by } => {
                self.pauses.add(1);
                self.pause_millis.add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX));
            }
            // The audit counts these.
            Event::AdminWrite(_) | Event::RequestRefused(_) | Event::RequestWouldBeRefused(_) => {}
            Event::BrokerRegistered { .. }
            | Event::BrokerChanged { .. }
            | Event::ClusterConflict { .. }
            | Event::TopicRegistered { .. }
            | Event::RenewalIgnored { .. }
            | Event::IdentifierTakenOver { .. }
            | Event::SecondClaim { .. }
            | Event::PreviousSecretUsed { .. }
            | Event::ClaimWithdrawn { .. }
            | Event::MalformedOrderConfig { .. }
            | Event::DoubtfulOrderConfig { .. }
            | Event::SaveFailed { .. } => {}
        }
    }

    pub(crate) fn note_save(&self, file: SaveFile, is_saved: bool) {
        let [saved, failed] = of_file(&self.saves, file);
        let counter = if is_saved { saved } else { failed };
        counter.add(1);
    }

    /// Notes how long a save took, whether or not it succeeded.
    pub(crate) fn note_save_time(&self, file: SaveFile, time: Duration) {
        of_file(&self.save_times, file).add(1, time);
    }

    /// Returns the exchanges of all threads.
    pub(crate) fn exchanges(&self) -> impl Iterator<Item = &Exchanges> {
        self.io.iter().map(|io| &io.exchanges).chain([&self.registry])
    }

    pub(crate) fn route_misses(&self) -> u64 {
        self.io.iter().map(|io| io.route_misses.get()).sum()
    }

    pub(crate) fn read_bytes(&self) -> u64 {
        self.io.iter().map(|io| io.read_bytes.get()).sum()
    }

    pub(crate) fn written_bytes(&self) -> u64 {
        self.io.iter().map(|io| io.written_bytes.get()).sum()
    }

    pub(crate) fn opened(&self) -> u64 {
        self.io.iter().map(|io| io.opened.get()).sum()
    }

    /// Returns the closed connections, in the order of [`CLOSE_REASONS`].
    pub(crate) fn closed(&self) -> [u64; CLOSE_REASONS.len()] {
        array::from_fn(|reason| self.io.iter().filter_map(|io| io.closed.get(reason)).map(Counter::get).sum())
    }
}

/// Returns the element that belongs to a file.
const fn of_file<T>([kv, config, snapshot]: &[T; 3], file: SaveFile) -> &T {
    match file {
        SaveFile::KvConfig => kv,
        SaveFile::RuntimeConfig => config,
        SaveFile::Snapshot => snapshot,
    }
}

/// The index of failed PROXY headers and TLS handshakes.
const HANDSHAKE: usize = 8;

/// Returns the label of a reason.
pub(crate) fn close_label(reason: &CloseReason) -> &'static str {
    CLOSE_REASONS.get(index_of(reason)).copied().unwrap_or_default()
}

/// Returns the index of a reason in [`CLOSE_REASONS`].
const fn index_of(reason: &CloseReason) -> usize {
    match reason {
        CloseReason::EndOfStream => 0,
        CloseReason::Stopped => 1,
        CloseReason::Malformed(_) | CloseReason::Registry(output::CloseReason::MalformedFrame) => 2,
        CloseReason::Registry(output::CloseReason::BrokerExpired) => 3,
        CloseReason::OutputFull { .. } => 4,
        CloseReason::InputFull { .. } => 5,
        CloseReason::Idle => 6,
        CloseReason::SlowFrame => 7,
        CloseReason::SlowHandshake => HANDSHAKE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use namesrv_core::wire::code::{request, response};

    #[test]
    fn threads_count_apart_and_are_added_up() {
        let counters = Counters::new(2, Instant::START);
        let mut tally = Tally::default();
        for (io_thread, count) in [(0, 3), (1, 4), (9, 5)] {
            (0..count).for_each(|_| tally.note(request::GET_ROUTEINFO_BY_TOPIC, Some(response::SUCCESS)));
            tally.read_bytes = 10;
            counters.take_step(io_thread, &mut tally, || Duration::from_micros(20));
            tally.drain().for_each(drop);
            counters.note_opened(io_thread);
            counters.note_closed(io_thread, &CloseReason::Idle);
        }
        let histograms: Vec<_> = counters.exchanges().flat_map(Exchanges::histograms).collect();
        assert_eq!(histograms.iter().map(|(_, _, histogram)| histogram.snapshot().count()).sum::<u64>(), 7);
        assert_eq!((counters.read_bytes(), counters.opened()), (20, 2), "there is no thread 9");
        assert_eq!(counters.closed(), [0, 0, 0, 0, 0, 0, 2, 0, 0]);
    }
}
