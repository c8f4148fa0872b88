//! Input that a connection keeps between reads: an incomplete frame, or frames that a pause held back.

use crate::quota::{Counter, Quotas};
use alloc::vec::Vec;
use bytes::Bytes;
use core::mem;

/// Kept bytes, counted against the quota of all connections. It owns no memory while it is empty.
///
/// It grows with the bytes that arrive, never with a length that is only announced. Its owner calls
/// [`clear`](Input::clear) before dropping it.
#[derive(Debug, Default)]
pub(super) struct Input {
    bytes: Vec<u8>,
    /// Bytes at the front that the connection has handled.
    consumed: usize,
    /// Length of the first frame, as far as known.
    expected: usize,
    /// Bytes reserved from the quota.
    reserved: usize,
}

/// The quota is too small for more input of this connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct QuotaExceeded;

impl Input {
    pub(super) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Returns the bytes of memory that it owns.
    pub(super) const fn memory(&self) -> usize {
        self.reserved
    }

    /// Returns the bytes that the connection has not handled.
    pub(super) fn unread(&self) -> &[u8] {
        self.bytes.get(self.consumed..).unwrap_or_default()
    }

    /// Notes the length of the first frame.
    pub(super) fn expect(&mut self, bytes: usize) {
        self.expected = bytes.max(self.unread().len() + 1);
    }

    /// Moves from `arrived` the bytes that the first frame still lacks, as far as known. A frame that ends the kept
    /// input can be forwarded without a copy.
    pub(super) fn complete<C: Counter>(
        &mut self,
        arrived: &mut &[u8],
        quotas: &Quotas<C>,
    ) -> Result<(), QuotaExceeded> {
        let missing = self.expected.saturating_sub(self.unread().len()).min(arrived.len());
        let (part, rest) = arrived.split_at(missing);
        self.append(part, self.expected, quotas)?;
        *arrived = rest;
        Ok(())
    }

    /// Appends `arrived`. The first frame takes `expected` bytes in all.
    pub(super) fn append<C: Counter>(
        &mut self,
        arrived: &[u8],
        expected: usize,
        quotas: &Quotas<C>,
    ) -> Result<(), QuotaExceeded> {
        if arrived.is_empty() {
            return Ok(());
        }
        self.bytes.drain(..mem::take(&mut self.consumed));
        let needed = self.bytes.len() + arrived.len();
        if needed > self.bytes.capacity() {
            let capacity = needed.max(expected.min(2 * needed));
            let more = capacity.saturating_sub(self.reserved);
            if more > 0 && !quotas.try_reserve_input(more, self.reserved) {
                return Err(QuotaExceeded);
            }
            self.reserved += more;
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(arrived);
        self.expected = expected;
        Ok(())
    }

    /// Notes that the connection handled all but the last `left` bytes.
    pub(super) fn keep_last<C: Counter>(&mut self, left: usize, quotas: &Quotas<C>) {
        debug_assert!(left <= self.unread().len(), "{left} bytes left of {}", self.unread().len());
        let consumed = self.bytes.len().saturating_sub(left);
        if consumed > self.consumed {
            self.consumed = consumed;
            self.expected = 0;
        }
        if left == 0 {
            self.clear(quotas);
        }
    }

    /// Takes a frame of `length` bytes from the front, without a copy if nothing follows it.
    pub(super) fn take_frame<C: Counter>(&mut self, length: usize, quotas: &Quotas<C>) -> Bytes {
        if self.consumed == 0 && length == self.bytes.len() {
            let frame = Bytes::from(mem::take(&mut self.bytes));
            self.clear(quotas);
            return frame;
        }
        let frame = Bytes::copy_from_slice(self.unread().get(..length).unwrap_or_default());
        debug_assert_eq!(frame.len(), length);
        self.keep_last(self.unread().len() - frame.len(), quotas);
        frame
    }

    /// Forgets everything, and returns the memory and the quota.
    pub(super) fn clear<C: Counter>(&mut self, quotas: &Quotas<C>) {
        if self.reserved > 0 {
            quotas.release_input(self.reserved);
        }
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Limits;
    use core::cell::Cell;

    fn quotas() -> Quotas<Cell<usize>> {
        Quotas::new(&Limits::default())
    }

    #[test]
    fn a_frame_that_is_alone_is_moved_and_another_is_copied() {
        let (mut input, quotas) = (Input::default(), quotas());
        input.append(&[1; 1000], 3000, &quotas).unwrap();
        input.append(&[1; 2000], 3000, &quotas).unwrap();
        let address = input.unread().as_ptr();
        assert_eq!(input.take_frame(3000, &quotas).as_ptr(), address);
        assert!(input.is_empty() && quotas.is_unused());

        input.append(&[1; 3000], 3000, &quotas).unwrap();
        input.append(&[2; 10], 0, &quotas).unwrap();
        assert_eq!(input.take_frame(3000, &quotas), [1; 3000][..]);
        assert_eq!(input.unread(), [2; 10]);
        assert_eq!(input.take_frame(10, &quotas), [2; 10][..]);
        assert!(input.is_empty() && quotas.is_unused());
    }

    #[test]
    fn refused_bytes_change_nothing() {
        let quotas = Quotas::<Cell<usize>>::new(&Limits { incomplete_input_bytes_max: 1000, ..Limits::default() });
        let mut input = Input::default();
        input.append(&[1; 400], 0, &quotas).unwrap();
        assert_eq!(input.append(&[1; 200], 0, &quotas), Err(QuotaExceeded));
        assert_eq!((input.unread().len(), input.memory()), (400, 400));
        input.clear(&quotas);
        assert!(quotas.is_unused());
    }
}
