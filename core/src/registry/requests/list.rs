//! Topic lists (Java: `RouteInfoManager.getAllTopicList`, `RouteInfoManager.getTopicsByCluster`,
//! `RouteInfoManager.getUnitTopics`). They take time in proportion to the number of topics, so the registry answers
//! them and not a thread that serves routes. The list of all topics is cached.

use crate::registry::answer::Answer;
use crate::registry::state::State;
use crate::route::TopicRecord;
use crate::wire::QueueValues;
use crate::wire::Request;
use crate::wire::code::response;
use crate::wire::json;
use alloc::vec::Vec;

pub(super) fn all_topics(state: &mut State) -> Answer {
    if !state.configuration.settings().enable_all_topic_list {
        return disabled();
    }
    Answer::success().with_body(state.tables.all_topics(|names| write_topics(names).into()))
}

pub(super) fn topics_of_cluster(state: &State, request: &Request<'_>) -> Answer {
    if !state.configuration.settings().enable_topic_list {
        return disabled();
    }
    let cluster = request.fields.value("cluster");
    let groups = cluster.map_or_else(Vec::new, |cluster| state.tables.groups_of_cluster(&cluster));
    topics_where(state, |record| record.queues().iter().any(|entry| groups.contains(&entry.group)))
}

/// Lists the topics whose flags at their first broker are wanted. Other brokers do not count.
pub(super) fn topics_with_flags(state: &State, is_wanted: impl Fn(i32) -> bool) -> Answer {
    if !state.configuration.settings().enable_topic_list {
        return disabled();
    }
    let flags =
        |record: &TopicRecord| record.queues().first().map_or(0, |entry| state.tables.values_of(*entry).topic_sys_flag);
    topics_where(state, |record| is_wanted(flags(record)))
}

pub(super) const fn is_unit(flags: i32) -> bool {
    flags & QueueValues::FLAG_UNIT != 0
}

pub(super) const fn is_unit_sub(flags: i32) -> bool {
    flags & QueueValues::FLAG_UNIT_SUB != 0
}

fn disabled() -> Answer {
    Answer::failure(response::SYSTEM_ERROR, "disable")
}

fn topics_where(state: &State, is_wanted: impl Fn(&TopicRecord) -> bool) -> Answer {
    Answer::success().with_body(write_topics(&state.tables.topics().names_where(is_wanted)).into())
}

fn write_topics(names: &[&str]) -> Vec<u8> {
    let mut output = Vec::new();
    output.extend_from_slice(br#"{"topicList":"#);
    json::strings(&mut output, names.iter().copied());
    output.push(b'}');
    output
}
