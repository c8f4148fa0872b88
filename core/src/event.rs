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

/// Why a broker was removed that did not unregister.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvictionCause {
    /// It was silent for longer than its heartbeat timeout.
    Expired,
    /// The connection that it registered over was lost.
    ConnectionLost,
    /// Another address took its identifier, or it took another identifier itself.
    Replaced,
    /// Another address holds the identifier that it wants, with a newer state version.
    ConflictLost,
    /// It was known from before the restart of the server, and did not register in time.
    Unconfirmed,
}

/// Why a registration was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalReason {
    /// This header field is missing or malformed.
    MissingField(&'static str),
    /// The body has a null where the topic table belongs.
    NullTopicTable,
    /// The first registration of a broker has a single topic, so it is an update that came too early.
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

/// What a request is about: names of fields, and their values. Long values are cut.
pub type Subject = Vec<(&'static str, String)>;

/// A request of an administrator that was served, whether it changed anything or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminWrite {
    /// The request code.
    pub code: i32,
    /// The connection that it came over.
    pub peer: Peer,
    /// Who sent it, and what allowed it.
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
    /// A KV entry. Long values are cut.
    Kv {
        /// Its value before; `None` if there was none.
        before: Option<String>,
        /// Its value now; `None` if there is none.
        after: Option<String>,
    },
    /// A broker group lost or got the write permission of its topics.
    WritePermission {
        /// Whether topics are writable now.
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
        /// The keys with another value than before.
        keys: Vec<String>,
        /// Whether the change outlives the process.
        is_saved: bool,
    },
}

/// A request that was refused, or that would have been.
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

/// Something that changed in the registry, or that its operator has to know.
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
        /// The other end of its connection.
        peer: ClientAddress,
    },
    /// A known broker registered with another data version or identifier, or changed its topics or something else that
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
    /// A broker was removed that did not ask for it.
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
        /// The other end of its connection.
        peer: ClientAddress,
    },
    /// One broker name is used in two clusters.
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
        /// The peer that asked.
        peer: ClientAddress,
    },
    /// An administrator's request was served. There is one for each, in every mode.
    AdminWrite(Box<AdminWrite>),
    /// A request was refused by the rules of access control.
    RequestRefused(Box<RefusedRequest>),
    /// A request was served that would have been refused if the rules were not only observed. Of a broker's
    /// registrations it is told once.
    RequestWouldBeRefused(Box<RefusedRequest>),
    /// A request counts because of the previous secret of a user. Without it the request would be refused, or would not
    /// count.
    PreviousSecretUsed {
        /// The user.
        user: Arc<str>,
        /// The request code.
        code: i32,
        /// The connection that it came over.
        peer: Peer,
    },
    /// A sign of life did not count, because it did not come from the broker itself.
    RenewalIgnored {
        /// The request code.
        code: i32,
        /// The broker.
        broker: BrokerIdentity,
        /// The connection that it came over.
        peer: Peer,
    },
    /// A registration took the identifier of another address over.
    IdentifierTakenOver {
        /// The broker that has it now.
        broker: BrokerIdentity,
        /// The connection that it registered over.
        peer: Peer,
        /// The address of the broker that had it.
        from: String,
        /// Where that one had registered from.
        from_peer: ClientAddress,
    },
    /// A broker was registered from a second address of the network. It stays until neither is there any more.
    SecondClaim {
        /// The broker.
        broker: BrokerIdentity,
        /// Where it had been registered from.
        holder: ClientAddress,
        /// The connection that it is registered over now.
        peer: Peer,
    },
    /// A broker unregistered from one of several addresses that had registered it, so it stays.
    ClaimWithdrawn {
        /// The broker.
        broker: BrokerIdentity,
        /// The connection that it unregistered over.
        peer: Peer,
        /// Where it is still registered from.
        left: ClientAddress,
    },
    /// A value in the namespace `ORDER_TOPIC_CONFIG` is left out of routes, because clients would not read it alike.
    MalformedOrderConfig {
        /// The topic, which is the key of the value.
        topic: String,
        /// What is wrong.
        fault: OrderFault,
    },
    /// An order configuration names brokers or queues that its topic does not have. Routes carry it.
    DoubtfulOrderConfig {
        /// The topic.
        topic: String,
        /// What it says that is not so.
        doubts: Vec<OrderDoubt>,
    },
    /// A file could not be saved.
    SaveFailed {
        /// Which.
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
