//! Quotas: what all connections together may hold. The decision stands here; the driver says how it is counted.

use core::cell::Cell;

/// A number that several holders of a quota share.
///
/// A driver with one thread uses a [`Cell`]; one with many wraps an atomic number.
pub trait Counter {
    /// Adds `amount` unless the sum would pass `max`. Returns whether it was added.
    fn try_add(&self, amount: usize, max: usize) -> bool;

    /// Returns the number as it is now.
    fn get(&self) -> usize;

    /// Takes back `amount` that was added before.
    fn subtract(&self, amount: usize);
}

impl Counter for Cell<usize> {
    fn try_add(&self, amount: usize, max: usize) -> bool {
        let sum = self.get().checked_add(amount).filter(|sum| *sum <= max);
        if let Some(sum) = sum {
            self.set(sum);
        }
        sum.is_some()
    }

    fn get(&self) -> usize {
        Self::get(self)
    }

    fn subtract(&self, amount: usize) {
        debug_assert!(amount <= self.get(), "{amount} returned of {}", self.get());
        self.set(self.get().saturating_sub(amount));
    }
}

/// Admits requests to the queue in front of the registry, by number and by bytes.
///
/// Whoever forwards a frame reserves it first. [`Output::Release`](crate::node::Output::Release) says when to give it
/// back. Nothing else in the queue is counted: a disconnect always gets in.
#[derive(Debug)]
pub struct QueueQuota<C> {
    requests: C,
    bytes: C,
    requests_max: usize,
    bytes_max: usize,
}

impl<C: Counter + Default> QueueQuota<C> {
    /// An empty queue that may hold `requests_max` requests of `bytes_max` bytes in all.
    #[must_use]
    pub fn new(requests_max: usize, bytes_max: usize) -> Self {
        Self { requests: C::default(), bytes: C::default(), requests_max, bytes_max }
    }
}

impl<C: Counter> QueueQuota<C> {
    /// Returns the number of requests that hold a place.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.requests.get()
    }

    /// Reserves a place for a request of `bytes` bytes. Returns false when the queue is full: stop reading from the
    /// connection and try again soon.
    #[must_use]
    pub fn try_reserve(&self, bytes: usize) -> bool {
        if !self.requests.try_add(1, self.requests_max) {
            return false;
        }
        let fits = self.bytes.try_add(bytes, self.bytes_max);
        if !fits {
            self.requests.subtract(1);
        }
        fits
    }

    /// Gives the places of `requests` requests back, which had `bytes` bytes together.
    pub fn release(&self, requests: usize, bytes: usize) {
        self.requests.subtract(requests);
        self.bytes.subtract(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_bounded_in_number_and_in_bytes() {
        let quota = QueueQuota::<Cell<usize>>::new(2, 10);
        assert!(quota.try_reserve(6));
        assert!(!quota.try_reserve(6), "12 bytes");
        assert!(quota.try_reserve(4), "a refused request keeps no place");
        assert!(!quota.try_reserve(0), "three requests");
        quota.release(1, 6);
        assert!(!quota.try_reserve(7), "11 bytes");
        assert!(quota.try_reserve(6));
    }

    #[test]
    fn no_amount_overflows_a_counter() {
        let counter = Cell::new(1);
        assert!(!counter.try_add(usize::MAX, usize::MAX));
        assert_eq!(counter.get(), 1);
    }
}
