//! Views: everything that answers about routes depend on, immutable and shared.

mod answer;
mod digest;
mod group;
mod id;
mod joined;
mod listing;
mod mapping;
mod queue;
mod topic;
mod topology;

pub use answer::{Route, RouteQuery};
pub use digest::ClusterDigest;
pub(crate) use group::{BrokerData, BrokerGroup, FilterServers};
pub(crate) use id::{GroupId, QueueId};
use joined::JoinedFragments;
pub use listing::{ListedEntry, ListedGroup, ListedTopic};
pub(crate) use mapping::Mapping;
pub(crate) use queue::{QueueFragment, QueueRef};
pub(crate) use topic::{TopicKey, TopicRecord, TopicTable};
pub(crate) use topology::Topology;

use crate::access::AccessRules;
use crate::config::{Limits, Settings};
use crate::hash::Secret;
use crate::time::Instant;
use crate::wire::Serialization;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use hashbrown::HashMap;

/// Maps each topic to the order configuration that its route carries, as a JSON string.
pub(crate) type OrderTable = HashMap<Box<[u8]>, Box<[u8]>, Secret>;

/// An immutable view of everything that answers about routes depend on.
///
/// The registry publishes one view for each batch of changes. A reader loads the newest view after each read from a
/// socket, so a client that has a reply can see its effect.
#[derive(Debug)]
pub struct RouteView {
    pub(crate) topics: TopicTable,
    pub(crate) topology: Arc<Topology>,
    pub(crate) unconfirmed: usize,
    pub(crate) order: Arc<OrderTable>,
    pub(crate) settings: Settings,
    pub(crate) limits: Limits,
    pub(crate) serialization: Serialization,
    pub(crate) ready_at: Instant,
    pub(crate) going_away: bool,
    pub(crate) access: Arc<AccessRules>,
}

impl RouteView {
    /// Returns the route of a topic (Java: `RouteInfoManager.pickupTopicRouteData`).
    #[must_use]
    #[inline]
    pub fn route<'a>(&'a self, query: RouteQuery<'a>) -> Option<Route<'a>> {
        let record = self.topics.named(query.topic)?;
        if record.queues().is_empty() {
            return None;
        }
        let order = if self.settings.order_message_enable { self.order.get(query.topic) } else { None };
        Some(Route {
            query,
            record,
            topology: &self.topology,
            settings: &self.settings,
            order: order.map(|order| &**order),
        })
    }

    /// Returns the settings that answers depend on.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the rules of access control.
    #[must_use]
    pub fn access(&self) -> &AccessRules {
        &self.access
    }

    /// Returns the limits that connections enforce.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Returns how answers are encoded.
    #[must_use]
    pub const fn serialization(&self) -> Serialization {
        self.serialization
    }

    /// Whether the server answers route queries yet (`needWaitForService`; Java:
    /// `ClientRequestProcessor.getRouteInfoByTopic`).
    #[must_use]
    pub fn is_ready(&self, monotonic: Instant) -> bool {
        monotonic >= self.ready_at
    }

    /// Whether the server is about to stop.
    #[must_use]
    pub const fn is_going_away(&self) -> bool {
        self.going_away
    }

    /// Returns the number of registered brokers.
    #[must_use]
    pub fn broker_count(&self) -> usize {
        self.topology.broker_count()
    }

    /// Returns the number of brokers that are known from before the restart of the server and have not registered
    /// since.
    #[must_use]
    pub const fn unconfirmed_count(&self) -> usize {
        self.unconfirmed
    }

    /// Whether a broker is registered under this group name and identifier.
    #[must_use]
    pub fn has_broker(&self, name: &str, id: i64) -> bool {
        self.topology.group_named(name).is_some_and(|group| group.data.has_member(id))
    }

    /// Returns the number of topics.
    #[must_use]
    pub fn topic_count(&self) -> usize {
        self.topics.len()
    }

    /// Returns the body of GET_BROKER_CLUSTER_INFO. It is encoded once after each change of the brokers.
    #[must_use]
    pub fn cluster_info(&self) -> &[u8] {
        self.topology.cluster_info()
    }

    /// Writes the body of GET_SYSTEM_TOPIC_LIST_FROM_NS.
    pub fn write_system_topics(&self, output: &mut Vec<u8>) {
        self.topology.write_system_topics(output);
    }

    /// Writes the body of GET_BROKER_MEMBER_GROUP. The cluster is the one that the request names.
    pub fn write_member_group(&self, cluster: Option<&str>, broker: Option<&str>, output: &mut Vec<u8>) {
        self.topology.write_member_group(cluster, broker, output);
    }
}
