//! The table of configuration keys: name, type, default, and what a value does.
//!
//! The defaults of the server's keys are what GET_NAMESRV_CONFIG of a fresh Java server shows.

/// What values a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `true` or `false`, in any case.
    Boolean,
    /// A decimal number within bounds, both included.
    Integer(i64, i64),
    /// Any text.
    Text,
    /// One of these words, as written here.
    Word(&'static [&'static str]),
}

/// What a value does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Taken from the file, and from UPDATE_NAMESRV_CONFIG while the server runs.
    Live,
    /// Taken from the file.
    Start,
    /// Taken from the file as the default of another key (a JVM property of the Java server).
    DefaultOf(&'static str),
    /// Nothing; it may be changed at run time like a live one.
    Label,
    /// Nothing here, although it does something in the Java server.
    None,
    /// Asks for something that this server does not do, unless it is `false`, `none`, `disabled` or empty.
    Refused(&'static str),
}

/// Where a key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// `NamesrvConfig` and `NettyServerConfig`: always shown by GET_NAMESRV_CONFIG, unless it has neither value nor default.
    Server,
    /// `NettyClientConfig`: shown only when the file sets it, as all below.
    Client,
    /// A property of the JVM in the Java server, a key of the file here.
    Jvm,
    /// A key of our own.
    Own,
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Absent: no value until the process sets one.
    pub(super) default: Option<&'static str>,
    pub(super) effect: Effect,
    pub(super) origin: Origin,
}

/// The key of that name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

use Effect::{DefaultOf, Label, Live, Refused, Start};
use Kind::{Boolean, Integer, Text, Word};

/// A Java `int`.
const INT: Kind = Integer(i32::MIN as i64, i32::MAX as i64);
/// A Java `long`.
const LONG: Kind = Integer(i64::MIN, i64::MAX);
/// A limit in pieces or bytes; even the smallest lets the server work.
const LIMIT: Kind = Integer(1, i64::MAX);

const CLUSTER_TEST: &str =
    "cluster-test mode is not offered: in it the server answers nothing but route queries, and brokers cannot register";
const CONTROLLER: &str = "the embedded controller is not offered: run a controller beside this server";
const TLS: &str = "TLS is not available yet: remove the key, or end TLS in front of this server";

const fn server(name: &'static str, kind: Kind, default: &'static str, effect: Effect) -> Key {
    Key { name, kind, default: Some(default), effect, origin: Origin::Server }
}

const fn path(name: &'static str, effect: Effect) -> Key {
    Key { name, kind: Text, default: None, effect, origin: Origin::Server }
}

const fn client(name: &'static str, kind: Kind, default: &'static str, effect: Effect) -> Key {
    Key { name, kind, default: Some(default), effect, origin: Origin::Client }
}

const fn jvm(name: &'static str, kind: Kind, default: &'static str, effect: Effect) -> Key {
    Key { name, kind, default: Some(default), effect, origin: Origin::Jvm }
}

const fn own(name: &'static str, kind: Kind, default: &'static str) -> Key {
    Key { name, kind, default: Some(default), effect: Start, origin: Origin::Own }
}

/// Every key, in the order in which `--printConfigItem` shows them.
#[rustfmt::skip]
pub(super) static KEYS: &[Key] = &[
    // NamesrvConfig.
    path("rocketmqHome", Effect::None),
    path("kvConfigPath", Start),
    path("configStorePath", Start),
    server("productEnvName", Text, "center", Label),
    server("clusterTest", Boolean, "false", Refused(CLUSTER_TEST)),
    server("orderMessageEnable", Boolean, "false", Live),
    server("returnOrderTopicConfigToBroker", Boolean, "true", Live),
    server("clientRequestThreadPoolNums", INT, "8", Effect::None),
    server("defaultThreadPoolNums", INT, "16", Effect::None),
    server("clientRequestThreadPoolQueueCapacity", INT, "50000", Effect::None),
    server("defaultThreadPoolQueueCapacity", INT, "10000", Effect::None),
    server("scanNotActiveBrokerInterval", LONG, "5000", Effect::None),
    server("unRegisterBrokerQueueCapacity", INT, "3000", Effect::None),
    server("supportActingMaster", Boolean, "false", Live),
    server("enableAllTopicList", Boolean, "true", Live),
    server("enableTopicList", Boolean, "true", Live),
    server("notifyMinBrokerIdChanged", Boolean, "false", Live),
    server("enableControllerInNamesrv", Boolean, "false", Refused(CONTROLLER)),
    server("needWaitForService", Boolean, "false", Live),
    server("waitSecondsForService", INT, "45", Live),
    server("deleteTopicWithBrokerRegistration", Boolean, "false", Live),
    server("configBlackList", Text, "configBlackList;configStorePath;kvConfigPath", Start),
    // NettyServerConfig.
    server("bindAddress", Text, "0.0.0.0", Start),
    server("listenPort", Integer(0, 65_535), "9876", Start),
    server("serverWorkerThreads", INT, "8", Effect::None),
    server("serverCallbackExecutorThreads", INT, "0", Effect::None),
    server("serverSelectorThreads", INT, "3", Effect::None),
    server("serverOnewaySemaphoreValue", INT, "256", Effect::None),
    server("serverAsyncSemaphoreValue", INT, "64", Effect::None),
    server("serverChannelMaxIdleTimeSeconds", INT, "120", Live),
    server("serverSocketSndBufSize", INT, "0", Start),
    server("serverSocketRcvBufSize", INT, "0", Start),
    server("writeBufferHighWaterMark", INT, "0", Start),
    server("writeBufferLowWaterMark", INT, "0", Start),
    server("serverSocketBacklog", INT, "1024", Effect::None),
    server("serverNettyWorkerGroupEnable", Boolean, "true", Effect::None),
    server("serverPooledByteBufAllocatorEnable", Boolean, "true", Effect::None),
    server("enableShutdownGracefully", Boolean, "false", Live),
    server("shutdownWaitTimeSeconds", INT, "30", Live),
    server("useEpollNativeSelector", Boolean, "false", Effect::None),
    // NettyClientConfig; the two water marks have the names of the server's and are listed above.
    client("clientWorkerThreads", INT, "4", Effect::None),
    client("clientCallbackExecutorThreads", INT, "", Effect::None), // Java: one for each processor.
    client("clientOnewaySemaphoreValue", INT, "65535", Effect::None),
    client("clientAsyncSemaphoreValue", INT, "65535", Effect::None),
    client("connectTimeoutMillis", Integer(1, i32::MAX as i64), "3000", Start),
    client("channelNotActiveInterval", LONG, "60000", Effect::None),
    client("scanAvailableNameSrv", Boolean, "true", Effect::None),
    client("clientChannelMaxIdleTimeSeconds", INT, "120", Effect::None),
    client("clientSocketSndBufSize", INT, "0", Effect::None),
    client("clientSocketRcvBufSize", INT, "0", Effect::None),
    client("clientPooledByteBufAllocatorEnable", Boolean, "false", Effect::None),
    client("clientCloseSocketIfTimeout", Boolean, "true", Effect::None),
    client("useTLS", Boolean, "false", Refused(TLS)),
    client("socksProxyConfig", Text, "{}", Effect::None),
    client("disableCallbackExecutor", Boolean, "false", Effect::None),
    client("disableNettyWorkerGroup", Boolean, "false", Effect::None),
    client("maxReconnectIntervalTimeSeconds", LONG, "60", Effect::None),
    client("enableReconnectForGoAway", Boolean, "true", Effect::None),
    // JVM properties.
    jvm("rocketmq.serialize.type", Word(&["JSON", "ROCKETMQ"]), "JSON", Start),
    jvm("com.rocketmq.remoting.frameMaxLength", Integer(1024, i32::MAX as i64), "16777216", Start),
    jvm("com.rocketmq.remoting.socket.sndbuf.size", INT, "0", DefaultOf("serverSocketSndBufSize")),
    jvm("com.rocketmq.remoting.socket.rcvbuf.size", INT, "0", DefaultOf("serverSocketRcvBufSize")),
    jvm("com.rocketmq.remoting.write.buffer.high.water.mark", INT, "0", DefaultOf("writeBufferHighWaterMark")),
    jvm("com.rocketmq.remoting.write.buffer.low.water.mark", INT, "0", DefaultOf("writeBufferLowWaterMark")),
    jvm("com.rocketmq.remoting.socket.backlog", INT, "1024", Effect::None),
    jvm("tls.enable", Boolean, "false", Refused(TLS)),
    jvm("tls.test.mode.enable", Boolean, "false", Refused(TLS)),
    jvm("tls.config.file", Text, "", Refused(TLS)),
    jvm("tls.server.mode", Text, "disabled", Refused(TLS)),
    jvm("tls.server.keyPath", Text, "", Refused(TLS)),
    jvm("tls.server.keyPassword", Text, "", Refused(TLS)),
    jvm("tls.server.certPath", Text, "", Refused(TLS)),
    jvm("tls.server.authClient", Boolean, "false", Refused(TLS)),
    jvm("tls.server.trustCertPath", Text, "", Refused(TLS)),
    jvm("tls.server.need.client.auth", Text, "none", Refused(TLS)),
    jvm("tls.client.keyPath", Text, "", Refused(TLS)),
    jvm("tls.client.keyPassword", Text, "", Refused(TLS)),
    jvm("tls.client.certPath", Text, "", Refused(TLS)),
    jvm("tls.client.authServer", Boolean, "false", Refused(TLS)),
    jvm("tls.client.trustCertPath", Text, "", Refused(TLS)),

    // I/O threads; 0 is one for each processor.
    own("ioThreads", Integer(0, 1024), "0"),
    // How log lines look.
    own("logFormat", Word(&["text", "json"]), "text"),
    // The least important events that are logged.
    own("logLevel", Word(&["error", "warn", "info", "debug", "trace"]), "info"),
    // Where changes by UPDATE_NAMESRV_CONFIG are kept; empty: `.runtime` appended to configStorePath.
    own("runtimeConfigPath", Text, ""),
    // The limits, each described where it is used: `Limits`.
    own("headerBytesMax", LIMIT, "16777215"),
    own("extFieldsMax", LIMIT, "1024"),
    own("inflatedBytesMax", LIMIT, "268435456"),
    own("topicsPerRegistrationMax", LIMIT, "1000000"),
    own("registryBytesMax", LIMIT, "2147483648"),
    own("connectionsMax", LIMIT, "100000"),
    own("forwardedPerConnectionMax", LIMIT, "64"),
    own("outputBytesPause", LIMIT, "262144"),
    own("outputBytesMax", LIMIT, "67108864"),
    own("unreadOutputBytesMax", LIMIT, "268435456"),
    own("registryQueueRequestsMax", LIMIT, "10000"),
    own("registryQueueBytesMax", LIMIT, "268435456"),
    own("incompleteInputBytesMax", LIMIT, "1073741824"),
    own("frameSecondsMax", LIMIT, "120"),
    own("kvBytesMax", LIMIT, "67108864"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::string::ToString;

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<_> = KEYS.iter().map(|key| key.name).collect();
        assert_eq!(names.len(), KEYS.len());
    }

    #[test]
    fn defaults_are_values_in_the_form_in_which_they_are_shown() {
        for key in KEYS {
            if let Some(default) = key.default.filter(|default| !default.is_empty()) {
                assert_eq!(key.canonical(default), Ok(default.to_string()), "{}", key.name);
            }
        }
    }

    #[test]
    fn defaults_of_keys_name_keys() {
        for key in KEYS {
            if let DefaultOf(name) = key.effect {
                assert_eq!(find(name).map(|target| (target.kind, target.default)), Some((key.kind, key.default)));
            }
        }
    }
}
