//! Writes a snapshot.

use super::bytes::{put_bytes, put_number, put_option, put_signed};
use super::{FORMAT, HEADER_BYTES, MAGIC, SavedGroup, SavedMember, SnapshotSource, Written};
use crate::route::{GroupId, QueueRef, TopicRecord};
use crate::time::Duration;
use crate::wire::QueueValues;
use crate::wire::register::DataVersion;
use alloc::vec;
use alloc::vec::Vec;

impl SnapshotSource {
    /// Returns the contents of the file. Takes time in proportion to everything that is registered.
    #[must_use]
    pub fn encode(&self, written: &Written) -> Vec<u8> {
        let mut payload = Vec::new();
        put_number(&mut payload, written.wall.as_millis());
        put_bytes(&mut payload, written.boot.as_bytes());
        put_number(&mut payload, millis(written.since_boot));
        put_number(&mut payload, self.groups.len() as u64);
        self.groups.iter().for_each(|(_, group)| put_group(&mut payload, group));
        put_number(&mut payload, self.values.len() as u64);
        self.values.iter().for_each(|values| put_values(&mut payload, *values));
        let positions = self.positions();
        let mut topics: Vec<&TopicRecord> = self.topics.records().collect();
        topics.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        put_number(&mut payload, topics.len() as u64);
        topics.into_iter().for_each(|topic| put_topic(&mut payload, topic, &positions));
        with_header(&payload)
    }

    /// Returns the position of each group, by slot.
    fn positions(&self) -> Vec<usize> {
        let slots = self.groups.iter().map(|(group, _)| group.index() + 1).max().unwrap_or(0);
        let mut positions = vec![0; slots];
        for (position, (group, _)) in self.groups.iter().enumerate() {
            positions[group.index()] = position;
        }
        positions
    }
}

pub(super) fn with_header(payload: &[u8]) -> Vec<u8> {
    let mut file = Vec::with_capacity(HEADER_BYTES + payload.len());
    file.extend_from_slice(&MAGIC);
    file.extend_from_slice(&FORMAT.to_be_bytes());
    file.extend_from_slice(&(payload.len() as u64).to_be_bytes());
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&file);
    checksum.update(payload);
    file.extend_from_slice(&checksum.finalize().to_be_bytes());
    file.extend_from_slice(payload);
    file
}

pub(super) fn put_group(output: &mut Vec<u8>, group: &SavedGroup) {
    put_bytes(output, group.name.as_bytes());
    put_bytes(output, group.cluster.as_bytes());
    put_option(output, group.zone.as_deref(), |output, zone| put_bytes(output, zone.as_bytes()));
    output.push(u8::from(group.enable_acting_master));
    put_number(output, group.members.len() as u64);
    group.members.iter().for_each(|member| put_member(output, member));
}

fn put_member(output: &mut Vec<u8>, member: &SavedMember) {
    put_signed(output, member.id);
    put_bytes(output, member.address.as_bytes());
    put_bytes(output, member.cluster.as_bytes());
    put_option(output, member.ha_server.as_deref(), |output, address| put_bytes(output, address.as_bytes()));
    put_signed(output, member.timeout);
    put_option(output, member.data_version, put_version);
    put_option(output, member.filter_servers.as_ref(), |output, servers| put_bytes(output, servers.list()));
    put_option(output, member.lease_left, |output, left| put_number(output, millis(left)));
}

fn put_version(output: &mut Vec<u8>, version: DataVersion) {
    put_signed(output, version.state_version);
    put_option(output, version.counter, put_signed);
    put_signed(output, version.timestamp);
}

fn put_values(output: &mut Vec<u8>, values: QueueValues) {
    let QueueValues { read_queue_nums, write_queue_nums, perm, topic_sys_flag } = values;
    for number in [read_queue_nums, write_queue_nums, perm, topic_sys_flag] {
        put_signed(output, number.into());
    }
}

/// Writes one topic. Most topics are on all brokers of a cluster, with the same values: such entries form one run.
fn put_topic(output: &mut Vec<u8>, topic: &TopicRecord, positions: &[usize]) {
    put_bytes(output, topic.name.as_bytes());
    let position = |group: GroupId| positions[group.index()];
    let follows =
        |one: &QueueRef, other: &QueueRef| one.queue == other.queue && position(one.group) + 1 == position(other.group);
    put_number(output, topic.queues().chunk_by(follows).count() as u64);
    for run in topic.queues().chunk_by(follows) {
        put_number(output, position(run[0].group) as u64);
        put_number(output, run.len() as u64);
        put_number(output, run[0].queue.0.into());
    }
    put_number(output, topic.mappings().len() as u64);
    for mapping in topic.mappings() {
        put_number(output, position(mapping.owner) as u64);
        put_bytes(output, mapping.broker_name.as_bytes());
        put_bytes(output, mapping.object());
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
