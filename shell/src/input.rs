//! Input of one connection that is kept between reads: an incomplete frame, or what a paused session left.

use crate::server::Budget;
use bytes::Bytes;
use std::mem;

/// Kept bytes, counted against the budget of all connections. Empty, it owns no memory.
///
/// It grows with what arrives, never with what is only announced. Whoever drops it calls [`clear`](Input::clear) first.
#[derive(Debug, Default)]
pub(crate) struct Input {
    bytes: Vec<u8>,
    /// Bytes at the front that are dealt with.
    consumed: usize,
    /// Bytes that the first frame takes, as far as that is known.
    expected: usize,
    /// Bytes taken from the budget.
    charged: usize,
}

/// All connections together keep so much input that this one may keep no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoRoom;

impl Input {
    pub(crate) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes of memory that it keeps.
    pub(crate) const fn kept(&self) -> usize {
        self.charged
    }

    /// What is not dealt with yet.
    pub(crate) fn unread(&self) -> &[u8] {
        self.bytes.get(self.consumed..).unwrap_or_default()
    }

    /// The first frame will take `bytes` in all.
    pub(crate) fn expect(&mut self, bytes: usize) {
        self.expected = bytes.max(self.unread().len() + 1);
    }

    /// Bytes that the first frame takes, as far as that is known.
    pub(crate) const fn expected(&self) -> usize {
        self.expected
    }

    /// Bytes that the first frame lacks, as far as that is known.
    pub(crate) fn missing(&self) -> usize {
        self.expected.saturating_sub(self.unread().len())
    }

    /// Keeps `arrived` too, of which the first frame will take `expected` with what is there; keeps nothing of it when
    /// there is no room.
    pub(crate) fn append(&mut self, arrived: &[u8], expected: usize, budget: &Budget) -> Result<(), NoRoom> {
        if arrived.is_empty() {
            return Ok(());
        }
        self.bytes.drain(..mem::take(&mut self.consumed));
        let needed = self.bytes.len() + arrived.len();
        if needed > self.bytes.capacity() {
            let capacity = needed.max(expected.min(2 * needed));
            let more = capacity.saturating_sub(self.charged);
            if more > 0 && !budget.take_input(more, self.charged) {
                return Err(NoRoom);
            }
            self.charged += more;
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(arrived);
        self.expected = expected;
        Ok(())
    }

    /// All but the last `left` bytes are dealt with.
    pub(crate) fn keep_last(&mut self, left: usize, budget: &Budget) {
        let consumed = self.bytes.len().saturating_sub(left);
        if consumed > self.consumed {
            self.consumed = consumed;
            self.expected = 0;
        }
        if left == 0 {
            self.clear(budget);
        }
    }

    /// Takes a frame of `length` bytes from the front, without copying when it is alone. Has to be followed by
    /// [`frame_taken`](Input::frame_taken) or [`put_back`](Input::put_back).
    pub(crate) fn take_frame(&mut self, length: usize) -> Bytes {
        if self.consumed == 0 && length == self.bytes.len() {
            return Bytes::from(mem::take(&mut self.bytes));
        }
        let frame = Bytes::copy_from_slice(self.unread().get(..length).unwrap_or_default());
        self.consumed += frame.len();
        frame
    }

    /// The frame is gone: its memory belongs to somebody else.
    pub(crate) fn frame_taken(&mut self, budget: &Budget) {
        self.expected = 0;
        self.keep_last(self.unread().len(), budget);
    }

    /// The frame comes back.
    pub(crate) fn put_back(&mut self, frame: Bytes) {
        if self.bytes.is_empty() {
            self.bytes = frame.into();
        } else {
            self.consumed = self.consumed.saturating_sub(frame.len());
        }
    }

    /// Forgets everything and gives the memory back.
    pub(crate) fn clear(&mut self, budget: &Budget) {
        if self.charged > 0 {
            budget.return_input(self.charged);
        }
        *self = Self::default();
    }
}
