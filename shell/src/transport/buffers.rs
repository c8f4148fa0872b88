//! Buffers that the transports of one I/O thread share, so that idle connections own none.

/// Buffers for ciphertext, plaintext and first bytes. They are allocated at first use.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    input: Vec<u8>,
    pub(super) output: Output,
    /// Output of a connection, gathered into few records.
    pub(super) gathered: Vec<u8>,
}

/// Ciphertext that one step produced.
#[derive(Debug, Default)]
pub(super) struct Output {
    bytes: Vec<u8>,
    filled: usize,
}

/// An encoder needs this much space.
pub(super) struct Needs(pub(super) usize);

impl Buffers {
    /// Returns the input of the last step.
    pub(super) fn input(&self) -> &[u8] {
        &self.input
    }

    /// Returns space for `bytes` bytes of input behind `kept`, and space for output.
    pub(super) fn with_input(&mut self, kept: &[u8], bytes: usize) -> (&mut [u8], &mut Output) {
        let all = kept.len() + bytes;
        if self.input.len() < all {
            self.input.resize(all, 0);
        }
        let input = self.input.get_mut(..all).unwrap_or_default();
        if let Some(front) = input.get_mut(..kept.len()) {
            front.copy_from_slice(kept);
        }
        (input, &mut self.output)
    }
}

impl Output {
    /// Returns what was appended since the last clearing.
    pub(super) fn filled(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }

    pub(super) const fn clear(&mut self) {
        self.filled = 0;
    }

    /// Appends what `encode` writes into free space. If `encode` needs more space, calls it again with more.
    pub(super) fn append<E>(
        &mut self,
        mut encode: impl FnMut(&mut [u8]) -> Result<Result<usize, Needs>, E>,
    ) -> Result<(), E> {
        loop {
            match encode(self.bytes.get_mut(self.filled..).unwrap_or_default())? {
                Ok(written) => {
                    self.filled += written;
                    return Ok(());
                }
                Err(Needs(bytes)) => self.bytes.resize(self.filled + bytes, 0),
            }
        }
    }
}
