//! The share of one transport in the quota of incomplete input.

use super::fault::Fault;
use namesrv_core::quota::{Counter, Quotas};

/// Bytes reserved. Its owner changes it to 0 before it drops it.
#[derive(Debug, Default)]
pub(super) struct Reservation(usize);

impl Reservation {
    /// Holds `bytes` from now on. When the quota has no room for that, it holds what it held.
    pub(super) fn change<C: Counter>(&mut self, bytes: usize, quotas: &Quotas<C>) -> Result<(), Fault> {
        if bytes < self.0 {
            quotas.release_input(self.0 - bytes);
        } else if bytes > self.0 && !quotas.try_reserve_input(bytes - self.0, self.0) {
            return Err(Fault::InputFull { bytes: self.0 });
        }
        self.0 = bytes;
        Ok(())
    }

    /// Gives everything back.
    pub(super) fn release<C: Counter>(&mut self, quotas: &Quotas<C>) {
        quotas.release_input(std::mem::take(&mut self.0));
    }
}
