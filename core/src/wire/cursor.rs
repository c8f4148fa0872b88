//! A cursor over big-endian binary data that cannot overrun.

/// The unread rest of some bytes. Every method that reads returns `None` if too little is left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Returns the unread bytes.
    pub(super) const fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    pub(super) fn short(&mut self) -> Option<i16> {
        self.array().map(i16::from_be_bytes)
    }

    pub(super) fn int(&mut self) -> Option<i32> {
        self.array().map(i32::from_be_bytes)
    }

    /// Returns the next `length` bytes, or `None` when `length` is negative.
    pub(super) fn take(&mut self, length: i32) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    /// Reads an int, then this many bytes.
    pub(super) fn block(&mut self) -> Option<&'a [u8]> {
        let length = self.int()?;
        self.take(length)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_in_order_and_never_past_the_end() {
        let mut cursor = Cursor::new(b"\x01\xff\xfe\x00\x00\x01\x00\x00\x00\x00\x02abc");
        assert_eq!(cursor.byte(), Some(1));
        assert_eq!(cursor.short(), Some(-2));
        assert_eq!(cursor.int(), Some(256));
        assert_eq!(cursor.block(), Some(&b"ab"[..]));
        assert_eq!(cursor.take(-1), None);
        assert_eq!(cursor.take(2), None);
        assert_eq!(cursor.short(), None);
        assert_eq!(cursor.rest(), b"c");
    }
}
