//! Queue settings: the entry of a broker group in a topic.

use super::{GroupId, QueueId};
use crate::wire::json;
use crate::wire::register::TopicConfig;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// The entry of one broker group in a topic: which group, and with which values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QueueRef {
    pub(crate) group: GroupId,
    pub(crate) queue: QueueId,
}

/// The values of the entry of a broker group in a topic (Java: `QueueData`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct QueueValues {
    pub(crate) read_queue_nums: i32,
    pub(crate) write_queue_nums: i32,
    pub(crate) perm: i32,
    pub(crate) topic_sys_flag: i32,
}

/// Queue values with their JSON. Most entries of all groups share a few of them.
#[derive(Clone, Debug)]
pub(crate) struct QueueFragment {
    pub(crate) values: QueueValues,
    /// What follows the broker name in an entry, the same in both dialects.
    pub(crate) json: Box<[u8]>,
}

impl QueueValues {
    pub(crate) const PERM_WRITE: i32 = 2;
    pub(crate) const PERM_READ_WRITE: i32 = 6;
    pub(crate) const FLAG_UNIT: i32 = 1;
    pub(crate) const FLAG_UNIT_SUB: i32 = 2;

    /// The values in the configuration of a topic.
    pub(crate) const fn of(topic: &TopicConfig<'_>) -> Self {
        Self {
            read_queue_nums: topic.read_queue_nums,
            write_queue_nums: topic.write_queue_nums,
            perm: topic.perm,
            topic_sys_flag: topic.topic_sys_flag,
        }
    }

    pub(crate) const fn is_writable(self) -> bool {
        self.perm & Self::PERM_WRITE != 0
    }

    pub(crate) const fn with_perm(self, perm: i32) -> Self {
        Self { perm, ..self }
    }

    pub(crate) const fn read_only(self) -> Self {
        self.with_perm(self.perm & !Self::PERM_WRITE)
    }
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
