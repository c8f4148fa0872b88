//! Identifiers in views: small numbers that stand for names.

/// The slot of a broker group. A slot is reused once its group is gone and no topic refers to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupId(pub(crate) u32);

/// The place of queue values among all values in use. A place is reused once no entry refers to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QueueId(pub(crate) u32);

impl GroupId {
    /// The slot at an index of a list.
    pub(crate) fn at(index: usize) -> Self {
        Self(number(index))
    }

    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

impl QueueId {
    /// The place at an index of a list.
    pub(crate) fn at(index: usize) -> Self {
        Self(number(index))
    }

    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The limit on the bytes of the tables keeps lists far shorter than 4 billion elements.
#[inline]
fn number(index: usize) -> u32 {
    debug_assert!(u32::try_from(index).is_ok(), "a list with {index} elements");
    index as u32
}
