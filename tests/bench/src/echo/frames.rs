//! Frames of echo servers: the answers, and a counter of requests.

use anyhow::Result;
use std::sync::Arc;

/// About how many bytes of answers are prepared in a row: those of a TLS record.
const REPEATED_BYTES: usize = 16 * 1024;

/// Returns the frame that echo servers answer with, which has `bytes` bytes.
///
/// # Errors
/// No frame has that size.
pub fn constant_answer(bytes: usize) -> Result<Vec<u8>> {
    anyhow::ensure!((8..16 * 1024 * 1024).contains(&bytes), "an answer cannot have {bytes} bytes");
    let mut answer = vec![b'.'; bytes];
    answer.splice(..4, ((bytes - 4) as u32).to_be_bytes());
    Ok(answer)
}

/// The answer many times over, so that the answers to a burst are one slice.
#[derive(Clone, Debug)]
pub(super) struct Answers {
    repeated: Arc<[u8]>,
    bytes: usize,
}

impl Answers {
    pub(super) fn new(bytes: usize) -> Result<Self> {
        let answer = constant_answer(bytes)?;
        Ok(Self { repeated: answer.repeat((REPEATED_BYTES / bytes).max(1)).into(), bytes })
    }

    /// Returns `frames` answers as slices.
    pub(super) fn slices(&self, frames: usize) -> impl Iterator<Item = &[u8]> {
        let most = self.repeated.len() / self.bytes;
        let whole = std::iter::repeat_n(&*self.repeated, frames / most);
        let rest = self.repeated.get(..frames % most * self.bytes).filter(|rest| !rest.is_empty());
        whole.chain(rest)
    }
}

/// Counts the frames of a stream without storing them.
#[derive(Clone, Copy, Debug, Default)]
pub struct FrameCounter {
    /// Bytes of the length field so far.
    length_bytes: usize,
    length: u32,
    /// Number of missing bytes of the current frame, once its length is known.
    missing: usize,
}

impl FrameCounter {
    /// A counter at the start of a stream.
    pub const fn new() -> Self {
        Self { length_bytes: 0, length: 0, missing: 0 }
    }

    /// Returns how many frames end in these bytes.
    pub fn count(&mut self, mut bytes: &[u8]) -> usize {
        let mut frames = 0;
        while !bytes.is_empty() {
            if self.missing == 0 {
                bytes = self.read_length(bytes);
            }
            let skipped = self.missing.min(bytes.len());
            bytes = bytes.get(skipped..).unwrap_or_default();
            self.missing -= skipped;
            if self.missing == 0 && self.length_bytes == 4 {
                frames += 1;
                *self = Self::default();
            }
        }
        frames
    }

    fn read_length<'a>(&mut self, mut bytes: &'a [u8]) -> &'a [u8] {
        if let (0, Some((length, rest))) = (self.length_bytes, bytes.split_first_chunk::<4>()) {
            *self = Self { length_bytes: 4, length: 0, missing: u32::from_be_bytes(*length) as usize };
            return rest;
        }
        while let Some((byte, rest)) = bytes.split_first().filter(|_| self.length_bytes < 4) {
            self.length = self.length << 8 | u32::from(*byte);
            self.length_bytes += 1;
            bytes = rest;
        }
        if self.length_bytes == 4 {
            self.missing = self.length as usize;
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_however_they_are_cut() {
        let mut stream = Vec::new();
        for length in [0u32, 1, 300, 0, 0, 70_000, 5] {
            stream.extend(length.to_be_bytes());
            stream.extend(vec![0xff; length as usize]);
        }
        for size in [1, 2, 3, 5, 7, 64, 4096, 1 << 20] {
            let mut counter = FrameCounter::default();
            let frames: usize = stream.chunks(size).map(|chunk| counter.count(chunk)).sum();
            assert_eq!(frames, 7, "in pieces of {size}");
        }
    }

    #[test]
    fn answers_are_as_many_as_frames() {
        for bytes in [8, 1000, 20_000] {
            let answers = Answers::new(bytes).unwrap();
            for frames in [0, 1, 15, 16, 17, 100] {
                let all = answers.slices(frames).collect::<Vec<_>>().concat();
                assert!(all == constant_answer(bytes).unwrap().repeat(frames), "{frames} of {bytes}");
                assert!(answers.slices(frames).all(|slice| !slice.is_empty()));
            }
        }
    }

    #[test]
    fn constant_answer_is_a_frame() {
        assert_eq!(constant_answer(9).unwrap(), [0, 0, 0, 5, b'.', b'.', b'.', b'.', b'.']);
        assert!(constant_answer(3).is_err());
    }
}
