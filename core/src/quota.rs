//! Quotas: what all connections together may hold. This module decides; the driver chooses how to count.

use crate::limits::Limits;
use alloc::sync::Arc;
use core::cell::Cell;

/// A number that several holders of a quota share.
///
/// A driver with one thread uses a [`Cell`]; one with many wraps an atomic number.
pub trait Counter {
    /// Adds `amount` unless the sum would pass `max`. Returns whether it was added.
    fn try_add(&self, amount: usize, max: usize) -> bool;

    /// Adds `amount`, whatever the sum is.
    fn add(&self, amount: usize);

    /// Subtracts `amount`, which was added before.
    fn subtract(&self, amount: usize);

    /// Returns the sum.
    fn sum(&self) -> usize;
}

impl Counter for Cell<usize> {
    fn try_add(&self, amount: usize, max: usize) -> bool {
        let sum = self.get().checked_add(amount).filter(|sum| *sum <= max);
        if let Some(sum) = sum {
            self.set(sum);
        }
        sum.is_some()
    }

    fn add(&self, amount: usize) {
        self.set(self.get().saturating_add(amount));
    }

    fn subtract(&self, amount: usize) {
        debug_assert!(amount <= self.get(), "{amount} returned of {}", self.get());
        self.set(self.get().saturating_sub(amount));
    }

    fn sum(&self) -> usize {
        self.get()
    }
}

/// A connection is never closed for unread output up to this many bytes.
const OUTPUT_BYTES_ALLOWED: usize = 4096;

/// What all connections of a server may hold together, for everything that clients can make grow.
///
/// A [`Connection`](crate::connection::Connection) reserves before it allocates, and returns its share at the latest
/// when it is dropped.
#[derive(Debug)]
pub struct Quotas<C> {
    limits: Limits,
    connections: C,
    input_bytes: C,
    output_bytes: C,
    queue: QueueQuota<C>,
}

impl<C: Counter + Default> Quotas<C> {
    /// The full quotas that `limits` allow.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            limits: *limits,
            connections: C::default(),
            input_bytes: C::default(),
            output_bytes: C::default(),
            queue: QueueQuota::new(limits.registry_queue_requests_max, limits.registry_queue_bytes_max),
        }
    }

    /// As [`new`](Self::new), for sharing among connections.
    #[must_use]
    pub fn shared(limits: &Limits) -> Arc<Self> {
        Arc::new(Self::new(limits))
    }
}

impl<C: Counter> Quotas<C> {
    /// Returns the limits that the quotas enforce.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Returns the quota of the queue in front of the registry. Connections reserve places in it; the driver releases
    /// them when the node says so.
    pub const fn queue(&self) -> &QueueQuota<C> {
        &self.queue
    }

    /// Returns the bytes of incomplete and paused input of all connections.
    pub fn input_bytes(&self) -> usize {
        self.input_bytes.sum()
    }

    /// Returns the bytes of unread output of all connections.
    pub fn output_bytes(&self) -> usize {
        self.output_bytes.sum()
    }

    /// Returns the number of connections.
    pub fn connections(&self) -> usize {
        self.connections.sum()
    }

    /// Whether connections hold nothing, ignoring places in the queue in front of the registry.
    pub fn is_unused(&self) -> bool {
        [&self.connections, &self.input_bytes, &self.output_bytes].into_iter().all(|counter| counter.sum() == 0)
    }

    /// Reserves a place for one more connection. Returns false when the limit is reached.
    pub(crate) fn try_connect(&self) -> bool {
        self.connections.try_add(1, self.limits.connections_max)
    }

    /// Returns the place.
    pub(crate) fn disconnect(&self) {
        self.connections.subtract(1);
    }

    /// Reserves `bytes` more for the incomplete input of a connection that holds `held`. Returns false if the
    /// connection would hold more than is left for all others.
    ///
    /// A [`Connection`](crate::connection::Connection) calls this for its frames, and a layer below it for its own
    /// input.
    ///
    /// So the connection that hoards is refused first, a new one always finds some room, and no thread needs to know
    /// what the connections of other threads hold.
    #[must_use]
    pub fn try_reserve_input(&self, bytes: usize, held: usize) -> bool {
        let max = self.limits.incomplete_input_bytes_max;
        self.input_bytes.try_add(bytes, max.saturating_sub(held.saturating_add(bytes)))
    }

    /// Returns `bytes` of incomplete input to the quota.
    pub fn release_input(&self, bytes: usize) {
        self.input_bytes.subtract(bytes);
    }

    /// Counts `bytes` of output that wait for a client. This output exists already, so the connection is closed if it
    /// is too much.
    pub(crate) fn add_output(&self, bytes: usize) {
        self.output_bytes.add(bytes);
    }

    /// Stops counting `bytes`.
    pub(crate) fn subtract_output(&self, bytes: usize) {
        self.output_bytes.subtract(bytes);
    }

    /// Whether a connection may hold `held` bytes of output that its client does not read: no more than is left for all
    /// others, but a small amount always.
    pub(crate) fn allows_output(&self, held: usize) -> bool {
        if held <= OUTPUT_BYTES_ALLOWED {
            return true;
        }
        let others = self.output_bytes.sum().saturating_sub(held);
        others == 0 || others + held + held <= self.limits.unread_output_bytes_max
    }
}

/// Limits the queue in front of the registry, by requests and by bytes.
///
/// A connection reserves a place before it forwards a frame, and [`Output::Release`](crate::node::Output::Release) says
/// when to return it. Nothing else in the queue counts: a disconnect always enters.
#[derive(Debug)]
pub struct QueueQuota<C> {
    requests: C,
    bytes: C,
    requests_max: usize,
    bytes_max: usize,
}

impl<C: Counter + Default> QueueQuota<C> {
    /// An empty queue for `requests_max` requests of `bytes_max` bytes in total.
    #[must_use]
    pub fn new(requests_max: usize, bytes_max: usize) -> Self {
        Self { requests: C::default(), bytes: C::default(), requests_max, bytes_max }
    }
}

impl<C: Counter> QueueQuota<C> {
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

    /// Returns the number of requests with a place.
    pub fn requests(&self) -> usize {
        self.requests.sum()
    }

    /// Returns the bytes of the requests with a place.
    pub fn bytes(&self) -> usize {
        self.bytes.sum()
    }

    /// Returns the places of `requests` requests, which have `bytes` bytes in total.
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
    fn no_connection_may_hold_more_input_than_is_left_for_others() {
        let quotas = Quotas::<Cell<usize>>::new(&Limits { incomplete_input_bytes_max: 1000, ..Limits::default() });
        let mut held = [0; 4];
        for held in &mut held {
            while quotas.try_reserve_input(10, *held) {
                *held += 10;
            }
        }
        assert_eq!(held, [500, 250, 120, 60], "a new connection always finds some room");
        quotas.release_input(held.iter().sum());
        assert!(quotas.is_unused());
    }

    #[test]
    fn no_connection_may_leave_more_unread_than_is_left_for_others() {
        let quotas = Quotas::<Cell<usize>>::new(&Limits { unread_output_bytes_max: 100_000, ..Limits::default() });
        quotas.add_output(200_000);
        assert!(quotas.allows_output(200_000), "it is alone");
        quotas.subtract_output(200_000);
        quotas.add_output(60_000);
        quotas.add_output(20_000);
        assert!(quotas.allows_output(20_000));
        quotas.add_output(1);
        assert!(!quotas.allows_output(20_001));
        quotas.add_output(200_000);
        assert!(quotas.allows_output(OUTPUT_BYTES_ALLOWED), "it reads nearly everything, whatever others do");
        assert!(!quotas.allows_output(OUTPUT_BYTES_ALLOWED + 1));
    }

    #[test]
    fn no_amount_overflows_a_counter() {
        let counter = Cell::new(1);
        assert!(!counter.try_add(usize::MAX, usize::MAX));
        assert_eq!(counter.get(), 1);
    }
}
