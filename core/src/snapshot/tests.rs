//! A snapshot is read as it was written, and nothing else is accepted.

use super::bytes::put_number;
use super::*;
use crate::hash::Secret;
use crate::limits::Limits;
use crate::route::QueueId;
use crate::time::WallTime;
use crate::wire::register::TopicQueueMapping;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;

fn member(id: i64, address: &str) -> SavedMember {
    SavedMember {
        id,
        address: address.into(),
        cluster: "c".into(),
        ha_server: None,
        timeout: 120_000,
        data_version: None,
        filter_servers: None,
        lease_left: None,
    }
}

fn group(name: &str, members: Vec<SavedMember>) -> SavedGroup {
    SavedGroup { name: name.into(), cluster: "c".into(), zone: None, enable_acting_master: false, members }
}

fn mapping(broker_name: &str, owner: u32) -> Mapping {
    let mapping = TopicQueueMapping {
        key: "".into(),
        topic: Some("T \"quoted\"".into()),
        scope: Some("__global__".into()),
        total_queues: 8,
        bname: None,
        epoch: i64::MAX,
        dirty: true,
        curr_id_map: Some(vec![(7, 0), (-1, 3)]),
    };
    Mapping::new(&mapping, broker_name, GroupId(owner))
}

/// Three groups. The first has everything that a member can have; slots are not in the order of names.
fn source() -> SnapshotSource {
    let version = DataVersion { state_version: -1, counter: Some(i64::MAX), timestamp: 1_700_000_000_000 };
    let address: Arc<str> = "10.0.0.1:10911".into();
    let master = SavedMember {
        ha_server: Some("10.0.0.1:10912".into()),
        timeout: -5,
        data_version: Some(version),
        filter_servers: Some(FilterServers::new(Arc::clone(&address), ["f:1", "\u{e9}\\"].into_iter())),
        lease_left: Some(Duration::from_millis(1234)),
        ..member(0, &address)
    };
    let first = SavedGroup {
        zone: Some("east".into()),
        enable_acting_master: true,
        ..group("a", vec![master, member(i64::MAX, "b")])
    };
    let groups = vec![
        (GroupId(2), first),
        (GroupId(0), group("b", vec![member(i64::MIN, "b")])),
        (GroupId(1), group("c", vec![member(0, "")])),
    ];
    let values = |perm| QueueValues { read_queue_nums: 8, write_queue_nums: i32::MIN, perm, topic_sys_flag: i32::MAX };
    let mut topics = TopicTable::new(Secret::new([7; 16]));
    let mut add = |name: &str, entries: &[(u32, u32)], mappings: Vec<Mapping>| {
        let entry = |(group, queue): &(u32, u32)| QueueRef { group: GroupId(*group), queue: QueueId(*queue) };
        let key = topics.key(name);
        topics.change(key, |record| record.restore(entries.iter().map(entry).collect(), mappings));
    };
    add("on all", &[(2, 0), (0, 0), (1, 0)], Vec::new());
    add("in two runs", &[(2, 1), (0, 0), (1, 0)], Vec::new());
    add("not on b", &[(2, 0), (1, 0)], Vec::new());
    add("mapped alone", &[], vec![mapping("a", 2), mapping("nobody", 1)]);
    SnapshotSource { groups, values: vec![values(6), values(4)], topics }
}

fn written() -> Written {
    Written { wall: WallTime::from_millis(1_700_000_000_000), boot: "boot".into(), since_boot: Duration::from_secs(7) }
}

fn decode(file: &[u8]) -> Result<Snapshot, SnapshotError> {
    Snapshot::decode(file, &Limits::default())
}

/// A file with a correct header.
fn file(payload: &[u8]) -> Vec<u8> {
    super::encode::with_header(payload)
}

#[test]
fn a_snapshot_is_read_as_it_was_written() {
    let source = source();
    let snapshot = decode(&source.encode(&written())).unwrap();
    assert_eq!(snapshot.written, written());
    let groups: Vec<_> = source.groups.iter().map(|(_, group)| group.clone()).collect();
    assert_eq!((&snapshot.groups, &snapshot.values), (&groups, &source.values));
    let shown = |topic: &SavedTopic| {
        let entries: Vec<_> = topic.entries.iter().map(|entry| (entry.group.0, entry.queue.0)).collect();
        format!("{}: {entries:?}, {} mappings", topic.name, topic.mappings.len())
    };
    let topics: Vec<String> = snapshot.topics.iter().map(shown).collect();
    let expected = [
        "in two runs: [(0, 1), (1, 0), (2, 0)], 0 mappings",
        "mapped alone: [], 2 mappings",
        "not on b: [(0, 0), (2, 0)], 0 mappings",
        "on all: [(0, 0), (1, 0), (2, 0)], 0 mappings",
    ];
    assert_eq!(topics, expected);
    assert_eq!(snapshot.topics[1].mappings, [mapping("a", 0), mapping("nobody", 2)]);
    assert_eq!(snapshot.brokers().collect::<Vec<_>>(), [("a", 0), ("a", i64::MAX), ("b", i64::MIN), ("c", 0)]);
}

#[test]
fn a_file_that_was_cut_or_extended_is_refused() {
    let file = source().encode(&written());
    for end in 0..file.len() {
        let error = decode(&file[..end]).unwrap_err();
        let is_cut = if end < MAGIC.len() {
            error == SnapshotError::NoSnapshot
        } else {
            matches!(error, SnapshotError::Length { found, .. } if found == end as u64)
        };
        assert!(is_cut, "{end}: {error}");
    }
    let extended = [&file[..], b"\0"].concat();
    assert!(matches!(decode(&extended), Err(SnapshotError::Length { .. })));
}

#[test]
fn a_file_with_one_bit_flipped_is_refused() {
    let mut file = source().encode(&written());
    for bit in 0..8 * file.len() {
        file[bit / 8] ^= 1 << (bit % 8);
        assert!(decode(&file).is_err(), "bit {bit}");
        file[bit / 8] ^= 1 << (bit % 8);
    }
    assert!(decode(&file).is_ok());
}

#[test]
fn a_payload_that_was_cut_is_malformed_whatever_its_checksum() {
    let whole = source().encode(&written());
    let payload = &whole[HEADER_BYTES..];
    for end in 0..payload.len() {
        let error = decode(&file(&payload[..end])).unwrap_err();
        assert!(matches!(error, SnapshotError::Malformed(Malformed::Cut)), "{end}: {error}");
    }
    let error = decode(&file(&[payload, b"\0"].concat())).unwrap_err();
    assert_eq!(error, SnapshotError::Malformed(Malformed::Surplus));
}

#[test]
fn another_format_is_named() {
    let mut file = source().encode(&written());
    file[MAGIC.len() + 3] = 2;
    assert_eq!(decode(&file).unwrap_err().to_string(), "its format is 2, and this release reads 1");
}

#[test]
fn what_no_server_writes_is_refused() {
    let of_groups = |groups: Vec<SavedGroup>| SnapshotSource {
        groups: (0..).map(GroupId).zip(groups).collect(),
        values: Vec::new(),
        topics: TopicTable::new(Secret::new([7; 16])),
    };
    let other_cluster = SavedMember { cluster: "d".into(), ..member(0, "b") };
    for (groups, expected) in [
        (vec![group("b", vec![member(0, "b")]), group("a", vec![member(0, "a")])], Malformed::Order("groups")),
        (vec![group("b", vec![member(1, "b"), member(1, "a")])], Malformed::Order("members of a group")),
        (vec![group("b", vec![member(1, "b"), member(2, "b")])], Malformed::SameAddress),
        (vec![group("b", Vec::new())], Malformed::Cluster),
        (vec![group("b", vec![other_cluster])], Malformed::Cluster),
    ] {
        let error = decode(&of_groups(groups).encode(&written())).unwrap_err();
        assert_eq!(error, SnapshotError::Malformed(expected));
    }
}

#[test]
fn more_than_registrations_may_take_is_refused_before_it_is_kept() {
    let mut payload = vec![0, 0, 0];
    // One group, one value, and a topic with the largest number of mappings that the format can announce.
    put_number(&mut payload, 1);
    super::encode::put_group(&mut payload, &group("a", vec![member(0, "a")]));
    payload.extend([0, 1, 1, b'T', 0]);
    put_number(&mut payload, u64::MAX);
    payload.extend([&[0, 1, b'a', 2][..], b"{}"].concat().repeat(100));
    let limits = Limits { registry_bytes_max: 16 * 1024, ..Limits::default() };
    let error = Snapshot::decode(&file(&payload), &limits).unwrap_err();
    assert_eq!(error, SnapshotError::TooLarge { max: limits.registry_bytes_max });
    let whole = source().encode(&written());
    assert_eq!(Snapshot::decode(&whole, &limits).unwrap_err(), SnapshotError::TooLarge { max: 16 * 1024 });
}
