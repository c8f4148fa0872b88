//! Limits that few steps reach.

use crate::step::words::{SETTINGS, TOPICS};
use namesrv_core::config::Limits;

/// Settings that a model begins with, in the order of [`SETTINGS`].
pub type Switches = [bool; SETTINGS.len()];

/// A registration of all topics is over the limit.
pub(super) const TOPICS_MAX: usize = TOPICS.len() - 1;
/// A few KV entries are over the limit.
pub(super) const KV_BYTES_MAX: usize = 120;

/// Limits that few steps reach.
#[must_use]
pub fn limits() -> Limits {
    Limits { topics_per_registration_max: TOPICS_MAX, kv_bytes_max: KV_BYTES_MAX, ..Limits::default() }
}
