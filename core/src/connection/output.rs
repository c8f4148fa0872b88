//! Output of a connection that its socket has not taken yet.

use crate::quota::{Counter, Quotas};
use alloc::collections::VecDeque;
use bytes::{Buf, Bytes};

/// A queue of chunks that are written in few calls and never copied together. It owns no memory while it is empty.
///
/// Counted against the quota of all connections. Its owner calls [`clear`](Output::clear) before dropping it.
#[derive(Debug, Default)]
pub(super) struct Output {
    chunks: VecDeque<Bytes>,
    bytes: usize,
}

impl Output {
    /// Bytes in the queue.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Whether there is at most one chunk.
    pub(super) fn is_single(&self) -> bool {
        self.chunks.len() <= 1
    }

    pub(super) fn push<C: Counter>(&mut self, chunk: Bytes, quotas: &Quotas<C>) {
        if !chunk.is_empty() {
            self.bytes += chunk.len();
            quotas.add_output(chunk.len());
            self.chunks.push_back(chunk);
        }
    }

    /// Fills `slices` from the front of the queue, and returns the number of filled slices.
    pub(super) fn front<'a>(&'a self, slices: &mut [&'a [u8]]) -> usize {
        let mut filled = 0;
        for (slice, chunk) in slices.iter_mut().zip(&self.chunks) {
            *slice = chunk;
            filled += 1;
        }
        filled
    }

    /// Removes `written` bytes from the front.
    pub(super) fn advance<C: Counter>(&mut self, written: usize, quotas: &Quotas<C>) {
        debug_assert!(written <= self.bytes, "{written} bytes written of {}", self.bytes);
        let written = written.min(self.bytes);
        self.bytes -= written;
        quotas.subtract_output(written);
        let mut left = written;
        while let Some(chunk) = self.chunks.front_mut() {
            if chunk.len() > left {
                chunk.advance(left);
                return;
            }
            left -= chunk.len();
            self.chunks.pop_front();
        }
        self.chunks = VecDeque::new();
    }

    /// Forgets everything, and returns the quota.
    pub(super) fn clear<C: Counter>(&mut self, quotas: &Quotas<C>) {
        self.advance(self.bytes, quotas);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Limits;
    use alloc::vec::Vec;
    use core::cell::Cell;

    #[test]
    fn partial_writes_keep_the_order_of_the_bytes() {
        for step in 1..12 {
            let quotas = Quotas::<Cell<usize>>::new(&Limits::default());
            let mut output = Output::default();
            for chunk in ["one", "", "two", "three", "4"] {
                output.push(Bytes::from_static(chunk.as_bytes()), &quotas);
            }
            assert_eq!(output.bytes(), 12);
            let mut written = Vec::new();
            while !output.is_empty() {
                let mut slices: [&[u8]; 3] = [&[]; 3];
                let filled = output.front(&mut slices);
                let front: Vec<u8> = slices[..filled].concat();
                let taken = step.min(front.len());
                written.extend_from_slice(&front[..taken]);
                output.advance(taken, &quotas);
            }
            assert_eq!(written, b"onetwothree4");
            assert_eq!(output.chunks.capacity(), 0);
            assert!(quotas.is_unused());
        }
    }
}
