//! Configuration: the keys of the properties file, the settings that answers depend on, and every limit.

pub mod keys;
pub mod properties;
mod table;

use alloc::string::String;

pub use crate::limits::Limits;
pub use keys::{Configuration, ConfigurationError, LogFormat, Update, is_jvm_property};

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

/// A line for the operator about a configuration that works but is not what it seems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning(pub String);
