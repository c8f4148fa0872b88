//! JSON fragments of broker groups, joined in the order of the groups' names, so that one copy writes adjacent groups.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

/// Fragments with commas between them.
///
/// Most topics are on all brokers of a cluster, with the same queue values for each, and the names of these brokers are
/// mostly adjacent.
#[derive(Debug)]
pub(crate) struct JoinedFragments {
    bytes: Vec<u8>,
    /// Where each fragment starts, and where one more would start.
    starts: Vec<usize>,
}

impl JoinedFragments {
    /// Lets `write` append the fragment of each item.
    pub(crate) fn new<T>(items: impl IntoIterator<Item = T>, write: impl Fn(&mut Vec<u8>, T)) -> Self {
        let (mut bytes, mut starts) = (Vec::new(), vec![0]);
        for item in items {
            write(&mut bytes, item);
            bytes.push(b',');
            starts.push(bytes.len());
        }
        bytes.shrink_to_fit();
        Self { bytes, starts }
    }

    /// Returns the fragments at these positions, or `None` if there are fewer.
    #[inline]
    pub(crate) fn slice(&self, positions: &Range<usize>) -> Option<&[u8]> {
        let (start, next) = (*self.starts.get(positions.start)?, *self.starts.get(positions.end)?);
        self.bytes.get(start..next.checked_sub(1)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjacent_fragments_have_commas_between_them() {
        let joined = JoinedFragments::new([&b"a"[..], b"bcd", b""], Vec::extend_from_slice);
        for (positions, expected) in
            [(0..1, &b"a"[..]), (1..2, b"bcd"), (0..2, b"a,bcd"), (1..3, b"bcd,"), (0..3, b"a,bcd,")]
        {
            assert_eq!(joined.slice(&positions), Some(expected), "{positions:?}");
        }
        assert_eq!(joined.slice(&(2..4)), None, "there are three");
    }
}
