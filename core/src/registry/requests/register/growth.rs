//! Estimates how much a registration may grow the tables.

use crate::hash::Secret;
use crate::registry::state::State;
use crate::table_size as size;
use crate::wire::QueueValues;
use crate::wire::register::{RegisterBody, RegisterHeader, TopicConfig, TopicQueueMapping};
use alloc::borrow::Cow;
use alloc::vec::Vec;
use hashbrown::HashSet;

/// Whether there is room for everything that a registration could add to the tables. Looks at existing entries only if
/// the room is too small for all of it.
pub(super) fn has_room(state: &State, name: &str, header: &RegisterHeader<'_>, body: &RegisterBody<'_>) -> bool {
    let topics = body.topics.as_deref().unwrap_or_default();
    let fixed = of_broker(header, body) + body.mappings.iter().map(of_mapping).sum::<usize>();
    let of_entry = |topic| size::of_entry(name_of(topic)) + size::QUEUE_VALUES_MAX;
    let entries: usize = topics.iter().map(of_entry).sum();
    state.has_room_for(fixed + entries) || state.has_room_for(fixed + of_new_entries(state, name, topics))
}

/// Bytes of the entries and queue values that do not exist yet.
fn of_new_entries(state: &State, name: &str, topics: &[TopicConfig<'_>]) -> usize {
    let group = state.tables.group_named(name);
    let mut seen: HashSet<QueueValues, Secret> = HashSet::with_hasher(state.tables.secret());
    let mut bytes = 0;
    for topic in topics {
        let key = state.tables.topics().key(name_of(topic));
        if group.is_none_or(|group| !group.has_topic(key)) {
            bytes += size::of_entry(key.name);
        }
        if !state.tables.has_values(topic.values) && seen.insert(topic.values) {
            bytes += size::QUEUE_VALUES_MAX;
        }
    }
    bytes
}

fn name_of<'a>(topic: &'a TopicConfig<'_>) -> &'a str {
    topic.name.as_deref().unwrap_or_default()
}

/// Bytes of a new member in a new group.
fn of_broker(header: &RegisterHeader<'_>, body: &RegisterBody<'_>) -> usize {
    let group = length(&header.broker_name) + length(&header.cluster_name) + length(&header.zone_name);
    let member = length(&header.cluster_name) + length(&header.broker_addr) + length(&header.ha_server_addr);
    let servers: usize = body.filter_servers.iter().flatten().map(|server| server.len() + 4).sum();
    size::of_group(group) + size::of_member(member, servers)
}

fn of_mapping(mapping: &TopicQueueMapping<'_>) -> usize {
    let queues = mapping.curr_id_map.as_ref().map_or(0, Vec::len);
    let json = 2 * length(&mapping.bname) + length(&mapping.topic) + length(&mapping.scope);
    size::of_mapping_text(2 * (json + size::of_mapped_queues(queues))) + size::of_entry(&mapping.key)
}

fn length(text: &Option<Cow<'_, str>>) -> usize {
    text.as_ref().map_or(0, |text| text.len())
}
