//! Queue settings: the entry of a broker group in a topic.

use super::{GroupId, QueueId};
use crate::wire::{QueueValues, json};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// The entry of one broker group in a topic: the group and its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QueueRef {
    pub(crate) group: GroupId,
    pub(crate) queue: QueueId,
}

/// Queue values with their JSON. Most entries of all groups share a few such values.
#[derive(Clone, Debug)]
pub(crate) struct QueueFragment {
    pub(crate) values: QueueValues,
    /// What follows the broker name in an entry, the same in both dialects.
    pub(crate) json: Box<[u8]>,
}

impl QueueFragment {
    pub(crate) fn new(values: QueueValues) -> Self {
        let mut output = Vec::new();
        for (name, value) in [
            (&br#","perm":"#[..], values.perm),
            (br#","readQueueNums":"#, values.read_queue_nums),
            (br#","topicSysFlag":"#, values.topic_sys_flag),
            (br#","writeQueueNums":"#, values.write_queue_nums),
        ] {
            output.extend_from_slice(name);
            json::integer(&mut output, value);
        }
        output.push(b'}');
        Self { values, json: output.into() }
    }
}
