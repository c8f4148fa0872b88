//! The elements of a snapshot: numbers with seven bits in a byte, and texts with their length in front.

use super::error::Malformed;
use alloc::vec::Vec;

pub(super) fn put_number(output: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        output.push(number as u8 | 0x80);
        number >>= 7;
    }
    output.push(number as u8);
}

/// Writes a signed number. Small numbers of either sign are short.
pub(super) fn put_signed(output: &mut Vec<u8>, number: i64) {
    put_number(output, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

pub(super) fn put_bytes(output: &mut Vec<u8>, bytes: &[u8]) {
    put_number(output, bytes.len() as u64);
    output.extend_from_slice(bytes);
}

/// Writes whether there is a value, and then the value.
pub(super) fn put_option<T>(output: &mut Vec<u8>, value: Option<T>, put: impl FnOnce(&mut Vec<u8>, T)) {
    output.push(u8::from(value.is_some()));
    if let Some(value) = value {
        put(output, value);
    }
}

/// Reads from the front of bytes.
#[derive(Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.0.split_first().ok_or(Malformed::Cut)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(super) fn number(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            if (bits << shift) >> shift != bits {
                return Err(Malformed::Number);
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Malformed::Number)
    }

    pub(super) fn signed(&mut self) -> Result<i64, Malformed> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// Reads a number that must be smaller than `end`.
    pub(super) fn below(&mut self, end: usize) -> Result<usize, Malformed> {
        let number = self.number()?;
        usize::try_from(number).ok().filter(|number| *number < end).ok_or(Malformed::Number)
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.number()?;
        let parts = usize::try_from(length).ok().and_then(|length| self.0.split_at_checked(length));
        let (bytes, rest) = parts.ok_or(Malformed::Cut)?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Malformed> {
        core::str::from_utf8(self.bytes()?).map_err(|_| Malformed::Text)
    }

    pub(super) fn flag(&mut self) -> Result<bool, Malformed> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed::Flag),
        }
    }

    pub(super) fn option<T, E: From<Malformed>>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        if self.flag()? { read(self).map(Some) } else { Ok(None) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_were_written() {
        for number in [0, 1, -1, 63, -64, 64, i64::from(i32::MIN), i64::MAX, i64::MIN] {
            let mut bytes = Vec::new();
            put_signed(&mut bytes, number);
            put_number(&mut bytes, number.cast_unsigned());
            let mut reader = Reader(&bytes);
            assert_eq!((reader.signed(), reader.number()), (Ok(number), Ok(number.cast_unsigned())));
            assert!(reader.0.is_empty());
        }
        assert_eq!(Reader(&[0xFF; 11]).number(), Err(Malformed::Number));
        assert_eq!(Reader(&[0xFF, 0xFF]).number(), Err(Malformed::Cut));
        assert_eq!(Reader(&[2]).flag(), Err(Malformed::Flag));
        assert_eq!(Reader(&[3, b'a', b'b']).bytes(), Err(Malformed::Cut));
        assert_eq!(Reader(&[1, 0xFF]).text(), Err(Malformed::Text));
    }
}
