//! The register body as JSON, read in one pass without a tree of values.

use super::registration::{DataVersion, RegisterBody, TopicConfig, TopicQueueMapping};
use crate::time::WallTime;
use crate::wire::QueueValues;
use crate::wire::error::{BodyError, JsonError};
use crate::wire::json::Integer;
use crate::wire::json::read::{self, Fill, Flag, List, Object, REFERENCE, Text, skip};
use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::marker::PhantomData;
use serde::de::{Error, MapAccess};
use siphasher::sip::SipHasher13;

/// Reads the body of a sender since release 3.0.11.
pub(super) fn read(json: &str, wall: WallTime, max: usize) -> Result<RegisterBody<'_>, BodyError> {
    let body = Body { filter_servers: Some(Vec::new()), wrapper: Some(Wrapper::new(wall, max)), wall, max };
    let body = read::read_object(json, body)?.ok_or(BodyError::Json(JsonError::Null))?;
    Ok(match body.wrapper {
        Some(wrapper) => wrapper.into_body(body.filter_servers),
        // In Java this null acts on the tables like a null topic table (Java: `RouteInfoManager.registerBroker`).
        None => {
            RegisterBody { filter_servers: body.filter_servers, data_version: None, topics: None, mappings: Vec::new() }
        }
    })
}

/// Reads the body of a sender before release 3.0.11, which is only one member of the later body. It has no static
/// topics.
pub(super) fn read_wrapper(json: &str, wall: WallTime, max: usize) -> Result<RegisterBody<'_>, BodyError> {
    let wrapper = read::read_object(json, Wrapper::new(wall, max))?.ok_or(BodyError::Json(JsonError::Null))?;
    Ok(RegisterBody { mappings: Vec::new(), ..wrapper.into_body(None) })
}

/// Reads a list of filter servers. Skips nulls in it.
pub(crate) fn read_filter_servers(json: &str, max: usize) -> Result<Option<Vec<Cow<'_, str>>>, BodyError> {
    Ok(read::read(json, filter_server_list(max))?.map(without_nulls))
}

/// Reads a single mapping whose key is its topic.
pub(super) fn read_mapping(json: &str, max: usize) -> Result<Option<TopicQueueMapping<'_>>, BodyError> {
    let mapping = read_mapping_of(json, max)?;
    Ok(mapping.and_then(|mapping| Some(TopicQueueMapping { key: mapping.topic.clone()?, ..mapping })))
}

/// Reads a single mapping that is stored under its key. The key in the result is empty.
pub(crate) fn read_mapping_of(json: &str, max: usize) -> Result<Option<TopicQueueMapping<'_>>, BodyError> {
    let entry = MappingEntry { mapping: TopicQueueMapping::new(Cow::Borrowed("")), max };
    Ok(read::read_object(json, entry)?.map(|entry| entry.mapping))
}

/// Java: `RegisterBrokerBody`.
struct Body<'a> {
    filter_servers: Option<Vec<Cow<'a, str>>>,
    wrapper: Option<Wrapper<'a>>,
    wall: WallTime,
    max: usize,
}

impl<'de> Object<'de> for Body<'de> {
    fn member<A: MapAccess<'de>>(&mut self, name: Cow<'de, str>, members: &mut A) -> Result<(), A::Error> {
        match &*name {
            "filterServerList" => {
                self.filter_servers = members.next_value_seed(filter_server_list(self.max))?.map(without_nulls);
            }
            "topicConfigSerializeWrapper" => {
                self.wrapper = members.next_value_seed(Fill(Wrapper::new(self.wall, self.max)))?;
            }
            _ => skip(members)?,
        }
        Ok(())
    }
}

const fn filter_server_list<'a>(max: usize) -> List<PhantomData<Text<'a>>> {
    List { element: PhantomData, max }
}

fn without_nulls(list: Vec<Text<'_>>) -> Vec<Cow<'_, str>> {
    list.into_iter().filter_map(|text| text.0).collect()
}

/// Java: `TopicConfigAndMappingSerializeWrapper`.
struct Wrapper<'a> {
    data_version: Option<DataVersion>,
    topics: Option<Vec<TopicConfig<'a>>>,
    mappings: Vec<TopicQueueMapping<'a>>,
    wall: WallTime,
    max: usize,
}

impl<'a> Wrapper<'a> {
    const fn new(wall: WallTime, max: usize) -> Self {
        let data_version = Some(DataVersion::initial(wall));
        Self { data_version, topics: Some(Vec::new()), mappings: Vec::new(), wall, max }
    }

    fn into_body(self, filter_servers: Option<Vec<Cow<'a, str>>>) -> RegisterBody<'a> {
        RegisterBody { filter_servers, data_version: self.data_version, topics: self.topics, mappings: self.mappings }
    }
}

impl<'de> Object<'de> for Wrapper<'de> {
    fn member<A: MapAccess<'de>>(&mut self, name: Cow<'de, str>, members: &mut A) -> Result<(), A::Error> {
        match &*name {
            "dataVersion" => self.data_version = members.next_value_seed(Fill(DataVersion::initial(self.wall)))?,
            "topicConfigTable" => {
                let table = members.next_value_seed(Fill(TopicTable { topics: Vec::new(), max: self.max }))?;
                self.topics = table.map(|mut table| {
                    keep_last_topics(&mut table.topics);
                    table.topics
                });
            }
            "topicQueueMappingInfoMap" => {
                let table = members.next_value_seed(Fill(MappingTable { mappings: Vec::new(), max: self.max }))?;
                self.mappings = table.map_or_else(Vec::new, |table| table.mappings);
                keep_last_mappings(&mut self.mappings);
            }
            _ => skip(members)?,
        }
        Ok(())
    }
}

impl<'de> Object<'de> for DataVersion {
    fn member<A: MapAccess<'de>>(&mut self, name: Cow<'de, str>, members: &mut A) -> Result<(), A::Error> {
        match &*name {
            "stateVersion" => Integer(self.state_version) = members.next_value()?,
            "counter" => self.counter = members.next_value::<Option<_>>()?.map(|Integer(counter)| counter),
            "timestamp" => Integer(self.timestamp) = members.next_value()?,
            _ => skip(members)?,
        }
        Ok(())
    }
}

struct TopicTable<'a> {
    topics: Vec<TopicConfig<'a>>,
    max: usize,
}

impl<'de> Object<'de> for TopicTable<'de> {
    fn member<A: MapAccess<'de>>(&mut self, key: Cow<'de, str>, members: &mut A) -> Result<(), A::Error> {
        if key == REFERENCE {
            return skip(members);
        }
        if self.topics.len() == self.max {
            return Err(read::too_many(self.max, "topics"));
        }
        let topic = members.next_value_seed(Fill(TopicConfig::new(key)))?;
        self.topics.push(topic.ok_or_else(|| A::Error::custom("null instead of a topic"))?);
        Ok(())
    }
}

impl<'a> TopicConfig<'a> {
    /// A topic with default values (Java: `TopicConfig`).
    const fn new(key: Cow<'a, str>) -> Self {
        let values = QueueValues { read_queue_nums: 16, write_queue_nums: 16, perm: 6, topic_sys_flag: 0 };
        Self { key, name: None, values }
    }
}

impl<'de> Object<'de> for TopicConfig<'de> {
    fn member<A: MapAccess<'de>>(&mut self, name: Cow<'de, str>, members: &mut A) -> Result<(), A::Error> {
        match &*name {
            "topicName" => Text(self.name) = members.next_value()?,
            name => self.values.read_member(name, members)?,
        }
        Ok(())
    }
}

struct MappingTable<'a> {
    mappings: Vec<TopicQueueMapping<'a>>,
    max: usize,
}

impl<'de> Object<'de> for MappingTable<'de> {
    fn member<A: MapAccess<'de>>(&mut self, key: Cow<'de, str>, members: &mut A) -> Result<(), A::Error> {
        if key == REFERENCE {
            return skip(members);
        }
        if self.mappings.len() == self.max {
            return Err(read::too_many(self.max, "topic queue mappings"));
        }
        let entry = MappingEntry { mapping: TopicQueueMapping::new(key), max: self.max };
        let entry = members.next_value_seed(Fill(entry))?;
        self.mappings.push(entry.ok_or_else(|| A::Error::custom("null instead of a topic queue mapping"))?.mapping);
        Ok(())
    }
}

impl<'a> TopicQueueMapping<'a> {
    /// A mapping with default values (Java: `TopicQueueMappingInfo`).
    const fn new(key: Cow<'a, str>) -> Self {
        Self {
            key,
            topic: None,
            scope: Some(Cow::Borrowed("__global__")),
            total_queues: 0,
            bname: None,
            epoch: 0,
            dirty: false,
            curr_id_map: Some(Vec::new()),
        }
    }
}

struct MappingEntry<'a> {
    mapping: TopicQueueMapping<'a>,
    max: usize,
}

impl<'de> Object<'de> for MappingEntry<'de> {
    fn member<A: MapAccess<'de>>(&mut self, name: Cow<'de, str>, members: &mut A) -> Result<(), A::Error> {
        let mapping = &mut self.mapping;
        match &*name {
            "topic" => Text(mapping.topic) = members.next_value()?,
            "scope" => Text(mapping.scope) = members.next_value()?,
            "totalQueues" => Integer(mapping.total_queues) = members.next_value()?,
            "bname" => Text(mapping.bname) = members.next_value()?,
            "epoch" => Integer(mapping.epoch) = members.next_value()?,
            "dirty" => Flag(mapping.dirty) = members.next_value()?,
            "currIdMap" => {
                let queues = members.next_value_seed(Fill(QueueTable { queues: Vec::new(), max: self.max }))?;
                mapping.curr_id_map = queues.map(|mut table| {
                    keep_last(&mut table.queues, |(global, _)| *global as u64, |_, _| Ordering::Equal);
                    table.queues
                });
            }
            _ => skip(members)?,
        }
        Ok(())
    }
}

/// Maps global queue numbers to local ones.
struct QueueTable {
    queues: Vec<(i32, i32)>,
    max: usize,
}

impl<'de> Object<'de> for QueueTable {
    fn member<A: MapAccess<'de>>(&mut self, key: Cow<'de, str>, members: &mut A) -> Result<(), A::Error> {
        if key == REFERENCE {
            return skip(members);
        }
        if self.queues.len() == self.max {
            return Err(read::too_many(self.max, "queues of a topic"));
        }
        let global = key.parse().map_err(|_| A::Error::custom("the number of a queue is no integer"))?;
        match members.next_value::<Option<_>>()? {
            Some(Integer(local)) => self.queues.push((global, local)),
            None => return Err(A::Error::custom("null instead of the number of a queue")),
        }
        Ok(())
    }
}

/// Of topics with the same key, keeps only the last.
pub(super) fn keep_last_topics(topics: &mut Vec<TopicConfig<'_>>) {
    keep_last(topics, |topic| text_digest(&topic.key), |a, b| a.key.cmp(&b.key));
}

/// Of mappings with the same key, keeps only the last.
pub(super) fn keep_last_mappings(mappings: &mut Vec<TopicQueueMapping<'_>>) {
    keep_last(mappings, |mapping| text_digest(&mapping.key), |a, b| a.key.cmp(&b.key));
}

/// Needs no secret: equal digests of different keys only cost a comparison of the keys.
fn text_digest(key: &str) -> u64 {
    SipHasher13::new().hash(key.as_bytes())
}

/// Of equal entries, keeps only the last. The order stays.
///
/// Sorts instead of building a hash table, which peers could slow down without a secret. Sorting by digest first
/// compares few keys.
fn keep_last<T>(entries: &mut Vec<T>, digest: impl Fn(&T) -> u64, compare: impl Fn(&T, &T) -> Ordering) {
    let mut order: Vec<(u64, usize)> = entries.iter().enumerate().map(|(at, entry)| (digest(entry), at)).collect();
    let by_key = |a: &(u64, usize), b: &(u64, usize)| {
        a.0.cmp(&b.0).then_with(|| compare(&entries[a.1], &entries[b.1])).then(a.1.cmp(&b.1))
    };
    order.sort_unstable_by(by_key);
    let repeated =
        |pair: &&[(u64, usize)]| matches!(pair, [a, b] if a.0 == b.0 && compare(&entries[a.1], &entries[b.1]).is_eq());
    let mut dropped: Vec<usize> = order.windows(2).filter(repeated).map(|pair| pair[0].1).collect();
    if dropped.is_empty() {
        return;
    }
    dropped.sort_unstable();
    let mut dropped = dropped.into_iter().peekable();
    let mut at = 0;
    entries.retain(|_| {
        at += 1;
        dropped.next_if_eq(&(at - 1)).is_none()
    });
}
