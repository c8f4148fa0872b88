//! Look-ups.

use super::{Group, MemberKey, Tables};
use crate::ConnId;
use crate::route::{GroupId, QueueRef};
use crate::wire::QueueValues;
use alloc::vec::Vec;

impl Tables {
    pub(in crate::registry) fn group_named(&self, name: &str) -> Option<&Group> {
        self.groups.id(name).map(|id| self.groups.group(id))
    }

    /// Returns all members that registered with this address in this cluster, the latest last.
    pub(in crate::registry) fn members_at(&self, cluster: &str, address: &str) -> &[MemberKey] {
        self.liveness.at_address(cluster, address)
    }

    /// Whether a member registered over this connection.
    pub(in crate::registry) fn has_connection(&self, conn: ConnId) -> bool {
        self.liveness.has_connection(conn)
    }

    /// Returns the groups with a member in a cluster, in an order that must not show.
    pub(in crate::registry) fn groups_of_cluster(&self, cluster: &str) -> Vec<GroupId> {
        self.groups.iter().filter(|(_, group)| group.is_in(cluster)).map(|(id, _)| id).collect()
    }

    /// Returns the values of an entry.
    pub(in crate::registry) fn values_of(&self, entry: QueueRef) -> QueueValues {
        self.queues.values(entry.queue)
    }

    /// Whether an entry somewhere has these values.
    pub(in crate::registry) fn has_values(&self, values: QueueValues) -> bool {
        self.queues.contains(values)
    }
}
