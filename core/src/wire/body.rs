//! Other request bodies: a data version, the queue entries of a route.

use super::register::{BodyError, DataVersion};
use crate::time::Millis;
use alloc::borrow::Cow;
use alloc::vec::Vec;

/// One queue entry in the body of REGISTER_TOPIC_IN_NAMESRV.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueData<'a> {
    /// Name of the broker group.
    pub broker_name: Option<Cow<'a, str>>,
    /// Queues to read from.
    pub read_queue_nums: i32,
    /// Queues to write to.
    pub write_queue_nums: i32,
    /// Permission bits.
    pub perm: i32,
    /// Flag bits.
    pub topic_sys_flag: i32,
}

/// Reads the queue entries of a route; an absent body, list or member is an empty list.
///
/// # Errors
/// Anything that is not a route.
pub fn decode_queue_datas(_body: &[u8]) -> Result<Vec<QueueData<'_>>, BodyError> {
    todo!()
}

/// Reads a data version; an absent body or `null` is none. `wall` stands in for a missing timestamp.
///
/// # Errors
/// Anything that is not a data version.
pub fn decode_data_version(_body: &[u8], _wall: Millis) -> Result<Option<DataVersion>, BodyError> {
    todo!()
}
