//! Request and response codes that this server knows.

/// Codes of requests.
pub mod request {
    /// Sets a KV entry.
    pub const PUT_KV_CONFIG: i32 = 100;
    /// Reads a KV entry.
    pub const GET_KV_CONFIG: i32 = 101;
    /// Deletes a KV entry.
    pub const DELETE_KV_CONFIG: i32 = 102;
    /// A broker registers with its topic table.
    pub const REGISTER_BROKER: i32 = 103;
    /// A broker leaves.
    pub const UNREGISTER_BROKER: i32 = 104;
    /// Where a topic is.
    pub const GET_ROUTEINFO_BY_TOPIC: i32 = 105;
    /// All broker groups and clusters.
    pub const GET_BROKER_CLUSTER_INFO: i32 = 106;
    /// Makes the topics of a broker group read-only.
    pub const WIPE_WRITE_PERM_OF_BROKER: i32 = 205;
    /// All topic names.
    pub const GET_ALL_TOPIC_LIST_FROM_NAMESERVER: i32 = 206;
    /// Deletes a topic.
    pub const DELETE_TOPIC_IN_NAMESRV: i32 = 216;
    /// Registers queue entries of one topic.
    pub const REGISTER_TOPIC_IN_NAMESRV: i32 = 217;
    /// All entries of a KV namespace.
    pub const GET_KVLIST_BY_NAMESPACE: i32 = 219;
    /// Topics of a cluster.
    pub const GET_TOPICS_BY_CLUSTER: i32 = 224;
    /// Names of clusters and broker groups.
    pub const GET_SYSTEM_TOPIC_LIST_FROM_NS: i32 = 304;
    /// Topics with the unit flag.
    pub const GET_UNIT_TOPIC_LIST: i32 = 311;
    /// Topics with the unit subscription flag.
    pub const GET_HAS_UNIT_SUB_TOPIC_LIST: i32 = 312;
    /// Topics with the unit subscription flag and without the unit flag.
    pub const GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST: i32 = 313;
    /// Changes the configuration.
    pub const UPDATE_NAMESRV_CONFIG: i32 = 318;
    /// Reads the configuration.
    pub const GET_NAMESRV_CONFIG: i32 = 319;
    /// Compares a data version; counts as a heartbeat.
    pub const QUERY_DATA_VERSION: i32 = 322;
    /// Makes the topics of a broker group writable.
    pub const ADD_WRITE_PERM_OF_BROKER: i32 = 327;
    /// Members of a broker group.
    pub const GET_BROKER_MEMBER_GROUP: i32 = 901;
    /// A heartbeat.
    pub const BROKER_HEARTBEAT: i32 = 904;
    /// Sent by this server: the smallest identifier of a group changed.
    pub const NOTIFY_MIN_BROKER_ID_CHANGE: i32 = 905;
}

/// Codes of answers.
pub mod response {
    /// Done.
    pub const SUCCESS: i32 = 0;
    /// Every failure without a code of its own.
    pub const SYSTEM_ERROR: i32 = 1;
    /// Too much to do.
    pub const SYSTEM_BUSY: i32 = 2;
    /// Unknown request code.
    pub const REQUEST_CODE_NOT_SUPPORTED: i32 = 3;
    /// A configuration key that may not be changed.
    pub const NO_PERMISSION: i32 = 16;
    /// No route.
    pub const TOPIC_NOT_EXIST: i32 = 17;
    /// No KV entry.
    pub const QUERY_NOT_FOUND: i32 = 22;
    /// The server is about to stop.
    pub const GO_AWAY: i32 = 1500;
}
