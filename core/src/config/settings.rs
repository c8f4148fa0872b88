//! The keys of the core other than limits.

use crate::key::{INT, Key, Origin, boolean, integer, text, word};
use crate::keys;
use crate::serialization::Serialization;
use alloc::string::String;

keys! {
    /// The settings that answers depend on; all of them can change while the server runs.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Settings {
        /// Whether routes carry the order configuration.
        order_message_enable: bool = boolean("orderMessageEnable", "false").of(Origin::NamesrvConfig(5)).live();
        /// Whether answers to registrations carry the order configuration.
        return_order_topic_config_to_broker: bool =
            boolean("returnOrderTopicConfigToBroker", "true").of(Origin::NamesrvConfig(6)).live();
        /// Whether the slave with the smallest identifier is shown as the master of a group without a master.
        support_acting_master: bool = boolean("supportActingMaster", "false").of(Origin::NamesrvConfig(13)).live();
        /// Whether the server answers with the list of all topics (request 206).
        enable_all_topic_list: bool = boolean("enableAllTopicList", "true").of(Origin::NamesrvConfig(14)).live();
        /// Whether the server answers with lists of some topics (requests 224 and 311 to 313).
        enable_topic_list: bool = boolean("enableTopicList", "true").of(Origin::NamesrvConfig(15)).live();
        /// Whether the server tells brokers when the smallest identifier of their group changes (request 905).
        notify_min_broker_id_changed: bool =
            boolean("notifyMinBrokerIdChanged", "false").of(Origin::NamesrvConfig(16)).live();
        /// Whether the server refuses routes for a while after the start.
        need_wait_for_service: bool = boolean("needWaitForService", "false").of(Origin::NamesrvConfig(18)).live();
        /// Seconds after the start for which the server refuses routes.
        wait_seconds_for_service: i32 =
            integer("waitSecondsForService", INT, "45").of(Origin::NamesrvConfig(19)).live();
        /// Whether a registration removes the topics that it does not list.
        delete_topic_with_broker_registration: bool =
            boolean("deleteTopicWithBrokerRegistration", "false").of(Origin::NamesrvConfig(20)).live();
        /// Seconds of silence after which the server closes a connection; 0 or less keeps it open.
        server_channel_max_idle_time_seconds: i32 =
            integer("serverChannelMaxIdleTimeSeconds", INT, "120").of(Origin::NettyServerConfig(7)).live();
        /// Whether the server tells clients to go away before it stops.
        enable_shutdown_gracefully: bool =
            boolean("enableShutdownGracefully", "false").of(Origin::NettyServerConfig(15)).live();
        /// Seconds that the server waits for clients to go away.
        shutdown_wait_time_seconds: i32 =
            integer("shutdownWaitTimeSeconds", INT, "30").of(Origin::NettyServerConfig(16)).live();
    }
}

keys! {
    /// Keys that the server reads only at start.
    #[derive(Clone, Debug)]
    pub(super) struct StartSettings {
        /// Encoding of answers.
        serialization: Serialization = word("rocketmq.serialize.type", "JSON").of(Origin::JvmProperty(0));
        /// Keys that cannot be changed at run time, separated by semicolons.
        black_list: String =
            text("configBlackList", "configBlackList;configStorePath;kvConfigPath").of(Origin::NamesrvConfig(21));
        /// Bytes of unread answers at which a connection is not read from; counts only together with the low water
        /// mark.
        high_water_mark: usize =
            integer("writeBufferHighWaterMark", INT, "0").of(Origin::NettyServerConfig(10));
        /// The high water mark counts only if this is set too.
        low_water_mark: usize = integer("writeBufferLowWaterMark", INT, "0").of(Origin::NettyServerConfig(11));
    }
}

/// JVM properties that serve as defaults of the keys above.
pub(super) const JVM_DEFAULTS: &[Key] = &[
    Key::default_of(
        &StartSettings::high_water_mark.key,
        "com.rocketmq.remoting.write.buffer.high.water.mark",
        Origin::JvmProperty(4),
    ),
    Key::default_of(
        &StartSettings::low_water_mark.key,
        "com.rocketmq.remoting.write.buffer.low.water.mark",
        Origin::JvmProperty(5),
    ),
];

/// The key whose value is `Configuration::serialization`.
pub const SERIALIZE_TYPE: Key = StartSettings::serialization.key;
