//! The source of the next snapshot.

use super::Tables;
use super::groups::Group;
use super::member::Member;
use crate::snapshot::{SavedGroup, SavedMember, SnapshotSource};
use crate::time::Instant;
use alloc::sync::Arc;
use alloc::vec::Vec;

impl Tables {
    /// Takes time in proportion to the members. The topics are shared, so their number does not matter.
    pub(in crate::registry) fn snapshot_source(&self, now: Instant) -> SnapshotSource {
        let mut groups: Vec<_> = self.groups.iter().map(|(id, group)| (id, save(group, now))).collect();
        groups.sort_unstable_by(|(_, one), (_, other)| one.name.cmp(&other.name));
        SnapshotSource { groups, values: self.queues.all_values(), topics: self.topics.clone() }
    }
}

fn save(group: &Group, now: Instant) -> SavedGroup {
    SavedGroup {
        name: Arc::clone(&group.name),
        cluster: Arc::clone(&group.cluster),
        zone: group.zone.clone(),
        enable_acting_master: group.enable_acting_master,
        members: group.members.iter().map(|(id, member)| save_member(*id, member, now)).collect(),
    }
}

fn save_member(id: i64, member: &Member, now: Instant) -> SavedMember {
    SavedMember {
        id,
        address: Arc::clone(&member.address),
        cluster: Arc::clone(&member.cluster),
        ha_server: member.ha_server.clone(),
        timeout: member.timeout,
        data_version: member.data_version,
        filter_servers: member.filter_servers.clone(),
        lease_left: member.is_unconfirmed().then(|| member.deadline.since(now)),
    }
}
