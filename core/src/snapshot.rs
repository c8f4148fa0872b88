//! Snapshots: what is registered, as a file for the next start of the server.
//!
//! A snapshot holds only what registrations say: no connections, no secrets, no KV entries. The server serves a
//! snapshot unchanged, but only until brokers have had time to repeat it
//! ([`WarmStart`](crate::initial_state::WarmStart)).
//!
//! The registry hands out a [`SnapshotSource`], which shares the topics with the views; another thread calls
//! [`SnapshotSource::encode`]. [`Snapshot::decode`] trusts nothing in the file: no length, no order, no number.

mod bytes;
mod decode;
mod encode;
mod error;
#[cfg(test)]
mod tests;
mod written;

pub use error::{Malformed, SnapshotError};
pub use written::{Age, Written};

use crate::route::{FilterServers, GroupId, Mapping, QueueRef, TopicTable};
use crate::time::Duration;
use crate::wire::QueueValues;
use crate::wire::register::DataVersion;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The first bytes of the file.
const MAGIC: [u8; 8] = *b"NSROUTES";
/// The only format that this release reads and writes.
const FORMAT: u32 = 1;
/// Magic, format, length of the payload, and checksum of everything but itself.
const HEADER_BYTES: usize = MAGIC.len() + 4 + 8 + 4;

/// The contents of a snapshot file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// When it was written.
    pub written: Written,
    /// In the order of their names. A [`GroupId`] in a topic is a position in this list.
    pub(crate) groups: Vec<SavedGroup>,
    /// A [`QueueId`](crate::route::QueueId) in a topic is a position in this list.
    pub(crate) values: Vec<QueueValues>,
    /// In the order of their names.
    pub(crate) topics: Vec<SavedTopic>,
}

/// A broker group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SavedGroup {
    pub(crate) name: Arc<str>,
    pub(crate) cluster: Arc<str>,
    pub(crate) zone: Option<Arc<str>>,
    pub(crate) enable_acting_master: bool,
    /// In the order of their identifiers.
    pub(crate) members: Vec<SavedMember>,
}

/// A registered broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SavedMember {
    pub(crate) id: i64,
    pub(crate) address: Arc<str>,
    pub(crate) cluster: Arc<str>,
    pub(crate) ha_server: Option<Arc<str>>,
    /// Milliseconds of silence that the broker asked for.
    pub(crate) timeout: i64,
    pub(crate) data_version: Option<DataVersion>,
    pub(crate) filter_servers: Option<FilterServers>,
    /// The time that was left to a broker that had not repeated its registration after an earlier restart. It gets no
    /// more, so that restarts do not keep a dead broker alive.
    pub(crate) lease_left: Option<Duration>,
}

/// A topic with its entries and static-topic mappings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SavedTopic {
    pub(crate) name: Arc<str>,
    /// In the order of the groups.
    pub(crate) entries: Vec<QueueRef>,
    /// In the order of the brokers' names.
    pub(crate) mappings: Vec<Mapping>,
}

/// The data of a snapshot. It shares the topics with the views, so creating it takes time in proportion to the brokers
/// only.
#[derive(Clone, Debug)]
pub struct SnapshotSource {
    /// With their slots, which topics refer to; in the order of their names.
    pub(crate) groups: Vec<(GroupId, SavedGroup)>,
    /// By place.
    pub(crate) values: Vec<QueueValues>,
    pub(crate) topics: TopicTable,
}

impl Snapshot {
    /// Returns the brokers in the snapshot: group names with identifiers.
    pub fn brokers(&self) -> impl Iterator<Item = (&str, i64)> {
        self.groups.iter().flat_map(|group| group.members.iter().map(|member| (&*group.name, member.id)))
    }

    /// Returns the number of topics.
    #[must_use]
    pub const fn topic_count(&self) -> usize {
        self.topics.len()
    }
}
