//! Classes of requests. The class decides what the sender must prove.

use crate::wire::code::request;

/// What a request does to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It asks for a route: nearly all traffic. Access control never refuses it and never looks at its fields.
    Route,
    /// It reads something else.
    Read,
    /// A broker sends it about itself.
    Broker,
    /// An administrator changes something that affects all clients.
    Admin,
    /// The server does not know it, and answers so.
    Other,
}

impl Class {
    /// Returns the class of a request code.
    #[must_use]
    pub const fn of(code: i32) -> Self {
        match code {
            request::GET_ROUTEINFO_BY_TOPIC => Self::Route,
            request::GET_KV_CONFIG
            | request::GET_BROKER_CLUSTER_INFO
            | request::GET_ALL_TOPIC_LIST_FROM_NAMESERVER
            | request::GET_KVLIST_BY_NAMESPACE
            | request::GET_TOPICS_BY_CLUSTER
            | request::GET_SYSTEM_TOPIC_LIST_FROM_NS
            | request::GET_UNIT_TOPIC_LIST
            | request::GET_HAS_UNIT_SUB_TOPIC_LIST
            | request::GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST
            | request::GET_NAMESRV_CONFIG
            | request::GET_BROKER_MEMBER_GROUP => Self::Read,
            // A broker whose QUERY_DATA_VERSION is refused believes that nothing changed, so this is not a read.
            request::REGISTER_BROKER
            | request::UNREGISTER_BROKER
            | request::REGISTER_TOPIC_IN_NAMESRV
            | request::QUERY_DATA_VERSION
            | request::BROKER_HEARTBEAT => Self::Broker,
            request::PUT_KV_CONFIG
            | request::DELETE_KV_CONFIG
            | request::WIPE_WRITE_PERM_OF_BROKER
            | request::DELETE_TOPIC_IN_NAMESRV
            | request::UPDATE_NAMESRV_CONFIG
            | request::ADD_WRITE_PERM_OF_BROKER => Self::Admin,
            _ => Self::Other,
        }
    }

    /// Returns the name of the class in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Route => "route",
            Self::Read => "read",
            Self::Broker => "broker",
            Self::Admin => "admin",
            Self::Other => "other",
        }
    }
}
