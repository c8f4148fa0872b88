//! Topic lists (Java: `RouteInfoManager.getAllTopicList`, `RouteInfoManager.getTopicsByCluster`,
//! `RouteInfoManager.getUnitTopics`). They take time in proportion to all topics, so they are answered here and not on a
//! thread that serves routes; the list of all topics is kept.

use super::{Answer, Registry};
use crate::route::{QueueValues, TopicRecord};
use crate::wire::Request;
use crate::wire::code::{request, response};
use crate::wire::json;
use alloc::vec::Vec;
use bytes::Bytes;

impl Registry {
    pub(super) fn all_topics(&mut self) -> Answer {
        if !self.settings.enable_all_topic_list {
            return Answer::failure(response::SYSTEM_ERROR, "disable");
        }
        if core::mem::take(&mut self.tables.names_changed) {
            self.all_topics = Bytes::from(write_topics(&self.tables.topics.names_where(|_| true)));
        }
        Answer::success().with_body(self.all_topics.clone())
    }

    pub(super) fn topics_of_cluster(&self, request: &Request<'_>) -> Answer {
        if !self.settings.enable_topic_list {
            return Answer::failure(response::SYSTEM_ERROR, "disable");
        }
        let cluster = request.fields.value("cluster");
        let groups = cluster.map_or_else(Vec::new, |cluster| self.tables.groups.of_cluster(&cluster));
        self.topics_where(|record| record.queues.iter().any(|entry| groups.contains(&entry.group)))
    }

    /// GET_UNIT_TOPIC_LIST and its neighbours look at the flags of the first broker only.
    pub(super) fn unit_topics(&self, code: i32) -> Answer {
        if !self.settings.enable_topic_list {
            return Answer::failure(response::SYSTEM_ERROR, "disable");
        }
        self.topics_where(|record| {
            let flags = self.first_flags(record);
            let is_unit = flags & QueueValues::FLAG_UNIT != 0;
            let is_unit_sub = flags & QueueValues::FLAG_UNIT_SUB != 0;
            match code {
                request::GET_UNIT_TOPIC_LIST => is_unit,
                request::GET_HAS_UNIT_SUB_TOPIC_LIST => is_unit_sub,
                _ => is_unit_sub && !is_unit,
            }
        })
    }

    fn first_flags(&self, record: &TopicRecord) -> i32 {
        let first = record.queues.first();
        let values = first.and_then(|entry| self.tables.queues.values(entry.queue));
        values.map_or(0, |values| values.topic_sys_flag)
    }

    fn topics_where(&self, wanted: impl Fn(&TopicRecord) -> bool) -> Answer {
        Answer::success().with_body(write_topics(&self.tables.topics.names_where(wanted)).into())
    }
}

fn write_topics(names: &[&str]) -> Vec<u8> {
    let mut output = Vec::new();
    output.extend_from_slice(br#"{"topicList":"#);
    json::strings(&mut output, names.iter().copied());
    output.push(b'}');
    output
}
