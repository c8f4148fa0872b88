//! Identifiers in views: small numbers in place of names.

/// The slot of a broker group. A slot is used again once its group is gone and no topic refers to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupId(pub(crate) u32);

/// The place of queue values among all that are in use. A place is used again once no entry refers to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QueueId(pub(crate) u32);
