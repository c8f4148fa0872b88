//! Events for the operator of the server: one for each change that matters, none for a heartbeat.

use crate::access::{Grant, Refusal};
use crate::kv::{OrderDoubt, OrderFault};
use crate::save::{SaveError, SaveFile};
use crate::time::Duration;
use crate::wire::Release;
use crate::{ClientAddress, Peer};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// The broker that an event is about.
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

/// Why the server removed a broker that did not unregister.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvictionCause {
    /// The broker was silent for longer than its heartbeat timeout.
    Expired,
    /// The connection that the broker registered over was lost.
    ConnectionLost,
    /// Another address took the broker's identifier, or the broker itself took another identifier.
    Replaced,
    /// Another address holds the identifier that the broker wants, with a newer state version.
    ConflictLost,
    /// The broker was registered before the restart of the server, and did not register again in time.
    Unconfirmed,
}

/// Why a registration was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalReason {
    /// This header field is missing or malformed.
    MissingField(&'static str),
    /// The body has a null where the topic table belongs.
    NullTopicTable,
    /// A broker's first registration has a single topic, so it is an update that came too early.
    SingleTopic,
    /// The tables have reached their limit.
    TablesFull,
    /// Another address holds the identifier of the broker, with a newer state version.
    ConflictLost,
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingField(name) => write!(f, "{name} is missing"),
            Self::NullTopicTable => f.write_str("the topic table is null"),
            Self::SingleTopic => f.write_str("its first registration has a single topic"),
            Self::TablesFull => f.write_str("the tables are full"),
            Self::ConflictLost => f.write_str("another address holds its identifier with a newer state version"),
        }
    }
}

/// What a request is about: names of fields, and their values. Long values are shortened.
pub type Subject = Vec<(&'static str, String)>;

/// An administrator's request that the server handled, whether or not it changed anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminWrite {
    /// The request code.
    pub code: i32,
    /// The connection that it came over.
    pub peer: Peer,
    /// Who sent it, and why it was allowed.
    pub grant: Grant,
    /// What it was about.
    pub subject: Subject,
    /// What it changed.
    pub change: Change,
    /// The code of the answer.
    pub result: i32,
}

/// What a request of an administrator changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    Nothing,
    /// A KV entry. Long values are shortened.
    Kv {
        /// The value before; `None` if there was none.
        before: Option<String>,
        /// The value now; `None` if there is none.
        after: Option<String>,
    },
    /// A broker group lost or got the write permission of its topics.
    WritePermission {
        /// Whether the topics are writable now.
        writable: bool,
        /// Topics that have an entry for the group.
        topics: usize,
    },
    /// A topic was deleted.
    TopicDeleted {
        /// Broker groups that it was deleted from.
        groups: usize,
    },
    /// The configuration.
    Configuration {
        /// The keys whose values changed.
        keys: Vec<String>,
        /// Whether the change outlives the process.
        is_saved: bool,
    },
}

/// A request that the server refused, or would have refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRequest {
    /// The request code.
    pub code: i32,
    /// The connection that it came over.
    pub peer: Peer,
    /// Why.
    pub refusal: Refusal,
    /// What it was about.
    pub subject: Subject,
}

/// A change in the registry, or something else that the operator must know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A new broker registered.
    BrokerRegistered {
        /// The broker.
        broker: BrokerIdentity,
        /// The release that it announces.
        release: Release,
        /// Topics in its registration.
        topics: usize,
        /// The client at the other end of the connection.
        peer: ClientAddress,
    },
    /// A known broker registered again with another data version or identifier, or with a change of its topics or of
    /// anything else that answers show.
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
    /// The server removed a broker that did not unregister.
    BrokerEvicted {
        /// The broker.
        broker: BrokerIdentity,
        /// Why.
        cause: EvictionCause,
    },
    /// A registration was refused. Nothing of it was applied.
    RegistrationRefused {
        /// The broker, as far as the request names it.
        broker: BrokerIdentity,
        /// Why.
        reason: RefusalReason,
        /// The client at the other end of the connection.
        peer: ClientAddress,
    },
    /// Two clusters use the same broker name.
    ClusterConflict {
        /// The broker that is new to the group.
        broker: BrokerIdentity,
        /// The cluster that the group belongs to.
        group_cluster: String,
    },
    /// Queue entries of a topic were registered by request.
    TopicRegistered {
        /// The topic.
        topic: String,
        /// The client that asked for it.
        peer: ClientAddress,
    },
    /// The server handled an administrator's request. There is one event for each such request, in every mode.
    AdminWrite(Box<AdminWrite>),
    /// The rules of access control refused a request.
    RequestRefused(Box<RefusedRequest>),
    /// The server handled a request that it would have refused if the rules were enforced and not only observed. For a
    /// broker's registrations, reported once.
    RequestWouldBeRefused(Box<RefusedRequest>),
    /// A request counts only because it is signed with a user's previous secret. Without that secret the request would
    /// be refused, or would not count.
    PreviousSecretUsed {
        /// The user.
        user: Arc<str>,
        /// The request code.
        code: i32,
        /// The connection that it came over.
        peer: Peer,
    },
    /// A sign of life did not count, because the broker itself did not send it.
    RenewalIgnored {
        /// The request code.
        code: i32,
        /// The broker.
        broker: BrokerIdentity,
        /// The connection that it came over.
        peer: Peer,
    },
    /// A registration took over an identifier that another address held.
    IdentifierTakenOver {
        /// The broker that has it now.
        broker: BrokerIdentity,
        /// The connection that it registered over.
        peer: Peer,
        /// The address of the broker that held it before.
        from: String,
        /// Where that broker had registered from.
        from_peer: ClientAddress,
    },
    /// A broker was registered from a second network address. It stays until both are gone.
    SecondClaim {
        /// The broker.
        broker: BrokerIdentity,
        /// Where it had been registered from before.
        holder: ClientAddress,
        /// The connection that it is registered over now.
        peer: Peer,
    },
    /// A broker unregistered from one of the addresses that had registered it, so it stays.
    ClaimWithdrawn {
        /// The broker.
        broker: BrokerIdentity,
        /// The connection that it unregistered over.
        peer: Peer,
        /// Where it is still registered from.
        left: ClientAddress,
    },
    /// Routes omit a value of the namespace `ORDER_TOPIC_CONFIG`, because clients would read it in different ways.
    MalformedOrderConfig {
        /// The topic, which is the key of the value.
        topic: String,
        /// What is wrong with it.
        fault: OrderFault,
    },
    /// An order configuration names brokers or queues that its topic does not have. Routes still carry it.
    DoubtfulOrderConfig {
        /// The topic.
        topic: String,
        /// What does not match the topic.
        doubts: Vec<OrderDoubt>,
    },
    /// A file could not be saved.
    SaveFailed {
        /// The file.
        file: SaveFile,
        /// Why.
        reason: SaveError,
    },
    /// The server could not run for a while. All heartbeat deadlines were postponed by that time.
    Late {
        /// The time.
        by: Duration,
    },
}
