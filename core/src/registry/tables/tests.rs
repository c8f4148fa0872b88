//! Verbs keep the invariants, and the check names each broken one.

use super::*;
use crate::ConnId;
use crate::route::Mapping;
use crate::wire::register::TopicQueueMapping;
use alloc::format;
use alloc::string::String;

const VALUES: QueueValues = QueueValues { read_queue_nums: 8, write_queue_nums: 8, perm: 6, topic_sys_flag: 0 };

fn peer(serial: u64) -> Peer {
    Peer { conn: ConnId::new(0, serial), address: ([127, 0, 0, 1], 1).into() }
}

fn broker<'a>(name: &'a str, address: &'a str, id: i64) -> Newcomer<'a> {
    Newcomer {
        name,
        cluster: "cluster",
        address,
        id,
        zone: None,
        enable_acting_master: false,
        ha_server: None,
        peer: peer(1),
        keeps_claims: false,
        timeout: 1000,
        data_version: None,
        filter_servers: None,
    }
}

fn mapping(tables: &Tables, broker_name: &str, owner: &str) -> Mapping {
    let mapping = TopicQueueMapping {
        key: "T".into(),
        topic: None,
        scope: None,
        total_queues: 1,
        bname: None,
        epoch: 0,
        dirty: false,
        curr_id_map: None,
    };
    Mapping::new(&mapping, broker_name, tables.group_id(owner).unwrap())
}

/// Tables with the group `a` (a master and a slave) and the group `b`. Both have topic `T`.
fn tables() -> Tables {
    let mut tables = Tables::new(Secret::new([7; 16]), Now::default());
    for (name, address, id) in [("b", "b:0", 0), ("a", "a:0", 0), ("a", "a:1", 1)] {
        let key = tables.place(&broker(name, address, id), Now::default()).key;
        tables.set_queue(tables.topics.key("T"), key.group, VALUES);
    }
    tables.set_mapping(tables.topics.key("T"), mapping(&tables, "a", "a"));
    tables.publish();
    assert_eq!(broken_relations(&tables), Vec::<String>::new());
    tables
}

fn id(tables: &Tables, group: &str) -> GroupId {
    tables.group_id(group).unwrap()
}

#[test]
fn setting_what_is_set_changes_nothing() {
    let mut tables = tables();
    let a = id(&tables, "a");
    assert_eq!(tables.set_queue(tables.topics.key("T"), a, VALUES), Set::Unchanged);
    assert!(!tables.set_mapping(tables.topics.key("T"), mapping(&tables, "a", "a")));
    assert!(!tables.is_changed());
    assert_eq!(tables.set_queue(tables.topics.key("T"), a, VALUES.read_only()), Set::Replaced);
    assert!(tables.is_changed());
}

#[test]
fn a_view_shares_with_the_last_one_what_did_not_change() {
    let mut tables = tables();
    let (_, before) = tables.publish();
    let b = id(&tables, "b");
    tables.remove_queue(tables.topics.key("T"), b);
    let (_, after) = tables.publish();
    assert!(Arc::ptr_eq(&before, &after), "no group changed");
    tables.set_queue(tables.topics.key("T"), b, VALUES.read_only());
    let (_, with_new_values) = tables.publish();
    assert!(!Arc::ptr_eq(&after, &with_new_values));
    tables.place(&broker("b", "b:1", 1), Now::default());
    assert!(!Arc::ptr_eq(&with_new_values, &tables.publish().1));
}

/// Breaks one relation, and returns what the check finds.
fn findings(break_one: impl FnOnce(&mut Tables)) -> Vec<String> {
    let mut tables = tables();
    break_one(&mut tables);
    broken_relations(&tables)
}

#[test]
fn a_broken_index_of_members_is_found() {
    let key = |tables: &Tables, id| MemberKey { group: tables.group_id("a").unwrap(), id };
    assert_eq!(
        findings(|tables| {
            tables.liveness.deadlines.pop_last();
        }),
        ["a:1 has no deadline", "the index of deadlines has 2 members instead of 3"]
    );
    assert_eq!(
        findings(|tables| {
            let key = key(tables, 0);
            tables.groups.member_mut(key).deadline = Instant::START;
        }),
        ["a:0 has no deadline"]
    );
    assert_eq!(
        findings(|tables| {
            let key = key(tables, 1);
            tables.groups.member_mut(key).claims = Claims::new(peer(2));
        }),
        ["a:1 is not found by its connection"]
    );
    assert_eq!(
        findings(|tables| tables.liveness.connections.values_mut().for_each(|keys| keys.truncate(2))),
        ["a:1 is not found by its connection", "the index of connections has 2 members instead of 3"]
    );
    assert_eq!(
        findings(|tables| tables.liveness.addresses.retain(|_, keys| keys[0].id == 0)),
        ["a:1 is not found by its address", "the index of addresses has 2 members instead of 3"]
    );
}

#[test]
fn a_broken_index_of_groups_is_found() {
    assert_eq!(
        findings(|tables| {
            let (a, b) = (id(tables, "a"), id(tables, "b"));
            tables.groups.by_name.insert("a".into(), b);
            tables.groups.by_name.insert("b".into(), a);
        })
        .iter()
        .filter(|finding| finding.starts_with("name "))
        .count(),
        2
    );
    assert_eq!(
        findings(|tables| {
            let a = id(tables, "a");
            tables.groups.free.push(a);
        }),
        ["2 names and 1 free slots of 2 group slots", "the slot of group a is free"]
    );
    assert_eq!(
        findings(|tables| {
            let b = id(tables, "b");
            let member = tables.groups.group_mut(b).members.remove(&0).unwrap();
            tables.liveness.remove(MemberKey { group: b, id: 0 }, &member);
            tables.bytes -= member.bytes();
        }),
        ["group b has no members", "views show group b as it was before it changed"]
    );
}

#[test]
fn a_broken_index_of_topics_is_found() {
    assert_eq!(
        findings(|tables| {
            let b = id(tables, "b");
            let topic = tables.topics.key("T");
            tables.groups.group_mut(b).remove_topic(topic);
            tables.bytes -= size::of_entry("T");
        }),
        ["group b does not know of topic T"]
    );
    assert_eq!(
        findings(|tables| {
            let b = id(tables, "b");
            tables.add_topic(&"U".into(), tables.topics.key("U").hash, b);
        }),
        ["group b has nothing in topic U"]
    );
    assert_eq!(
        findings(|tables| {
            let entry = QueueRef { group: id(tables, "a"), queue: tables.queues.acquire(VALUES) };
            tables.topics.change(tables.topics.key("U"), |record| record.set_entry(entry, |_| true));
        }),
        ["group a does not know of topic U"]
    );
    assert_eq!(
        findings(|tables| {
            let a = id(tables, "a");
            let queue = tables.topics.change(tables.topics.key("T"), |record| record.remove_entry(a)).unwrap();
            let entry = QueueRef { group: a, queue };
            tables.topics.change(tables.topics.key("T"), |record| record.set_entry(entry, |_| true));
        }),
        ["the entries of topic T are not in the order of their groups"]
    );
}

#[test]
fn wrong_counts_are_found() {
    let values = format!("{VALUES:?}");
    assert_eq!(
        findings(|tables| {
            tables.queues.acquire(VALUES);
        }),
        [format!("{values} count 3 uses instead of 2")]
    );
    assert_eq!(
        findings(|tables| {
            tables.queues.by_values.remove(&VALUES);
        }),
        [format!("{values} with 2 uses: found by value is false")]
    );
    let bytes = tables().bytes;
    assert_eq!(
        findings(|tables| tables.bytes += 1),
        [format!("the tables count {} bytes instead of {bytes}", bytes + 1)]
    );
}

#[test]
fn a_change_that_views_do_not_show_is_found() {
    assert_eq!(
        findings(|tables| {
            let a = id(tables, "a");
            tables.groups.group_mut(a).enable_acting_master = true;
        }),
        ["views show group a as it was before it changed"]
    );
    assert_eq!(
        findings(|tables| {
            let a = id(tables, "a");
            tables.groups.group_mut(a).encoded = None;
        }),
        ["no view shows the change of group a"]
    );
}
