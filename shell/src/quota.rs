//! Quotas that all I/O threads share.

use namesrv_core::quota::{Counter, Quotas};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The quotas of a server.
pub type SharedQuotas = Quotas<SharedCounter>;

/// A counter that threads share.
#[derive(Debug, Default)]
pub struct SharedCounter(AtomicUsize);

impl Counter for SharedCounter {
    fn try_add(&self, amount: usize, max: usize) -> bool {
        let before = self.0.fetch_add(amount, Ordering::Relaxed);
        let fits = before.checked_add(amount).is_some_and(|after| after <= max);
        if !fits {
            self.0.fetch_sub(amount, Ordering::Relaxed);
        }
        fits
    }

    fn add(&self, amount: usize) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    fn subtract(&self, amount: usize) {
        let before = self.0.fetch_sub(amount, Ordering::Relaxed);
        debug_assert!(amount <= before, "{amount} returned of {before}");
    }

    fn sum(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn threads_together_never_pass_the_limit() {
        let counter = SharedCounter::default();
        let added: usize = thread::scope(|scope| {
            let add = || (0..1000).filter(|_| counter.try_add(1, 1500)).count();
            let threads = [scope.spawn(add), scope.spawn(add)];
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(added, counter.sum());
        assert!(added <= 1500);
        counter.subtract(added);
        assert!(counter.try_add(1500, 1500) && !counter.try_add(1, 1500));
    }
}
