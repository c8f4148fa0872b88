//! What a broker group says about a topic: numbers of queues, permission and flags.

use super::json::Integer;
use super::json::read::skip;
use serde::de::MapAccess;

/// What a broker group says about a topic (Java: `QueueData`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct QueueValues {
    /// Number of queues to read from.
    pub read_queue_nums: i32,
    /// Number of queues to write to.
    pub write_queue_nums: i32,
    /// Permission bits: 4 read, 2 write, 1 inherit, 8 priority.
    pub perm: i32,
    /// Flag bits: 1 unit, 2 unit subscription.
    pub topic_sys_flag: i32,
}

impl QueueValues {
    pub(crate) const PERM_WRITE: i32 = 2;
    pub(crate) const PERM_READ_WRITE: i32 = 6;
    pub(crate) const FLAG_UNIT: i32 = 1;
    pub(crate) const FLAG_UNIT_SUB: i32 = 2;

    pub(crate) const fn is_writable(self) -> bool {
        self.perm & Self::PERM_WRITE != 0
    }

    pub(crate) const fn with_perm(self, perm: i32) -> Self {
        Self { perm, ..self }
    }

    pub(crate) const fn read_only(self) -> Self {
        self.with_perm(self.perm & !Self::PERM_WRITE)
    }

    /// Reads a member of a JSON object, or skips it if its name is unknown.
    pub(super) fn read_member<'de, A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<(), A::Error> {
        match name {
            "readQueueNums" => Integer(self.read_queue_nums) = members.next_value()?,
            "writeQueueNums" => Integer(self.write_queue_nums) = members.next_value()?,
            "perm" => Integer(self.perm) = members.next_value()?,
            "topicSysFlag" => Integer(self.topic_sys_flag) = members.next_value()?,
            _ => skip(members)?,
        }
        Ok(())
    }
}
