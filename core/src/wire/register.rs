//! What a broker registers: the header fields and the body of REGISTER_BROKER, in all its forms.

use super::ExtFields;
use crate::config::Limits;
use crate::time::Millis;
use alloc::borrow::Cow;
use alloc::vec::Vec;

/// The version that a broker gives its topic table; a registration with another one is a change, even an older one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DataVersion {
    /// Decides conflicts for a broker identifier.
    pub state_version: i64,
    /// Counts changes; absent only when a broker says null.
    pub counter: Option<i64>,
    /// Time of the last change, milliseconds since 1970 by the broker's clock.
    pub timestamp: i64,
}

/// Fields of the REGISTER_BROKER header. Absent means missing or malformed (Java: `RegisterBrokerRequestHeader`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterHeader<'a> {
    /// Name of the broker group.
    pub broker_name: Option<Cow<'a, str>>,
    /// Advertised address.
    pub broker_addr: Option<Cow<'a, str>>,
    /// Name of the cluster.
    pub cluster_name: Option<Cow<'a, str>>,
    /// Address of the replication service.
    pub ha_server_addr: Option<Cow<'a, str>>,
    /// Identifier within the group; 0 is the master.
    pub broker_id: Option<i64>,
    /// Milliseconds of silence after which the broker is gone.
    pub heartbeat_timeout_millis: Option<i64>,
    /// Absent for brokers before 5.0.
    pub enable_acting_master: Option<bool>,
    /// Whether the body is announced as compressed.
    pub compressed: bool,
    /// Checksum of the body; 0 is unchecked.
    pub body_crc32: i32,
    /// The zone that the broker stands in.
    pub zone_name: Option<Cow<'a, str>>,
}

impl<'a> RegisterHeader<'a> {
    /// Reads the fields; what is missing or malformed is absent.
    #[must_use]
    pub fn read(_fields: &'a ExtFields<'a>) -> Self {
        todo!()
    }
}

/// One topic of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicConfig<'a> {
    /// Key in the topic table.
    pub key: Cow<'a, str>,
    /// Name of the topic, which is what counts; absent when the configuration has none.
    pub name: Option<Cow<'a, str>>,
    /// Queues to read from.
    pub read_queue_nums: i32,
    /// Queues to write to.
    pub write_queue_nums: i32,
    /// Permission bits: 4 read, 2 write, 1 inherit, 8 priority.
    pub perm: i32,
    /// Flag bits: 1 unit, 2 unit subscription.
    pub topic_sys_flag: i32,
}

/// Which queues of a static topic stand on one broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicQueueMapping<'a> {
    /// Key in the mapping table: the topic that a route shows it for.
    pub key: Cow<'a, str>,
    /// Name of the topic inside of the mapping.
    pub topic: Option<Cow<'a, str>>,
    /// Scope; `__global__` when absent in the input.
    pub scope: Option<Cow<'a, str>>,
    /// Queues of the topic over all brokers.
    pub total_queues: i32,
    /// Name of the broker group.
    pub bname: Option<Cow<'a, str>>,
    /// Version of the mapping.
    pub epoch: i64,
    /// Whether the mapping is outdated.
    pub dirty: bool,
    /// Global queue number to local queue number, in the order of the input; absent when null.
    pub curr_id_map: Option<Vec<(i32, i32)>>,
}

/// The body of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterBody<'a> {
    /// Addresses of filter servers; absent leaves what is stored.
    pub filter_servers: Option<Vec<Cow<'a, str>>>,
    /// Version of the table; absent when null.
    pub data_version: Option<DataVersion>,
    /// The topic table without repeated keys; absent when null.
    pub topics: Option<Vec<TopicConfig<'a>>>,
    /// Static-topic mappings.
    pub mappings: Vec<TopicQueueMapping<'a>>,
}

/// A body that cannot be read; the request is answered with code 1 and this text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// Not what the form asks for.
    #[error("{0}")]
    Malformed(alloc::string::String),
}

/// A register body as JSON or inflated bytes, ready to be decoded where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlainBody<'a> {
    /// JSON text, or nothing.
    Json(&'a [u8]),
    /// What the zlib stream held.
    Inflated(Vec<u8>),
}

impl<'a> PlainBody<'a> {
    /// Inflates a body that is announced as compressed, or that begins as a zlib stream does.
    ///
    /// # Errors
    /// A broken stream, or one that inflates over the limit.
    pub fn new(_body: &'a [u8], _announced: bool, _limits: &Limits) -> Result<Self, BodyError> {
        todo!()
    }
}

impl<'a> RegisterBody<'a> {
    /// Reads a body that a sender of `version` sent; `wall` stands in for a missing timestamp.
    ///
    /// # Errors
    /// A body that the form does not allow, or with more topics than the limit.
    pub fn decode(_body: &'a PlainBody<'a>, _version: i32, _wall: Millis, _limits: &Limits) -> Result<Self, BodyError> {
        todo!()
    }
}

/// Where the digits of `mappingDataVersion.timestamp` stand in a register body.
#[must_use]
pub fn unstable_range(_body: &[u8]) -> Option<core::ops::Range<usize>> {
    None
}
