//! Static-topic mappings: which queues of a topic are on which broker.

use super::GroupId;
use crate::wire::json::{self, Dialect};
use crate::wire::register::TopicQueueMapping;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// A static-topic mapping, encoded in both dialects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mapping {
    /// The broker group that the mapping is shown under.
    pub(crate) broker_name: Box<str>,
    /// The group that registered it. The mapping ends with this group.
    pub(crate) owner: GroupId,
    /// `"<broker name>":{…}` by dialect.
    pub(crate) json: [Box<[u8]>; 2],
    /// Whether it was restored and no broker has repeated it yet.
    pub(crate) is_unconfirmed: bool,
}

impl Mapping {
    pub(crate) fn new(mapping: &TopicQueueMapping<'_>, broker_name: &str, owner: GroupId) -> Self {
        let json = Dialect::ALL.map(|dialect| write_mapping(mapping, broker_name, dialect).into());
        Self { broker_name: broker_name.into(), owner, json, is_unconfirmed: false }
    }

    /// Returns `{…}`, as standard JSON.
    pub(crate) fn object(&self) -> &[u8] {
        let mut key = Vec::new();
        json::string(&mut key, &self.broker_name);
        self.json[Dialect::Compatible.index()].get(key.len() + 1..).unwrap_or_default()
    }
}

/// Writes `"<broker name>":{…}` (Java: `TopicQueueMappingInfo`).
fn write_mapping(mapping: &TopicQueueMapping<'_>, broker_name: &str, dialect: Dialect) -> Vec<u8> {
    let mut output = Vec::new();
    json::string(&mut output, broker_name);
    output.extend_from_slice(br#":{"bname":"#);
    json::string(&mut output, broker_name);
    if let Some(ids) = &mapping.curr_id_map {
        let ids: BTreeMap<i32, i32> = ids.iter().copied().collect();
        output.extend_from_slice(br#","currIdMap":{"#);
        json::separated(&mut output, ids, |output, (global, local)| {
            json::integer_key(output, global.into(), dialect);
            json::integer(output, local);
        });
        output.push(b'}');
    }
    output.extend_from_slice(br#","dirty":"#);
    output.extend_from_slice(if mapping.dirty { b"true" } else { b"false" });
    output.extend_from_slice(br#","epoch":"#);
    json::long(&mut output, mapping.epoch, dialect);
    for (name, value) in [(&br#","scope":"#[..], &mapping.scope), (br#","topic":"#, &mapping.topic)] {
        if let Some(value) = value {
            output.extend_from_slice(name);
            json::string(&mut output, value);
        }
    }
    output.extend_from_slice(br#","totalQueues":"#);
    json::integer(&mut output, mapping.total_queues);
    output.push(b'}');
    output
}
