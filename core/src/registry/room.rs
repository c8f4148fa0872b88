//! Room: about how many bytes the tables take, and whether there are enough left for what somebody wants to register.
//!
//! The figures are estimates that err on the high side; the bound is there so that strangers cannot take all memory.

use super::Registry;
use super::group::{Group, Member};
use super::register::values_of;
use crate::hash::Secret;
use crate::route::{Mapping, QueueFragment, QueueValues};
use crate::wire::register::{RegisterBody, RegisterHeader, TopicConfig, TopicQueueMapping};
use hashbrown::HashSet;

/// A group without names, members and topics.
const GROUP_BYTES: usize = 4096;
/// A member without names.
const MEMBER_BYTES: usize = 1024;
/// How often a name of a group or a member stands in indexes, views and ready answers.
const NAME_COPIES: usize = 24;
/// The entry of a group in a topic, without the name of the topic, which counts twice although groups share it.
const ENTRY_BYTES: usize = 192;
/// Distinct queue values, without what is written for them.
const QUEUE_VALUES_BYTES: usize = 96;
/// A mapping without what is written for it.
const MAPPING_BYTES: usize = 256;
/// An entry in the map of queues of a mapping, as it is written.
const MAPPED_QUEUE_BYTES: usize = 32;

/// Distinct queue values, with the most that can be written for them.
const LONGEST_QUEUE_VALUES_BYTES: usize = QUEUE_VALUES_BYTES + 104;

/// Bytes of a group's own names.
pub(super) fn group_bytes(group: &Group) -> usize {
    let names = group.name.len() + group.cluster.len() + group.zone.as_ref().map_or(0, |zone| zone.len());
    GROUP_BYTES + NAME_COPIES * names
}

/// Bytes of a member.
pub(super) fn member_bytes(member: &Member) -> usize {
    let names = member.address.len() + member.cluster.len() + member.ha_server.as_ref().map_or(0, |name| name.len());
    MEMBER_BYTES + NAME_COPIES * names + member.filter_servers.as_ref().map_or(0, |servers| 2 * servers.written.len())
}

/// Bytes of the entry of a group in a topic of that name.
pub(super) const fn entry_bytes(topic: &str) -> usize {
    ENTRY_BYTES + 2 * topic.len()
}

/// Bytes of queue values.
pub(super) const fn queue_values_bytes(queue: &QueueFragment) -> usize {
    QUEUE_VALUES_BYTES + queue.written.len()
}

/// Bytes of a mapping.
pub(super) fn mapping_bytes(mapping: &Mapping) -> usize {
    MAPPING_BYTES + mapping.broker_name.len() + mapping.member.iter().map(|written| written.len()).sum::<usize>()
}

impl Registry {
    /// Whether there is room for all that a registration could add to the tables.
    pub(super) fn has_room(&self, name: &str, header: &RegisterHeader<'_>, body: &RegisterBody<'_>) -> bool {
        let topics = body.topics.as_deref().unwrap_or_default();
        let fixed = newcomer_bytes(header, body) + body.mappings.iter().map(written_mapping_bytes).sum::<usize>();
        let entry_with_values = |topic| entry_bytes(name_of(topic)) + LONGEST_QUEUE_VALUES_BYTES;
        let entries: usize = topics.iter().map(entry_with_values).sum();
        self.fits(fixed + entries) || self.fits(fixed + self.new_entries_bytes(name, topics))
    }

    /// Whether there is room for the entries of so many groups in one more topic.
    pub(super) fn has_room_for_topic(&self, topic: &str, groups: usize) -> bool {
        self.fits(groups * (entry_bytes(topic) + LONGEST_QUEUE_VALUES_BYTES))
    }

    fn fits(&self, bytes: usize) -> bool {
        self.tables.bytes().saturating_add(bytes) <= self.limits.registry_bytes_max
    }

    /// As far as they are not there yet.
    fn new_entries_bytes(&self, name: &str, topics: &[TopicConfig<'_>]) -> usize {
        let group = self.tables.groups.named(name);
        let mut seen: HashSet<QueueValues, Secret> = HashSet::with_hasher(self.tables.secret);
        let mut bytes = 0;
        for topic in topics {
            let key = self.tables.topics.key(name_of(topic));
            if group.is_none_or(|group| !group.has(key)) {
                bytes += entry_bytes(key.name);
            }
            let values = values_of(topic);
            if !self.tables.queues.has(values) && seen.insert(values) {
                bytes += LONGEST_QUEUE_VALUES_BYTES;
            }
        }
        bytes
    }
}

fn name_of<'a>(topic: &'a TopicConfig<'_>) -> &'a str {
    topic.name.as_deref().unwrap_or_default()
}

/// A group and a member that are new.
fn newcomer_bytes(header: &RegisterHeader<'_>, body: &RegisterBody<'_>) -> usize {
    let names = [
        &header.broker_name,
        &header.cluster_name,
        &header.cluster_name,
        &header.broker_addr,
        &header.ha_server_addr,
        &header.zone_name,
    ];
    let names: usize = names.into_iter().flatten().map(|name| name.len()).sum();
    let servers: usize = body.filter_servers.iter().flatten().map(|server| 2 * (server.len() + 4)).sum();
    GROUP_BYTES + MEMBER_BYTES + NAME_COPIES * names + servers
}

fn written_mapping_bytes(mapping: &TopicQueueMapping<'_>) -> usize {
    let length = |text: &Option<alloc::borrow::Cow<'_, str>>| text.as_ref().map_or(0, |text| text.len());
    let queues = mapping.curr_id_map.as_ref().map_or(0, |ids| ids.len() * MAPPED_QUEUE_BYTES);
    let written = 2 * length(&mapping.bname) + length(&mapping.topic) + length(&mapping.scope) + queues;
    MAPPING_BYTES + 2 * written + entry_bytes(&mapping.key)
}

/// Why a registration is refused that would pass the bound.
pub(super) const NO_ROOM: &str = "the tables are full";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_queue_values_take_more_than_the_longest() {
        let min = i32::MIN;
        let longest = QueueValues { read_queue_nums: min, write_queue_nums: min, perm: min, topic_sys_flag: min };
        assert_eq!(queue_values_bytes(&QueueFragment::new(longest)), LONGEST_QUEUE_VALUES_BYTES);
    }
}
