//! What a broker registers: the header fields and the body of REGISTER_BROKER, in all its forms.

mod compressed;
mod integer_keys;
mod json;

use super::{ExtFields, input};
use crate::limits::Limits;
use crate::time::WallTime;
use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::Range;
use memchr::memmem;
use miniz_oxide::inflate::{self, TINFLStatus};

/// Release 3.0.11: senders before it send the topic table alone.
const VERSION_WITH_FILTER_SERVERS: i32 = 37;

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

impl DataVersion {
    /// The version of nothing, made at `timestamp` (Java: `DataVersion`, whose constructor takes the time of the call).
    #[must_use]
    pub const fn initial(timestamp: WallTime) -> Self {
        Self { state_version: 0, counter: Some(0), timestamp: timestamp.as_millis() as i64 }
    }
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
    pub fn read(fields: &'a ExtFields<'a>) -> Self {
        Self {
            broker_name: fields.value("brokerName"),
            broker_addr: fields.value("brokerAddr"),
            cluster_name: fields.value("clusterName"),
            ha_server_addr: fields.value("haServerAddr"),
            broker_id: fields.integer("brokerId"),
            heartbeat_timeout_millis: fields.integer("heartbeatTimeoutMillis"),
            enable_acting_master: fields.value("enableActingMaster").map(|_| fields.is_true("enableActingMaster")),
            compressed: fields.is_true("compressed"),
            body_crc32: fields.integer("bodyCrc32").and_then(|crc| i32::try_from(crc).ok()).unwrap_or(0),
            zone_name: fields.value("__ZONE_NAME"),
        }
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
    #[error("malformed body: {0}")]
    Malformed(String),
    /// Not the zlib stream that it is announced to be or begins like.
    #[error("malformed compressed body: {0}")]
    Compression(String),
    /// A zlib stream that inflates over the limit.
    #[error("a compressed body inflates to more than the limit of {max} bytes")]
    TooLong {
        /// The limit.
        max: usize,
    },
}

impl From<serde_json::Error> for BodyError {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed(input::reason(&error))
    }
}

impl BodyError {
    pub(super) fn malformed(reason: impl ToString) -> Self {
        Self::Malformed(reason.to_string())
    }
}

/// A register body as JSON or inflated bytes, ready to be decoded where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlainBody<'a> {
    /// JSON text, or nothing. Copied only if it had integer keys without quotes or unpaired surrogates.
    Json(Cow<'a, str>),
    /// What the zlib stream held.
    Inflated(Vec<u8>),
}

impl<'a> PlainBody<'a> {
    /// Inflates a body that is announced as compressed, or that begins as a zlib stream does: 5.x brokers that compress
    /// announce the contrary (Java: `BrokerOuterAPI.registerBrokerAll`).
    ///
    /// # Errors
    /// A broken stream, one that inflates over the limit, or text that is not UTF-8.
    pub fn new(body: &'a [u8], announced: bool, limits: &Limits) -> Result<Self, BodyError> {
        if body.is_empty() {
            return Ok(Self::Json(Cow::Borrowed("")));
        }
        if announced || begins_as_zlib(body) {
            return inflate(body, limits.inflated_bytes_max).map(Self::Inflated);
        }
        let text = input::text(body).map_err(BodyError::malformed)?;
        Ok(Self::Json(integer_keys::quote(text)))
    }
}

/// Whether the first bytes are a zlib header with the usual window size. JSON never begins with an `x`.
fn begins_as_zlib(body: &[u8]) -> bool {
    matches!(body, [first @ 0x78, second, ..] if u16::from_be_bytes([*first, *second]) % 31 == 0)
}

fn inflate(body: &[u8], max: usize) -> Result<Vec<u8>, BodyError> {
    inflate::decompress_to_vec_zlib_with_limit(body, max).map_err(|error| {
        if error.status == TINFLStatus::HasMoreOutput {
            BodyError::TooLong { max }
        } else {
            BodyError::Compression(error.to_string())
        }
    })
}

impl<'a> RegisterBody<'a> {
    /// Reads a body that a sender of `version` sent; `wall` stands in for a missing timestamp.
    ///
    /// # Errors
    /// A body that the form does not allow, or with more topics than the limit; and a negative version, which has no form
    /// (Java: `MQVersion.value2Version`).
    pub fn decode(body: &'a PlainBody<'a>, version: i32, wall: WallTime, limits: &Limits) -> Result<Self, BodyError> {
        let max = limits.topics_per_registration_max;
        if version < 0 {
            return Err(BodyError::malformed("a sender of a negative version"));
        }
        let only_topics = version < VERSION_WITH_FILTER_SERVERS;
        match body {
            PlainBody::Json(text) if text.is_empty() => Ok(Self::empty(only_topics)),
            PlainBody::Json(text) if only_topics => json::read_wrapper(text, wall, max),
            PlainBody::Json(text) => json::read(text, wall, max),
            PlainBody::Inflated(_) if only_topics => {
                Err(BodyError::malformed("a sender that is too old compresses its body"))
            }
            PlainBody::Inflated(bytes) => compressed::read(bytes, version, wall, max),
        }
    }

    /// What no body at all stands for.
    fn empty(only_topics: bool) -> Self {
        Self {
            filter_servers: (!only_topics).then(Vec::new),
            data_version: Some(DataVersion::initial(WallTime::UNIX_EPOCH)),
            topics: Some(Vec::new()),
            mappings: Vec::new(),
        }
    }
}

/// Where the digits of `mappingDataVersion.timestamp` stand in the body of a 5.x broker, if that is an object and that member
/// is written as those brokers write it and begins within the first 4 KiB.
///
/// In every registration that timestamp is the time of sending, while everything else repeats. A digest over all but
/// these digits recognises an unchanged registration, and leaving them out is safe: the pattern cannot stand inside of a
/// JSON string, where its quotes would be escaped, so it is a member called `mappingDataVersion`; nothing that is
/// registered comes from a member of that name, wherever it stands; and the range ends where the digits end, so no other
/// byte of the body is left out.
#[must_use]
pub fn unstable_range(body: &[u8]) -> Option<Range<usize>> {
    const WITHIN_BYTES: usize = 4096;
    // In a compressed body, where nothing is escaped, the same bytes may be the name of a topic.
    if body.first() != Some(&b'{') {
        return None;
    }
    let front = body.get(..WITHIN_BYTES).unwrap_or(body);
    let mut end = memmem::find(front, b"\"mappingDataVersion\":")?;
    let mut digits = end..end;
    for label in ["\"mappingDataVersion\":{\"counter\":", ",\"stateVersion\":", ",\"timestamp\":"] {
        let number = body.get(end..)?.strip_prefix(label.as_bytes())?;
        let length = number.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let start = end + label.len();
        end = start + length;
        digits = start..end;
        if digits.is_empty() {
            return None;
        }
    }
    Some(digits)
}

#[cfg(test)]
mod tests;
