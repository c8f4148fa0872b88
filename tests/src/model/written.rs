//! How the model writes bodies: by hand, from its tables, in both dialects of the Java server.

use super::tables::Group;
use crate::registration::{Mapping, Version};
use crate::step::Queues;
use std::collections::BTreeMap;

/// The largest number below which JavaScript has every integer.
const SAFE: i64 = (1 << 53) - 1;

pub(super) fn text(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

pub(super) fn list(members: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", members.into_iter().collect::<Vec<_>>().join(","))
}

pub(super) fn object(members: impl IntoIterator<Item = (String, String)>) -> String {
    let members: Vec<_> = members.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
    format!("{{{}}}", members.join(","))
}

fn integer_key(key: i64, quoted: bool) -> String {
    if quoted { format!("\"{key}\"") } else { key.to_string() }
}

pub(super) fn addresses(group: &Group, acting: bool, quoted: bool) -> String {
    let smallest = group.members.keys().next().copied();
    object(group.members.iter().map(|(id, member)| {
        let id = if acting && Some(*id) == smallest { 0 } else { *id };
        (integer_key(id, quoted), text(&member.address))
    }))
}

pub(super) fn broker(name: &str, group: &Group, acting: bool, quoted: bool) -> String {
    let zone = group.zone.as_ref().map(|zone| format!(",\"zoneName\":{}", text(zone))).unwrap_or_default();
    format!(
        "{{\"brokerAddrs\":{},\"brokerName\":{},\"cluster\":{},\"enableActingMaster\":{}{zone}}}",
        addresses(group, acting, quoted),
        text(name),
        text(&group.cluster),
        group.acting
    )
}

pub(super) fn queue(name: &str, Queues { read, write, perm, flags }: Queues) -> String {
    format!(
        "{{\"brokerName\":{},\"perm\":{perm},\"readQueueNums\":{read},\"topicSysFlag\":{flags},\"writeQueueNums\":{write}}}",
        text(name)
    )
}

pub(super) fn mapping(name: &str, mapping: &Mapping, quoted: bool) -> String {
    let queues: BTreeMap<_, _> = mapping.queues.iter().copied().collect();
    let queues =
        object(queues.into_iter().map(|(global, local)| (integer_key(global.into(), quoted), local.to_string())));
    let epoch =
        if quoted && mapping.epoch > SAFE { format!("\"{}\"", mapping.epoch) } else { mapping.epoch.to_string() };
    format!(
        "{{\"bname\":{},\"currIdMap\":{queues},\"dirty\":false,\"epoch\":{epoch},\"scope\":\"__global__\",\"topic\":{},\"totalQueues\":{}}}",
        text(name),
        text(&mapping.topic),
        mapping.total_queues
    )
}

pub(super) fn topic_list<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    format!("{{\"topicList\":{}}}", list(names.into_iter().map(|name| text(name))))
}

/// The KV file; entries without a value are left out.
pub(crate) fn kv_file(kv: &BTreeMap<&str, BTreeMap<&str, Option<&str>>>) -> String {
    format!("{{\"configTable\":{}}}", object(kv.iter().map(|(name, keys)| (text(name), kv_table(keys)))))
}

fn kv_table(keys: &BTreeMap<&str, Option<&str>>) -> String {
    object(keys.iter().filter_map(|(key, value)| Some((text(key), text((*value)?)))))
}

/// The answer to 219.
pub(crate) fn kv_list(keys: &BTreeMap<&str, Option<&str>>) -> String {
    format!("{{\"table\":{}}}", kv_table(keys))
}

pub(crate) fn data_version(version: Version) -> String {
    let Version { state, counter, timestamp } = version;
    format!("{{\"counter\":{counter},\"stateVersion\":{state},\"timestamp\":{timestamp}}}")
}
