//! Reports on members, for operators.

use super::deadline::deadline;
use super::{Member, Tables};
use crate::report::{ReportRequest, ReportedMember};
use crate::time::Now;
use alloc::vec::Vec;

impl Tables {
    /// Returns the requested members, and whether more groups follow. Takes time in proportion to the result.
    pub(in crate::registry) fn list_members(&self, request: &ReportRequest, now: Now) -> (Vec<ReportedMember>, bool) {
        let mut members = Vec::new();
        // The last view has the groups in the order of their names.
        for (id, shown) in self.topology.groups_after(&request.groups_after) {
            if members.len() >= request.members_max {
                return (members, true);
            }
            // A group that has left since the last view no longer has this name.
            if self.groups.id(&shown.data.name) != Some(id) {
                continue;
            }
            let group = self.groups.group(id);
            let topics = group.topics.len();
            members.extend(group.members.iter().map(|(id, member)| report(&group.name, *id, member, topics, now)));
        }
        (members, false)
    }
}

fn report(group: &str, id: i64, member: &Member, topics: usize, now: Now) -> ReportedMember {
    let leaves_in = member.deadline.since(now.monotonic);
    ReportedMember {
        broker: member.identity(group, id),
        silent: deadline(now, member.timeout).since(now.monotonic).saturating_sub(leaves_in),
        leaves_in,
        data_version: member.data_version,
        topics,
        peer: member.claims().newest(),
        unconfirmed: member.is_unconfirmed(),
    }
}
