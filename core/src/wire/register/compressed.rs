//! The register body inside a zlib stream: counts, lengths, and pieces of JSON and plain text (Java:
//! `RegisterBrokerBody.encode`, `RegisterBrokerBody.decode`).

use super::registration::{DataVersion, RegisterBody, TopicConfig, TopicQueueMapping};
use super::{integer_keys, json};
use crate::time::WallTime;
use crate::wire::QueueValues;
use crate::wire::cursor::Cursor;
use crate::wire::error::BodyError;
use crate::wire::java;
use crate::wire::json::read;
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

/// Release 5.0.0. Senders since then append the section of static-topic mappings.
const VERSION_WITH_MAPPINGS: i32 = 413;
const TOPIC_FILTER_TYPES: [&str; 2] = ["SINGLE_TAG", "MULTI_TAG"];

/// Reads inflated bytes. Ignores what follows the last section.
pub(super) fn read_body(
    inflated: &[u8],
    version: i32,
    wall: WallTime,
    max: usize,
) -> Result<RegisterBody<'_>, BodyError> {
    let mut cursor = Cursor::new(inflated);
    let data_version = read_data_version(block(&mut cursor)?, wall)?;
    let topics = read_topics(&mut cursor, max)?;
    let filter_servers = read_filter_servers(block(&mut cursor)?, max);
    let mappings = if version < VERSION_WITH_MAPPINGS { Vec::new() } else { read_mappings(&mut cursor, max)? };
    Ok(RegisterBody { filter_servers, data_version, topics: Some(topics), mappings })
}

fn block<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], BodyError> {
    cursor.block().ok_or(BodyError::EndsTooEarly)
}

/// Reads a count of entries. A negative count means none, as in Java's loop.
fn count(cursor: &mut Cursor<'_>, max: usize, what: &'static str) -> Result<usize, BodyError> {
    let count = cursor.int().ok_or(BodyError::EndsTooEarly)?;
    let count = usize::try_from(count).unwrap_or(0);
    if count > max {
        return Err(BodyError::TooMany { what, max });
    }
    Ok(count)
}

fn read_data_version(json: &[u8], wall: WallTime) -> Result<Option<DataVersion>, BodyError> {
    if json.is_empty() {
        return Ok(None);
    }
    let text = read::text(json)?;
    Ok(read::read_object(&text, DataVersion::initial(wall))?)
}

fn read_topics<'a>(cursor: &mut Cursor<'a>, max: usize) -> Result<Vec<TopicConfig<'a>>, BodyError> {
    let count = count(cursor, max, "topics")?;
    let mut topics = Vec::new();
    for _ in 0..count {
        let line = block(cursor)?;
        topics.push(read_topic(line).ok_or_else(|| BodyError::TopicLine {
            line: String::from_utf8_lossy(line.get(..100).unwrap_or(line)).into_owned(),
        })?);
    }
    json::keep_last_topics(&mut topics);
    Ok(topics)
}

/// Reads `<name> <read queues> <write queues> <permission> <filter type>`. Ignores the rest of the line.
fn read_topic(line: &[u8]) -> Option<TopicConfig<'_>> {
    let mut words = line.split(|byte| *byte == b' ');
    let name = words.next()?;
    let name = str::from_utf8(name).map_or_else(|_| Cow::Owned(java::lossy(name)), Cow::Borrowed);
    let mut number = || java::int(str::from_utf8(words.next()?).ok()?);
    let (read_queue_nums, write_queue_nums, perm) = (number()?, number()?, number()?);
    let values = QueueValues { read_queue_nums, write_queue_nums, perm, topic_sys_flag: 0 };
    let topic = TopicConfig { key: name.clone(), name: Some(name), values };
    let filter_type = str::from_utf8(words.next()?).ok()?;
    TOPIC_FILTER_TYPES.contains(&filter_type).then_some(topic)
}

/// Reads a list of filter servers. An unreadable list counts as empty.
fn read_filter_servers(json: &[u8], max: usize) -> Option<Vec<Cow<'_, str>>> {
    let text = str::from_utf8(json).unwrap_or_default();
    json::read_filter_servers(text, max).unwrap_or_else(|_| Some(Vec::new()))
}

fn read_mappings(cursor: &mut Cursor<'_>, max: usize) -> Result<Vec<TopicQueueMapping<'static>>, BodyError> {
    let count = count(cursor, max, "topic queue mappings")?;
    let mut mappings = Vec::new();
    for _ in 0..count {
        let text = read::text(block(cursor)?)?;
        let text = integer_keys::quote(text);
        let mapping = json::read_mapping(&text, max)?.map(TopicQueueMapping::into_owned);
        mappings.push(mapping.ok_or(BodyError::MappingWithoutTopic)?);
    }
    json::keep_last_mappings(&mut mappings);
    Ok(mappings)
}

impl TopicQueueMapping<'_> {
    /// Returns the same mapping without borrows.
    fn into_owned(self) -> TopicQueueMapping<'static> {
        let owned = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        TopicQueueMapping {
            key: Cow::Owned(self.key.into_owned()),
            topic: owned(self.topic),
            scope: owned(self.scope),
            total_queues: self.total_queues,
            bname: owned(self.bname),
            epoch: self.epoch,
            dirty: self.dirty,
            curr_id_map: self.curr_id_map,
        }
    }
}
