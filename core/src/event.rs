//! What happened, for whoever operates the server: one event per change that matters, none per heartbeat.

use crate::time::Duration;
use alloc::string::String;
use core::net::SocketAddr;

/// Which registration an event is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BrokerIdentity {
    /// Name of the cluster.
    pub cluster: String,
    /// Name of the broker group.
    pub name: String,
    /// Identifier within the group; 0 is the master.
    pub id: i64,
    /// Advertised address, `host:port`.
    pub address: String,
}

/// Why a broker left without saying so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvictionCause {
    /// Nothing was heard from it for its whole heartbeat timeout.
    Expired,
    /// The connection that it registered over is gone.
    ConnectionLost,
    /// Another address took its identifier, or its own address took another identifier.
    Replaced,
    /// It lost the conflict for an identifier against a newer state version.
    ConflictLost,
}

/// Something that changed in the registry, or that an operator has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A broker that was not known registered.
    BrokerRegistered {
        /// The broker.
        broker: BrokerIdentity,
        /// Topics in its registration.
        topics: usize,
        /// The other end of its connection.
        peer: SocketAddr,
    },
    /// A known broker registered with another data version or another identifier, or changed topics or anything else that
    /// answers show.
    BrokerChanged {
        /// The broker.
        broker: BrokerIdentity,
        /// Topics whose entry was added, replaced or removed.
        topics_changed: usize,
    },
    /// A broker unregistered.
    BrokerUnregistered {
        /// The broker.
        broker: BrokerIdentity,
    },
    /// A broker was removed without having asked for it.
    BrokerEvicted {
        /// The broker.
        broker: BrokerIdentity,
        /// Why.
        cause: EvictionCause,
    },
    /// A registration was refused; nothing of it was applied.
    RegistrationRefused {
        /// The broker as far as the request names it.
        broker: BrokerIdentity,
        /// Why, in words.
        reason: String,
        /// The other end of its connection.
        peer: SocketAddr,
    },
    /// One broker name is used in two clusters.
    ClusterConflict {
        /// The newcomer.
        broker: BrokerIdentity,
        /// The cluster that the group belongs to.
        group_cluster: String,
    },
    /// A topic was deleted by request.
    TopicDeleted {
        /// The topic.
        topic: String,
        /// The cluster it was deleted from; all when absent.
        cluster: Option<String>,
        /// Who asked.
        peer: SocketAddr,
    },
    /// Queue entries of a topic were registered by request.
    TopicRegistered {
        /// The topic.
        topic: String,
        /// Who asked.
        peer: SocketAddr,
    },
    /// Write permission of all topics of a broker group was wiped or added.
    WritePermissionChanged {
        /// Name of the broker group.
        broker: String,
        /// Whether topics are writable now.
        writable: bool,
        /// Topics that have an entry for the group.
        topics: usize,
        /// Who asked.
        peer: SocketAddr,
    },
    /// A KV entry was set, or deleted when `value` is absent.
    KvChanged {
        /// Namespace of the entry.
        namespace: String,
        /// Key of the entry.
        key: String,
        /// Whether the entry was deleted.
        deleted: bool,
        /// Who asked.
        peer: SocketAddr,
    },
    /// A value in namespace `ORDER_TOPIC_CONFIG` that clients could not read is left out of routes.
    MalformedOrderConfig {
        /// The topic, which is the key of the value.
        topic: String,
    },
    /// A file could not be saved.
    SaveFailed {
        /// Which.
        file: crate::registry::SaveFile,
        /// Why.
        reason: String,
    },
    /// The configuration was changed by request.
    ConfigurationChanged {
        /// The keys that have another value now, joined by commas.
        keys: String,
        /// Who asked.
        peer: SocketAddr,
    },
    /// Time passed without this server being able to run; all heartbeat deadlines were postponed by so much.
    Late {
        /// The time that was missed.
        by: Duration,
    },
}
