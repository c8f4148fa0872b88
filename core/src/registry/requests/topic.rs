//! Administration of topics: the write permission of a broker group, registering and deleting a topic.

use crate::Peer;
use crate::access::OwnRequest;
use crate::event::{Change, Event, RefusalReason};
use crate::registry::answer::Answer;
use crate::registry::order_check;
use crate::registry::owner::{owns_group, refuse_stranger};
use crate::registry::state::State;
use crate::registry::tables::Set;
use crate::table_size as size;
use crate::time::Now;
use crate::wire::Request;
use crate::wire::body::{QueueData, decode_queue_datas};
use crate::wire::code::response;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

/// WIPE_WRITE_PERM_OF_BROKER and ADD_WRITE_PERM_OF_BROKER (Java: `RouteInfoManager.operateWritePermOfBroker`). Adding
/// sets read and write and drops every other bit.
pub(super) fn set_write_permission(state: &mut State, request: &Request<'_>, writable: bool) -> (Answer, Change) {
    let (mut topics, mut change) = (0, Change::Nothing);
    if let Some(name) = request.fields.value("brokerName")
        && let Some(group) = state.tables.group_id(&name)
    {
        topics = state.tables.set_permission(group, writable);
        change = Change::WritePermission { writable, topics };
    }
    let field = if writable { "addTopicCount" } else { "wipeTopicCount" };
    (Answer::success().with_field(field, topics.to_string()), change)
}

/// REGISTER_TOPIC_IN_NAMESRV (Java: `RouteInfoManager.registerTopic`). A known topic takes the entries before the first
/// one of an unknown broker. An unknown topic is registered only if all brokers are known.
pub(super) fn register_topic(state: &mut State, peer: Peer, request: &Request<'_>, now: Now) -> Answer {
    let entries = match decode_queue_datas(request.body) {
        Ok(entries) => entries,
        Err(error) => {
            return Answer::failure(response::SYSTEM_ERROR, format!("failed to decode the route: {error}"));
        }
    };
    let is_owner = |state: &State| {
        let names = entries.iter().filter_map(|entry| entry.broker_name.as_deref());
        names.filter_map(|name| state.tables.group_id(name)).all(|group| owns_group(state, peer, group))
    };
    if let Err(answer) = refuse_stranger(state, peer, request, OwnRequest::RegisterTopic, is_owner) {
        return answer;
    }
    let Some(topic) = request.fields.value("topic") else { return Answer::success() };
    let group_of = |entry: &QueueData| state.tables.group_id(entry.broker_name.as_deref()?);
    let known: Vec<_> = entries.iter().map_while(|entry| Some((group_of(entry)?, entry.values))).collect();
    let key = state.tables.topics().key(&topic);
    let topic_is_known = state.tables.topics().record(key).is_some_and(|record| !record.queues().is_empty());
    if known.is_empty() || (known.len() < entries.len() && !topic_is_known) {
        return Answer::success();
    }
    if !state.has_room_for(known.len() * (size::of_entry(&topic) + size::QUEUE_VALUES_MAX)) {
        return Answer::failure(response::SYSTEM_ERROR, RefusalReason::TablesFull.to_string());
    }
    let (mut is_changed, mut has_new_broker) = (false, false);
    for (group, values) in known {
        let set = state.tables.set_queue(key, group, values);
        is_changed |= set != Set::Unchanged;
        has_new_broker |= set == Set::Added;
    }
    if has_new_broker {
        order_check::watch(state, &topic, now);
    }
    if is_changed {
        state.outbox.event(Event::TopicRegistered { topic: topic.into_owned(), peer: peer.address });
    }
    Answer::success()
}

/// DELETE_TOPIC_IN_NAMESRV (Java: `RouteInfoManager.deleteTopic`): deletes a topic from all brokers, or from those of a
/// cluster. The next registration of a broker that still has the topic brings it back.
pub(super) fn delete_topic(state: &mut State, request: &Request<'_>) -> (Answer, Change) {
    let unchanged = (Answer::success(), Change::Nothing);
    let Some(topic) = request.fields.value("topic") else { return unchanged };
    let cluster = request.fields.value("clusterName").filter(|cluster| !cluster.is_empty());
    let key = state.tables.topics().key(&topic);
    let Some(record) = state.tables.topics().record(key) else { return unchanged };
    let of_cluster = cluster.as_deref().map(|cluster| state.tables.groups_of_cluster(cluster));
    let entries = record.queues().iter().map(|entry| entry.group);
    let groups: Vec<_> =
        entries.filter(|group| of_cluster.as_ref().is_none_or(|wanted| wanted.contains(group))).collect();
    for group in &groups {
        state.tables.delete_queue(key, *group);
    }
    match groups.len() {
        0 => unchanged,
        groups => (Answer::success(), Change::TopicDeleted { groups }),
    }
}
