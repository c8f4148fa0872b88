//! The relations that must hold between the tables after every input, in words.

use super::Tables;
use crate::table_size as size;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Names every broken relation between the indexes. Looks at everything.
pub(in crate::registry) fn broken_relations(tables: &Tables) -> Vec<String> {
    let mut findings = Vec::new();
    tables.groups.check(&mut findings);
    tables.liveness.check(tables.groups.members(), &mut findings);
    let entries = tables.topics.records().flat_map(|record| record.queues());
    tables.queues.check(entries.map(|entry| entry.queue), &mut findings);
    tables.topics.check(&mut findings);
    check_topics(tables, &mut findings);
    check_groups(tables, &mut findings);
    check_restored(tables, &mut findings);
    let counted = counted_bytes(tables);
    if tables.bytes != counted {
        findings.push(format!("the tables count {} bytes instead of {counted}", tables.bytes));
    }
    findings
}

/// Returns about how many relations [`broken_relations`] looks at.
pub(in crate::registry) fn relations(tables: &Tables) -> usize {
    tables.topics.len() + tables.liveness.deadlines.len() + tables.queues.uses.len()
}

fn check_topics(tables: &Tables, findings: &mut Vec<String>) {
    for record in tables.topics.records() {
        let key = tables.topics.key(&record.name);
        let entries = record.queues().iter().map(|entry| entry.group);
        let owners = record.mappings().iter().map(|mapping| mapping.owner);
        for group in entries.clone().chain(owners).map(|id| tables.groups.group(id)) {
            if !group.has_topic(key) {
                findings.push(format!("group {} does not know of topic {}", group.name, record.name));
            }
        }
        if !entries.map(|id| &tables.groups.group(id).name).is_sorted_by(|left, right| left < right) {
            findings.push(format!("the entries of topic {} are not in the order of their groups", record.name));
        }
    }
}

fn check_groups(tables: &Tables, findings: &mut Vec<String>) {
    for (id, group) in tables.groups.iter() {
        let is_in = |topic: &str| {
            let record = tables.topics.record(tables.topics.key(topic));
            record.is_some_and(|record| record.is_related_to(id))
        };
        for topic in group.topics.iter().filter(|topic| !is_in(topic)) {
            findings.push(format!("group {} has nothing in topic {topic}", group.name));
        }
        if group.encoded.is_none() && !tables.topology_is_stale {
            findings.push(format!("no view shows the change of group {}", group.name));
        }
    }
}

/// Checks that the marks for restored state match what exists, and that they exist only while brokers have time to
/// register.
fn check_restored(tables: &Tables, findings: &mut Vec<String>) {
    let members = || tables.groups.members().filter(|(_, member)| member.is_unconfirmed());
    let count = members().count();
    if count != tables.unconfirmed {
        findings.push(format!("{} members are unconfirmed instead of {count}", tables.unconfirmed));
    }
    for (_, member) in members() {
        if tables.restored_until.is_none_or(|until| member.deadline > until) {
            findings.push(format!("{} is unconfirmed for too long", member.address));
        }
        if member.claims.newest().is_some() {
            findings.push(format!("{} is unconfirmed and has a connection", member.address));
        }
    }
    for (id, group) in tables.groups.iter() {
        for topic in group.restored.topics() {
            if tables.queue_values(tables.topics.key(topic), id).is_none() {
                findings.push(format!("group {} has no unconfirmed entry in topic {topic}", group.name));
            }
        }
        if tables.restored_until.is_none() && !group.restored.is_empty() {
            findings.push(format!("group {} keeps what is unconfirmed", group.name));
        }
    }
    let mappings = || tables.topics.records().flat_map(|record| record.mappings());
    if tables.restored_until.is_none() && mappings().any(|mapping| mapping.is_unconfirmed) {
        findings.push("a mapping is unconfirmed for too long".into());
    }
}

fn counted_bytes(tables: &Tables) -> usize {
    let groups: usize = tables.groups.iter().map(|(_, group)| group.bytes()).sum();
    let members: usize = tables.groups.members().map(|(_, member)| member.bytes()).sum();
    let topics = tables.groups.iter().flat_map(|(_, group)| group.topics.iter());
    let entries: usize = topics.map(|topic| size::of_entry(topic)).sum();
    let mappings = tables.topics.records().flat_map(|record| record.mappings());
    groups + members + entries + mappings.map(size::of_mapping).sum::<usize>()
}
