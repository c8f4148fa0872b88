//! One transport's share of the quota of incomplete input.

use super::fault::Fault;
use namesrv_core::quota::{Counter, Quotas};

/// Reserved bytes. Its owner sets it to 0 before dropping it.
#[derive(Debug, Default)]
pub(super) struct Reservation(usize);

impl Reservation {
    /// Changes the reservation to `bytes`. If the quota has no room, it stays as it was.
    pub(super) fn change<C: Counter>(&mut self, bytes: usize, quotas: &Quotas<C>) -> Result<(), Fault> {
        if bytes < self.0 {
            quotas.release_input(self.0 - bytes);
        } else if bytes > self.0 && !quotas.try_reserve_input(bytes - self.0, self.0) {
            return Err(Fault::InputFull { bytes: self.0 });
        }
        self.0 = bytes;
        Ok(())
    }

    /// Returns the whole reservation.
    pub(super) fn release<C: Counter>(&mut self, quotas: &Quotas<C>) {
        quotas.release_input(std::mem::take(&mut self.0));
    }
}
