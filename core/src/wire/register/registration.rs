//! The contents of a registration.

use crate::time::WallTime;
use crate::wire::QueueValues;
use crate::wire::fields::ExtFields;
use alloc::borrow::Cow;
use alloc::vec::Vec;

/// The version that a broker gives its topic table. A registration with any other version, even an older one, is a
/// change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DataVersion {
    /// Decides which broker wins a conflict over an identifier.
    pub state_version: i64,
    /// Counts changes. `None` only if a broker sends `null`.
    pub counter: Option<i64>,
    /// Time of the last change in milliseconds since 1970, by the broker's clock.
    pub timestamp: i64,
}

impl DataVersion {
    /// The version of an empty table, created at `timestamp` (Java: `DataVersion`, whose constructor takes the current
    /// time).
    #[must_use]
    pub const fn initial(timestamp: WallTime) -> Self {
        Self { state_version: 0, counter: Some(0), timestamp: timestamp.as_millis() as i64 }
    }
}

/// Fields of the REGISTER_BROKER header. `None` means missing or malformed (Java: `RegisterBrokerRequestHeader`).
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
    /// Milliseconds of silence after which the broker expires.
    pub heartbeat_timeout_millis: Option<i64>,
    /// Whether the broker allows an acting master. `None` for brokers before 5.0.
    pub enable_acting_master: Option<bool>,
    /// Whether the body is announced as compressed.
    pub compressed: bool,
    /// Checksum of the body. 0 means that there is nothing to check.
    pub body_crc32: i32,
    /// The zone of the broker.
    pub zone_name: Option<Cow<'a, str>>,
}

impl<'a> RegisterHeader<'a> {
    /// Reads the fields. Missing and malformed ones are `None`.
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
    /// Name of the topic, which decides. `None` if the configuration has no name.
    pub name: Option<Cow<'a, str>>,
    /// The broker's values for the topic.
    pub values: QueueValues,
}

/// The queues of a static topic on one broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicQueueMapping<'a> {
    /// Key in the mapping table: the topic whose route shows the mapping.
    pub key: Cow<'a, str>,
    /// Name of the topic inside the mapping.
    pub topic: Option<Cow<'a, str>>,
    /// Scope. `__global__` if the input has none.
    pub scope: Option<Cow<'a, str>>,
    /// Number of the topic's queues on all brokers together.
    pub total_queues: i32,
    /// Name of the broker group.
    pub bname: Option<Cow<'a, str>>,
    /// Version of the mapping.
    pub epoch: i64,
    /// Whether the mapping is outdated.
    pub dirty: bool,
    /// Maps global queue numbers to local ones, in the order of the input. `None` for `null`.
    pub curr_id_map: Option<Vec<(i32, i32)>>,
}

/// The body of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterBody<'a> {
    /// Addresses of filter servers. `None` keeps the stored ones.
    pub filter_servers: Option<Vec<Cow<'a, str>>>,
    /// Version of the table. `None` for `null`.
    pub data_version: Option<DataVersion>,
    /// The topic table without repeated keys. `None` for `null`.
    pub topics: Option<Vec<TopicConfig<'a>>>,
    /// Static-topic mappings.
    pub mappings: Vec<TopicQueueMapping<'a>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_header_of_a_5x_broker() {
        let members = r#""heartbeatTimeoutMillis":"10000","brokerId":"2","bodyCrc32":"1011716302","clusterName":"AM","brokerAddr":"127.0.0.1:22320","enableActingMaster":"true","haServerAddr":"127.0.0.1:22321","compressed":"True","brokerName":"am","__ZONE_NAME":"z1"}"#;
        let fields = ExtFields::exact(members);
        let expected = RegisterHeader {
            broker_name: Some("am".into()),
            broker_addr: Some("127.0.0.1:22320".into()),
            cluster_name: Some("AM".into()),
            ha_server_addr: Some("127.0.0.1:22321".into()),
            broker_id: Some(2),
            heartbeat_timeout_millis: Some(10000),
            enable_acting_master: Some(true),
            compressed: true,
            body_crc32: 1_011_716_302,
            zone_name: Some("z1".into()),
        };
        assert_eq!(RegisterHeader::read(&fields), expected);
    }

    #[test]
    fn missing_and_malformed_header_fields_are_absent() {
        let absent = RegisterHeader::read(&ExtFields::None);
        assert_eq!(
            (absent.broker_id, absent.heartbeat_timeout_millis, absent.enable_acting_master),
            (None, None, None)
        );
        assert_eq!((absent.compressed, absent.body_crc32, absent.broker_name), (false, 0, None));
        let malformed = ExtFields::exact(
            r#""brokerId":"x","heartbeatTimeoutMillis":" 1","enableActingMaster":"1","compressed":"yes","bodyCrc32":"2147483648"}"#,
        );
        let malformed = RegisterHeader::read(&malformed);
        assert_eq!((malformed.broker_id, malformed.heartbeat_timeout_millis), (None, None));
        assert_eq!(
            (malformed.enable_acting_master, malformed.compressed, malformed.body_crc32),
            (Some(false), false, 0)
        );
    }
}
