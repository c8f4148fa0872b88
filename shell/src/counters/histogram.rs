//! Histograms of time with fixed edges.

use std::array;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper edges of all buckets except the last, which has none. They include the edges of Java's histogram.
pub(crate) const EDGES: [Duration; 18] = [
    Duration::from_micros(10),
    Duration::from_micros(25),
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2500),
    Duration::from_millis(3),
    Duration::from_millis(5),
    Duration::from_millis(7),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(1000),
    Duration::from_millis(2000),
    Duration::from_millis(3000),
];

const BUCKETS: usize = EDGES.len() + 1;

/// Counts by duration.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    nanos: AtomicU64,
}

/// A histogram at one point in time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    buckets: [u64; BUCKETS],
    nanos: u64,
}

impl Histogram {
    /// Adds `count` durations of this length.
    pub(crate) fn add(&self, count: u64, time: Duration) {
        let bucket = EDGES.partition_point(|edge| *edge < time);
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(count, Ordering::Relaxed);
        }
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos.saturating_mul(count), Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let buckets =
            array::from_fn(|bucket| self.buckets.get(bucket).map_or(0, |count| count.load(Ordering::Relaxed)));
        Snapshot { buckets, nanos: self.nanos.load(Ordering::Relaxed) }
    }
}

impl Snapshot {
    pub(crate) fn add(&mut self, other: &Self) {
        self.buckets.iter_mut().zip(other.buckets).for_each(|(sum, count)| *sum += count);
        self.nanos = self.nanos.wrapping_add(other.nanos);
    }

    pub(crate) fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    pub(crate) const fn sum(&self) -> Duration {
        Duration::from_nanos(self.nanos)
    }

    /// Returns how many durations were at most this long. The edge must be one of [`EDGES`].
    pub(crate) fn count_within(&self, edge: Duration) -> u64 {
        let edges = EDGES.iter().take_while(|known| **known <= edge).count();
        self.buckets.iter().take(edges).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_within_their_edges() {
        let histogram = Histogram::default();
        histogram.add(2, Duration::from_micros(10));
        histogram.add(3, Duration::from_micros(11));
        histogram.add(5, Duration::from_secs(4));
        let mut snapshot = histogram.snapshot();
        let within = |snapshot: &Snapshot, micros| snapshot.count_within(Duration::from_micros(micros));
        assert_eq!([10, 25, 1000, 3_000_000].map(|edge| within(&snapshot, edge)), [2, 5, 5, 5]);
        assert_eq!((snapshot.count(), snapshot.sum()), (10, Duration::from_micros(2 * 10 + 3 * 11 + 20_000_000)));
        snapshot.add(&histogram.snapshot());
        assert_eq!((snapshot.count(), within(&snapshot, 25)), (20, 10));
        assert!(EDGES.is_sorted());
    }
}
