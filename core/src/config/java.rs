//! Keys of the Java server that do nothing here. A file may set them, and GET_NAMESRV_CONFIG lists them.

use crate::key::Kind::{Boolean, Text};
use crate::key::Origin::{NamesrvConfig, NettyClientConfig, NettyServerConfig};
use crate::key::{Effect, INT, Key, LONG};

const CLUSTER_TEST: &str =
    "cluster-test mode is not offered: in it the server answers nothing but route queries, and brokers cannot register";
const CONTROLLER: &str = "the embedded controller is not offered: run a controller beside this server";

/// The fields of `NamesrvConfig`, `NettyServerConfig` and `NettyClientConfig` that have no other row.
#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    Key { effect: Effect::Label, ..Key::unused("productEnvName", Text, "center", NamesrvConfig(3)) },
    Key::refused("clusterTest", Boolean, "false", NamesrvConfig(4), CLUSTER_TEST),
    Key::unused("clientRequestThreadPoolNums", INT, "8", NamesrvConfig(7)),
    Key::unused("defaultThreadPoolNums", INT, "16", NamesrvConfig(8)),
    Key::unused("clientRequestThreadPoolQueueCapacity", INT, "50000", NamesrvConfig(9)),
    Key::unused("defaultThreadPoolQueueCapacity", INT, "10000", NamesrvConfig(10)),
    Key::unused("scanNotActiveBrokerInterval", LONG, "5000", NamesrvConfig(11)),
    Key::unused("unRegisterBrokerQueueCapacity", INT, "3000", NamesrvConfig(12)),
    Key::refused("enableControllerInNamesrv", Boolean, "false", NamesrvConfig(17), CONTROLLER),
    Key::unused("serverWorkerThreads", INT, "8", NettyServerConfig(2)),
    Key::unused("serverCallbackExecutorThreads", INT, "0", NettyServerConfig(3)),
    Key::unused("serverSelectorThreads", INT, "3", NettyServerConfig(4)),
    Key::unused("serverOnewaySemaphoreValue", INT, "256", NettyServerConfig(5)),
    Key::unused("serverAsyncSemaphoreValue", INT, "64", NettyServerConfig(6)),
    Key::unused("serverSocketBacklog", INT, "1024", NettyServerConfig(12)),
    Key::unused("serverNettyWorkerGroupEnable", Boolean, "true", NettyServerConfig(13)),
    Key::unused("serverPooledByteBufAllocatorEnable", Boolean, "true", NettyServerConfig(14)),
    Key::unused("useEpollNativeSelector", Boolean, "false", NettyServerConfig(17)),
    Key::unused("clientWorkerThreads", INT, "4", NettyClientConfig(0)),
    Key::unused("clientCallbackExecutorThreads", INT, "", NettyClientConfig(1)), // In Java, one per processor.
    Key::unused("clientOnewaySemaphoreValue", INT, "65535", NettyClientConfig(2)),
    Key::unused("clientAsyncSemaphoreValue", INT, "65535", NettyClientConfig(3)),
    Key::unused("channelNotActiveInterval", LONG, "60000", NettyClientConfig(5)),
    Key::unused("scanAvailableNameSrv", Boolean, "true", NettyClientConfig(6)),
    Key::unused("clientChannelMaxIdleTimeSeconds", INT, "120", NettyClientConfig(7)),
    Key::unused("clientSocketSndBufSize", INT, "0", NettyClientConfig(8)),
    Key::unused("clientSocketRcvBufSize", INT, "0", NettyClientConfig(9)),
    Key::unused("clientPooledByteBufAllocatorEnable", Boolean, "false", NettyClientConfig(10)),
    Key::unused("clientCloseSocketIfTimeout", Boolean, "true", NettyClientConfig(11)),
    Key::unused("socksProxyConfig", Text, "{}", NettyClientConfig(13)),
    Key::unused("disableCallbackExecutor", Boolean, "false", NettyClientConfig(14)),
    Key::unused("disableNettyWorkerGroup", Boolean, "false", NettyClientConfig(15)),
    Key::unused("maxReconnectIntervalTimeSeconds", LONG, "60", NettyClientConfig(16)),
    Key::unused("enableReconnectForGoAway", Boolean, "true", NettyClientConfig(17)),
];
