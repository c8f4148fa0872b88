//! Output of one connection that its socket would not take yet.

use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Write};

/// Slices handed to one vectored write.
const SLICES_MAX: usize = 64;
/// Bytes written in one turn, so that a fast reader of a long answer leaves time for the others.
const TURN_BYTES_MAX: usize = 1024 * 1024;

/// What writing came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Nothing waits any more.
    All,
    /// The socket takes no more for now.
    Blocked,
    /// The turn is over, the socket may take more.
    More,
}

/// A queue of byte chunks, written with few calls and without copying them together. Empty, it owns no memory.
#[derive(Debug, Default)]
pub struct Output {
    chunks: VecDeque<Bytes>,
    bytes: usize,
}

impl Output {
    /// Bytes that wait.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether nothing waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Whether at most one chunk waits.
    #[must_use]
    pub fn is_single(&self) -> bool {
        self.chunks.len() <= 1
    }

    /// Appends a chunk.
    pub fn push(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.bytes += chunk.len();
            self.chunks.push_back(chunk);
        }
    }

    /// Fills `slices` with the front of the queue and returns how many it filled.
    pub fn front<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        for (slice, chunk) in slices.iter_mut().zip(&self.chunks) {
            *slice = IoSlice::new(chunk);
            filled += 1;
        }
        filled
    }

    /// Removes `written` bytes from the front.
    pub fn advance(&mut self, mut written: usize) {
        self.bytes = self.bytes.saturating_sub(written);
        while let Some(chunk) = self.chunks.front_mut() {
            if chunk.len() > written {
                chunk.advance(written);
                return;
            }
            written -= chunk.len();
            self.chunks.pop_front();
        }
        self.chunks = VecDeque::new();
    }

    /// Writes what waits.
    ///
    /// # Errors
    /// Those of the sink, but for an interruption and a full one.
    pub fn write_to(&mut self, sink: &mut impl Write) -> io::Result<Written> {
        let mut left = TURN_BYTES_MAX;
        while !self.is_empty() {
            if left == 0 {
                return Ok(Written::More);
            }
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let filled = self.front(&mut slices);
            let Some(written) = attempt(|| sink.write_vectored(slices.get(..filled).unwrap_or_default()))? else {
                return Ok(Written::Blocked);
            };
            self.advance(written);
            left = left.saturating_sub(written);
        }
        Ok(Written::All)
    }

    /// Writes what waits and then `answers`, which is empty afterwards: what the sink does not take is kept.
    ///
    /// # Errors
    /// Those of the sink, but for an interruption and a full one.
    pub fn write_answers(&mut self, answers: &mut Vec<u8>, sink: &mut impl Write) -> io::Result<Written> {
        let mut sent = 0;
        let direct = self.is_empty();
        while direct && sent < answers.len() {
            let Some(written) = attempt(|| sink.write(answers.get(sent..).unwrap_or_default()))? else { break };
            sent += written;
        }
        self.push(Bytes::copy_from_slice(answers.get(sent..).unwrap_or_default()));
        answers.clear();
        match (direct, self.is_empty()) {
            (_, true) => Ok(Written::All),
            (true, false) => Ok(Written::Blocked),
            (false, false) => self.write_to(sink),
        }
    }
}

/// Bytes that one write took; none when the sink would block.
fn attempt(mut write: impl FnMut() -> io::Result<usize>) -> io::Result<Option<usize>> {
    loop {
        match write() {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => return Ok(Some(written)),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes at most `step` bytes a call and `room` bytes in all, then blocks.
    struct Sink {
        taken: Vec<u8>,
        step: usize,
        room: usize,
        calls: usize,
    }

    impl Sink {
        fn new(step: usize, room: usize) -> Self {
            Self { taken: Vec::new(), step, room, calls: 0 }
        }
    }

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.write_vectored(&[IoSlice::new(bytes)])
        }

        fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
            self.calls += 1;
            let mut left = self.step.min(self.room);
            if left == 0 {
                return Err(ErrorKind::WouldBlock.into());
            }
            let before = self.taken.len();
            for slice in slices {
                let part = &slice[..slice.len().min(left)];
                self.taken.extend_from_slice(part);
                left -= part.len();
            }
            self.room -= self.taken.len() - before;
            Ok(self.taken.len() - before)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_partial_write_keeps_the_order_of_the_bytes() {
        for step in 1..12 {
            let mut output = Output::default();
            for chunk in ["one", "", "two", "three", "4"] {
                output.push(Bytes::from_static(chunk.as_bytes()));
            }
            assert_eq!(output.bytes(), 12);
            let mut sink = Sink::new(step, usize::MAX);
            assert_eq!(output.write_to(&mut sink).unwrap(), Written::All);
            assert_eq!(sink.taken, b"onetwothree4");
            assert_eq!((output.bytes(), output.chunks.capacity()), (0, 0));
        }
    }

    #[test]
    fn answers_wait_behind_what_waits_already() {
        let mut output = Output::default();
        let mut answers = b"first".to_vec();
        assert_eq!(output.write_answers(&mut answers, &mut Sink::new(9, 2)).unwrap(), Written::Blocked);
        assert!(answers.is_empty());
        answers.extend_from_slice(b"second");
        let mut sink = Sink::new(9, 0);
        assert_eq!(output.write_answers(&mut answers, &mut sink).unwrap(), Written::Blocked);
        assert_eq!(output.bytes(), 9);
        sink.room = 100;
        assert_eq!(output.write_to(&mut sink).unwrap(), Written::All);
        assert_eq!(sink.taken, b"rstsecond");
    }

    #[test]
    fn many_chunks_take_few_calls() {
        let mut output = Output::default();
        (0..SLICES_MAX * 2).for_each(|_| output.push(Bytes::from_static(b"x")));
        let mut sink = Sink::new(usize::MAX, usize::MAX);
        assert_eq!(output.write_to(&mut sink).unwrap(), Written::All);
        assert_eq!(sink.calls, 2);
    }

    #[test]
    fn a_long_answer_leaves_time_for_others() {
        let mut output = Output::default();
        output.push(Bytes::from(vec![0; TURN_BYTES_MAX + 1]));
        let mut sink = Sink::new(TURN_BYTES_MAX / 2, usize::MAX);
        assert_eq!(output.write_to(&mut sink).unwrap(), Written::More);
        assert_eq!(output.bytes(), 1);
        assert_eq!(output.write_to(&mut sink).unwrap(), Written::All);
    }

    #[test]
    fn a_closed_sink_is_an_error() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Ok(0)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let error = Output::default().write_answers(&mut b"x".to_vec(), &mut Closed).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WriteZero);
    }
}
