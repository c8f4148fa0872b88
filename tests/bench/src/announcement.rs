//! Registrations as real brokers repeat them: a few bytes of each broker around a topic table that many brokers share.

use crate::question::{topic_name, topic_queues};
use anyhow::{Context, Result};
use crc32fast::Hasher;
use namesrv_tests::registration::{Registration, Topic, Version};
use std::io::{IoSlice, Write};
use std::ops::Range;
use std::sync::Arc;

/// The topic that each broker changes when it changes something.
const CHANGING_TOPIC: &str = "changing";
/// Milliseconds by which a 5.x broker advances the timestamp of its next registration. Nothing else differs.
const REPEAT_MILLIS: i64 = 30_000;
/// Heartbeat timeout that brokers announce: longer than any comparison.
const SILENCE_MILLIS: i64 = 86_400_000;
const TABLE: &str = "\"topicConfigTable\":{";

/// A topic table as it is encoded in a registration.
#[derive(Clone, Debug)]
pub struct Topics {
    json: Arc<[u8]>,
    checksum: Hasher,
}

impl Topics {
    /// Encodes topics of a workload's table, with the queues that answers are checked for.
    pub fn of_table(numbers: Range<usize>) -> Result<Self> {
        Self::new(numbers.map(|topic| (topic_name(topic), topic_queues(topic))))
    }

    /// Encodes topics with their numbers of queues.
    pub fn new(topics: impl Iterator<Item = (String, i32)>) -> Result<Self> {
        let mut registration = Registration::new("", 0);
        registration.topics = Some(
            topics
                .map(|(name, queues)| Topic { read_queues: queues, write_queues: queues, ..Topic::new(&name) })
                .collect(),
        );
        let body = registration.json_body();
        let start = table_at(&body)?;
        let end = body.find("},\"topicQueueMappingDetailMap\"").context("no end of the topics")?;
        let json: Arc<[u8]> = body.get(start..end).unwrap_or_default().as_bytes().into();
        let mut checksum = Hasher::new();
        checksum.update(&json);
        Ok(Self { json, checksum })
    }

    /// The encoded table.
    pub fn json(&self) -> &[u8] {
        &self.json
    }
}

/// What one broker registers.
#[derive(Clone, Debug)]
pub struct Announcement {
    name: String,
    address: String,
    /// Number of changes so far; the first registration has 1.
    version: i64,
    /// Number of registrations so far.
    sent: i64,
}

impl Announcement {
    /// A broker of `DefaultCluster` that has not registered yet.
    pub fn new(name: &str, address: &str) -> Self {
        Self { name: name.to_owned(), address: address.to_owned(), version: 1, sent: 0 }
    }

    /// Returns the name of the broker.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes the next registration change something: the queues of one topic of its own.
    pub fn change(&mut self) {
        self.version += 1;
    }

    /// Returns the next registration.
    pub fn next(&mut self, topics: &Topics) -> Result<Outgoing> {
        self.sent += 1;
        let mut registration = Registration::new(&self.name, 0);
        registration.address = Some(self.address.clone());
        registration.timeout = Some(SILENCE_MILLIS);
        registration.version = Some(Version::counter(self.version));
        let first = Version::counter(0);
        let timestamp = first.timestamp + self.sent * REPEAT_MILLIS;
        registration.mapping_version = Version { timestamp, ..first };
        let queues = 4 + (self.version % 2) as i32;
        let changing = Topic { read_queues: queues, write_queues: queues, ..Topic::new(CHANGING_TOPIC) };
        registration.topics = Some(vec![changing]);
        let body = registration.json_body();
        let comma = if topics.json.is_empty() { "" } else { "," };
        let at = table_at(&body)?;
        // What comes before the shared topics belongs to this broker alone.
        let (before, after) = body.split_at_checked(at).context("no topics")?;
        let after = format!("{comma}{after}");
        let mut checksum = Hasher::new();
        checksum.update(before.as_bytes());
        checksum.combine(&topics.checksum);
        checksum.update(after.as_bytes());
        let checksum = checksum.finalize() & 0x7fff_ffff;
        let mut request = registration.request().body(Vec::new());
        for (name, value) in request.fields.iter_mut().flatten() {
            if name == "bodyCrc32" {
                *value = checksum.to_string();
            }
        }
        let mut head = request.encode();
        head.extend_from_slice(before.as_bytes());
        let length = head.len() + topics.json.len() + after.len() - 4;
        head.splice(..4, u32::try_from(length).context("too many topics for one frame")?.to_be_bytes());
        Ok(Outgoing { parts: [head.into(), Arc::clone(&topics.json), after.into_bytes().into()], written: 0 })
    }
}

fn table_at(body: &str) -> Result<usize> {
    Ok(body.find(TABLE).context("no table of topics")? + TABLE.len())
}

/// A frame that is being sent. It shares most of its bytes with other frames.
#[derive(Clone, Debug)]
pub struct Outgoing {
    parts: [Arc<[u8]>; 3],
    written: usize,
}

impl Outgoing {
    /// Returns the length of the whole frame in bytes.
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.len()).sum()
    }

    /// Whether the whole frame was written.
    pub fn is_done(&self) -> bool {
        self.written == self.bytes()
    }

    /// Writes at most `bytes_max` of the remaining bytes.
    pub fn write(&mut self, mut socket: impl Write, bytes_max: usize) -> std::io::Result<()> {
        let (mut skip, mut room) = (self.written, bytes_max);
        let mut slices = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let rest = part.get(skip..).unwrap_or_default();
            let slice = rest.get(..room).unwrap_or(rest);
            skip = skip.saturating_sub(part.len());
            room -= slice.len();
            if !slice.is_empty() {
                slices.push(IoSlice::new(slice));
            }
        }
        self.written += socket.write_vectored(&slices)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use namesrv_tests::answer::Answer;
    use serde_json::Value;

    fn frame(mut outgoing: Outgoing, bytes_max: usize) -> Vec<u8> {
        let mut frame = Vec::new();
        while !outgoing.is_done() {
            outgoing.write(&mut frame, bytes_max).unwrap();
        }
        frame
    }

    #[test]
    fn registration_is_whole_and_its_checksum_right() {
        for topics in [0..0, 0..1, 5..300] {
            let known = topics.len();
            let frame = frame(Announcement::new("b", "a:1").next(&Topics::of_table(topics).unwrap()).unwrap(), 1000);
            let request = Answer::decode(&frame).unwrap();
            let checksum = (crc32fast::hash(&request.body) & 0x7fff_ffff).to_string();
            assert_eq!(request.field("bodyCrc32"), Some(checksum.as_str()));
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let table = body["topicConfigSerializeWrapper"]["topicConfigTable"].as_object().unwrap().clone();
            assert_eq!(table.len(), known + 1);
        }
    }

    #[test]
    fn repetition_differs_in_one_time_and_a_change_in_the_version() {
        let topics = Topics::of_table(0..10).unwrap();
        let mut broker = Announcement::new("b", "a:1");
        let mut body = || -> Value {
            let frame = frame(broker.next(&topics).unwrap(), usize::MAX);
            serde_json::from_slice(&Answer::decode(&frame).unwrap().body).unwrap()
        };
        let (one, mut other) = (body(), body());
        assert_ne!(one, other);
        let time = "/topicConfigSerializeWrapper/mappingDataVersion/timestamp";
        *other.pointer_mut(time).unwrap() = one.pointer(time).unwrap().clone();
        assert_eq!(one, other);
        broker.change();
        let frame = frame(broker.next(&topics).unwrap(), usize::MAX);
        let changed: Value = serde_json::from_slice(&Answer::decode(&frame).unwrap().body).unwrap();
        let counter = "/topicConfigSerializeWrapper/dataVersion/counter";
        assert_eq!((one.pointer(counter), changed.pointer(counter)), (Some(&1.into()), Some(&2.into())));
        let queues = "/topicConfigSerializeWrapper/topicConfigTable/changing/readQueueNums";
        assert_ne!(one.pointer(queues), changed.pointer(queues));
    }
}
