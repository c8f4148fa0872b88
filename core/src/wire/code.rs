//! Request and response codes that this server knows.

/// Codes of requests.
pub mod request {
    /// Declares the codes, one row each.
    macro_rules! codes {
        ($( #[doc = $description:literal] $name:ident = $code:literal; )+) => {
            $( #[doc = $description] pub const $name: i32 = $code; )+

            /// Returns Java's name of a code (`RequestCode`), or `None` for a code that this server does not know.
            #[must_use]
            pub const fn name(code: i32) -> Option<&'static str> {
                match code {
                    $( $name => Some(stringify!($name)), )+
                    _ => None,
                }
            }
        };
    }

    codes! {
        /// Sets a KV entry.
        PUT_KV_CONFIG = 100;
        /// Reads a KV entry.
        GET_KV_CONFIG = 101;
        /// Deletes a KV entry.
        DELETE_KV_CONFIG = 102;
        /// A broker registers with its topic table.
        REGISTER_BROKER = 103;
        /// A broker leaves.
        UNREGISTER_BROKER = 104;
        /// Where a topic is.
        GET_ROUTEINFO_BY_TOPIC = 105;
        /// All broker groups and clusters.
        GET_BROKER_CLUSTER_INFO = 106;
        /// Makes the topics of a broker group read-only.
        WIPE_WRITE_PERM_OF_BROKER = 205;
        /// All topic names.
        GET_ALL_TOPIC_LIST_FROM_NAMESERVER = 206;
        /// Deletes a topic.
        DELETE_TOPIC_IN_NAMESRV = 216;
        /// Registers queue entries of one topic.
        REGISTER_TOPIC_IN_NAMESRV = 217;
        /// All entries of a KV namespace.
        GET_KVLIST_BY_NAMESPACE = 219;
        /// Topics of a cluster.
        GET_TOPICS_BY_CLUSTER = 224;
        /// Names of clusters and broker groups.
        GET_SYSTEM_TOPIC_LIST_FROM_NS = 304;
        /// Topics with the unit flag.
        GET_UNIT_TOPIC_LIST = 311;
        /// Topics with the unit subscription flag.
        GET_HAS_UNIT_SUB_TOPIC_LIST = 312;
        /// Topics with the unit subscription flag and without the unit flag.
        GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST = 313;
        /// Changes the configuration.
        UPDATE_NAMESRV_CONFIG = 318;
        /// Reads the configuration.
        GET_NAMESRV_CONFIG = 319;
        /// Compares a data version; counts as a heartbeat.
        QUERY_DATA_VERSION = 322;
        /// Makes the topics of a broker group writable.
        ADD_WRITE_PERM_OF_BROKER = 327;
        /// Members of a broker group.
        GET_BROKER_MEMBER_GROUP = 901;
        /// A heartbeat.
        BROKER_HEARTBEAT = 904;
        /// Sent by this server: the smallest identifier of a group changed.
        NOTIFY_MIN_BROKER_ID_CHANGE = 905;
    }
}

/// Codes of answers.
pub mod response {
    /// Success.
    pub const SUCCESS: i32 = 0;
    /// Any failure without its own code.
    pub const SYSTEM_ERROR: i32 = 1;
    /// The server has too much to do.
    pub const SYSTEM_BUSY: i32 = 2;
    /// Unknown request code.
    pub const REQUEST_CODE_NOT_SUPPORTED: i32 = 3;
    /// The configuration key must not be changed.
    pub const NO_PERMISSION: i32 = 16;
    /// The topic has no route.
    pub const TOPIC_NOT_EXIST: i32 = 17;
    /// There is no such KV entry.
    pub const QUERY_NOT_FOUND: i32 = 22;
    /// The server is about to stop.
    pub const GO_AWAY: i32 = 1500;
}
