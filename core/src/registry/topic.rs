//! Administration of topics: write permission of a broker group, registering and deleting a topic.

use super::room::NO_ROOM;
use super::{Answer, Registry};
use crate::Peer;
use crate::event::Event;
use crate::route::{GroupId, QueueValues};
use crate::wire::Request;
use crate::wire::body::{QueueData, decode_queue_datas};
use crate::wire::code::response;
use alloc::format;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

impl Registry {
    /// WIPE_WRITE_PERM_OF_BROKER and ADD_WRITE_PERM_OF_BROKER (Java: `RouteInfoManager.operateWritePermOfBroker`); adding
    /// sets read and write and drops every other bit.
    pub(super) fn change_write_permission(&mut self, peer: Peer, request: &Request<'_>, writable: bool) -> Answer {
        let name = request.fields.value("brokerName");
        let group = name.as_deref().and_then(|name| self.tables.groups.id(name));
        let topics = group.map_or(0, |group| self.set_write_permission(group, writable));
        if let (Some(name), Some(_)) = (name, group) {
            let broker = name.into_owned();
            self.event(Event::WritePermissionChanged { broker, writable, topics, peer: peer.address });
        }
        let field = if writable { "addTopicCount" } else { "wipeTopicCount" };
        Answer::success().with_fields(vec![(field, topics.to_string())])
    }

    fn set_write_permission(&mut self, group: GroupId, writable: bool) -> usize {
        if let Some(group) = self.tables.groups.get_mut(group) {
            // What an operator decided is not undone by a table that is still owed.
            group.members.values_mut().for_each(|member| member.table_owed = false);
            // A table without a version is applied in full each time, and undoes it.
            group.touch();
        }
        self.tables.change_queues(group, |values| {
            if writable { values.with_perm(QueueValues::PERM_READ_WRITE) } else { values.read_only() }
        })
    }

    /// REGISTER_TOPIC_IN_NAMESRV (Java: `RouteInfoManager.registerTopic`): a topic that is known takes the entries up to the
    /// first of an unknown broker, an unknown one only if all brokers are known.
    pub(super) fn register_topic(&mut self, peer: Peer, request: &Request<'_>) -> Answer {
        let entries = match decode_queue_datas(request.body) {
            Ok(entries) => entries,
            Err(error) => {
                return Answer::failure(response::SYSTEM_ERROR, format!("failed to decode the route: {error}"));
            }
        };
        let Some(topic) = request.fields.value("topic") else { return Answer::success() };
        let group_of = |entry: &QueueData<'_>| self.tables.groups.id(entry.broker_name.as_deref()?);
        let known: Vec<_> = entries.iter().map_while(|entry| Some((group_of(entry)?, values(entry)))).collect();
        let key = self.tables.topics.key(&topic);
        let topic_is_known = self.tables.topics.record(key).is_some_and(|record| !record.queues.is_empty());
        if known.is_empty() || (known.len() < entries.len() && !topic_is_known) {
            return Answer::success();
        }
        if !self.has_room_for_topic(&topic, known.len()) {
            return Answer::failure(response::SYSTEM_ERROR, NO_ROOM);
        }
        let mut changed = false;
        for (group, values) in known {
            if self.tables.set_queue(key, group, values) {
                changed = true;
                if let Some(group) = self.tables.groups.get_mut(group) {
                    group.touch();
                }
            }
        }
        if changed {
            self.event(Event::TopicRegistered { topic: topic.into_owned(), peer: peer.address });
        }
        Answer::success()
    }

    /// DELETE_TOPIC_IN_NAMESRV (Java: `RouteInfoManager.deleteTopic`): from all brokers, or from those of a cluster. The
    /// next registration of a broker that still has the topic brings it back.
    pub(super) fn delete_topic(&mut self, peer: Peer, request: &Request<'_>) -> Answer {
        let Some(topic) = request.fields.value("topic") else { return Answer::success() };
        let cluster = request.fields.value("clusterName").filter(|cluster| !cluster.is_empty());
        let key = self.tables.topics.key(&topic);
        let Some(record) = self.tables.topics.record(key) else { return Answer::success() };
        let of_cluster = cluster.as_deref().map(|cluster| self.tables.groups.of_cluster(cluster));
        let entries = record.queues.iter().map(|entry| entry.group);
        let groups: Vec<_> =
            entries.filter(|group| of_cluster.as_ref().is_none_or(|wanted| wanted.contains(group))).collect();
        for group in &groups {
            self.tables.remove_queue(key, *group);
        }
        if !groups.is_empty() {
            let cluster = cluster.map(alloc::borrow::Cow::into_owned);
            self.event(Event::TopicDeleted { topic: topic.into_owned(), cluster, peer: peer.address });
        }
        Answer::success()
    }
}

fn values(entry: &QueueData<'_>) -> QueueValues {
    QueueValues {
        read_queue_nums: entry.read_queue_nums,
        write_queue_nums: entry.write_queue_nums,
        perm: entry.perm,
        topic_sys_flag: entry.topic_sys_flag,
    }
}
