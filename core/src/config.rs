//! Configuration: the keys of the properties file, the settings that answers depend on, and every limit.

pub mod keys;
pub mod properties;
mod table;

use crate::time::Duration;
use crate::wire::Serialization;
use alloc::string::String;

pub use keys::{Configuration, ConfigurationError, LogFormat, Update, is_jvm_property};

/// What the core needs to know at start.
#[derive(Clone, Debug)]
pub struct Config {
    /// Keys every hasher and digest: random in a server, from the seed in a simulation.
    pub secret: [u8; 16],
    /// Bounds of everything that a peer can make grow.
    pub limits: Limits,
    /// The keys of the properties file and their values.
    pub configuration: Configuration,
    /// Contents of the KV file.
    pub kv: crate::kv::KvTable,
    /// How answers are encoded, whatever the request came in.
    pub serialization: Serialization,
}

/// The settings that behaviour depends on; all of them can change while the server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `orderMessageEnable`: routes carry the order configuration.
    pub order_message_enable: bool,
    /// `returnOrderTopicConfigToBroker`: so do answers to registrations.
    pub return_order_topic_config_to_broker: bool,
    /// `supportActingMaster`: the smallest slave is shown as master.
    pub support_acting_master: bool,
    /// `enableAllTopicList`: 206 is answered.
    pub enable_all_topic_list: bool,
    /// `enableTopicList`: 224 and 311 to 313 are answered.
    pub enable_topic_list: bool,
    /// `notifyMinBrokerIdChanged`: 905 is sent.
    pub notify_min_broker_id_changed: bool,
    /// `needWaitForService`: routes are refused for a while after start.
    pub need_wait_for_service: bool,
    /// `waitSecondsForService`: how long.
    pub wait_seconds_for_service: i32,
    /// `deleteTopicWithBrokerRegistration`: a registration removes the topics that it does not list.
    pub delete_topic_with_broker_registration: bool,
    /// `serverChannelMaxIdleTimeSeconds`: idle connections are closed after it; 0 or less never.
    pub server_channel_max_idle_time_seconds: i32,
    /// `enableShutdownGracefully`: say GO_AWAY before stopping.
    pub enable_shutdown_gracefully: bool,
    /// `shutdownWaitTimeSeconds`: for how long.
    pub shutdown_wait_time_seconds: i32,
}

/// Bounds of everything that a peer can make grow.
///
/// A limit is checked before memory is allocated for what it bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A frame, its length word included. Java: `com.rocketmq.remoting.frameMaxLength`.
    pub frame_bytes_max: usize,
    /// A command header.
    pub header_bytes_max: usize,
    /// Extension fields of one header.
    pub ext_fields_max: usize,
    /// What a compressed body may inflate to.
    pub inflated_bytes_max: usize,
    /// Topics of one registration.
    pub topics_per_registration_max: usize,
    /// All that is registered, about.
    pub registry_bytes_max: usize,
    /// Connections at one time.
    pub connections_max: usize,
    /// Requests of one connection that were forwarded to the registry and are not answered yet.
    pub forwarded_per_connection_max: usize,
    /// Output of one connection at which no more of its input is read.
    pub output_bytes_pause: usize,
    /// Output of one connection at which it is closed.
    pub output_bytes_max: usize,
    /// Output of all connections together that their peers did not read.
    pub unread_output_bytes_max: usize,
    /// Requests waiting for the registry.
    pub registry_queue_requests_max: usize,
    /// Bytes of the requests waiting for the registry.
    pub registry_queue_bytes_max: usize,
    /// Incomplete frames of all connections together.
    pub incomplete_input_bytes_max: usize,
    /// Time that one frame may take to arrive.
    pub frame_time_max: Duration,
    /// Entries of the KV table, over all namespaces.
    pub kv_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_bytes_max: 16 * 1024 * 1024,
            header_bytes_max: 0x00FF_FFFF,
            ext_fields_max: 1024,
            inflated_bytes_max: 256 * 1024 * 1024,
            topics_per_registration_max: 1_000_000,
            registry_bytes_max: 2 * 1024 * 1024 * 1024,
            connections_max: 100_000,
            forwarded_per_connection_max: 64,
            output_bytes_pause: 256 * 1024,
            output_bytes_max: 64 * 1024 * 1024,
            unread_output_bytes_max: 256 * 1024 * 1024,
            registry_queue_requests_max: 10_000,
            registry_queue_bytes_max: 256 * 1024 * 1024,
            incomplete_input_bytes_max: 1024 * 1024 * 1024,
            frame_time_max: Duration::from_secs(120),
            kv_bytes_max: 64 * 1024 * 1024,
        }
    }
}

/// A line for the operator about a configuration that works but is not what it seems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning(pub String);
