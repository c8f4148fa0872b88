//! Bytes for a socket.

/// A buffer that does not clear its free space between writes.
#[derive(Debug, Default)]
pub(super) struct Output {
    bytes: Vec<u8>,
    filled: usize,
    written: usize,
}

/// Why nothing was appended.
pub(super) enum Refused<E> {
    /// This many bytes of space are needed.
    TooSmall(usize),
    /// It would fail with any space.
    Failed(E),
}

impl Output {
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.bytes.truncate(self.filled);
        self.bytes.extend_from_slice(bytes);
        self.filled = self.bytes.len();
    }

    /// Appends what `encode` writes to the free space. `encode` is called again if it needs more space.
    pub(super) fn append<E>(
        &mut self,
        mut encode: impl FnMut(&mut [u8]) -> Result<usize, Refused<E>>,
    ) -> Result<(), E> {
        loop {
            match encode(self.bytes.get_mut(self.filled..).unwrap_or_default()) {
                Ok(written) => {
                    self.filled += written;
                    return Ok(());
                }
                Err(Refused::TooSmall(bytes)) => self.bytes.resize(self.filled + bytes, 0),
                Err(Refused::Failed(error)) => return Err(error),
            }
        }
    }

    /// Returns the bytes that are not written yet.
    pub(super) fn rest(&self) -> &[u8] {
        self.bytes.get(self.written..self.filled).unwrap_or_default()
    }

    pub(super) fn advance(&mut self, bytes: usize) {
        self.written += bytes;
        if self.written >= self.filled {
            (self.filled, self.written) = (0, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_what_was_appended_and_not_written() {
        let mut output = Output::default();
        let write = |output: &mut Output, text: &[u8]| {
            output.append(|space| {
                let place = space.get_mut(..text.len()).ok_or(Refused::<()>::TooSmall(text.len()))?;
                place.copy_from_slice(text);
                Ok(text.len())
            })
        };
        write(&mut output, b"abc").unwrap();
        output.extend(b"de");
        output.advance(2);
        write(&mut output, b"f").unwrap();
        assert_eq!(output.rest(), b"cdef");
        output.advance(4);
        assert_eq!(output.rest(), b"");
        write(&mut output, b"gh").unwrap();
        assert_eq!(output.rest(), b"gh");
        assert_eq!(output.append(|_| Err(Refused::Failed(7))), Err(7));
        assert_eq!(output.rest(), b"gh");
    }
}
