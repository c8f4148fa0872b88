//! What answers say of broker groups, written one behind the other, so that neighbours are one copy.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

/// Texts with commas between them: what is said of each group, in the order of the groups' names.
///
/// The brokers of a cluster are mostly neighbours, and most topics are on all of them and say the same of each.
#[derive(Debug)]
pub(crate) struct Row {
    written: Vec<u8>,
    /// Where each text starts, and where the one behind the last would.
    starts: Vec<usize>,
}

impl Row {
    /// Has `write` append the text of each item.
    pub(crate) fn new<T>(items: impl IntoIterator<Item = T>, write: impl Fn(&mut Vec<u8>, T)) -> Self {
        let (mut written, mut starts) = (Vec::new(), vec![0]);
        for item in items {
            write(&mut written, item);
            written.push(b',');
            starts.push(written.len());
        }
        written.shrink_to_fit();
        Self { written, starts }
    }

    /// The texts of some neighbours.
    #[inline]
    pub(crate) fn slice(&self, neighbours: &Range<usize>) -> Option<&[u8]> {
        let (start, next) = (*self.starts.get(neighbours.start)?, *self.starts.get(neighbours.end)?);
        self.written.get(start..next.checked_sub(1)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_stand_with_the_commas_between_them() {
        let row = Row::new([&b"a"[..], b"bcd", b""], Vec::extend_from_slice);
        for (neighbours, expected) in
            [(0..1, &b"a"[..]), (1..2, b"bcd"), (0..2, b"a,bcd"), (1..3, b"bcd,"), (0..3, b"a,bcd,")]
        {
            assert_eq!(row.slice(&neighbours), Some(expected), "{neighbours:?}");
        }
        assert_eq!(row.slice(&(2..4)), None, "there are three");
    }
}
