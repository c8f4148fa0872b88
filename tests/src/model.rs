//! A NameServer a second time, in plain maps and without a line of the core. [`Beside`] lets the core take the same
//! steps and compares: after every step both have answered alike, every question has the same answer, and the
//! [`invariants`] hold.

#![allow(clippy::wildcard_enum_match_arm)]

pub mod invariants;

mod access;
mod kept;
mod order;
mod registering;
mod server;
mod side;
mod silences;
mod storage;
mod tables;
mod written;

pub use side::Beside;
pub(crate) use tables::Parts;

use crate::step::Step;
use crate::step::words::{SETTINGS, TOPICS};
use namesrv_core::config::Limits;
use std::collections::BTreeMap;

/// Settings that a model begins with, in the order of [`SETTINGS`].
pub type Switches = [bool; SETTINGS.len()];

/// A registration of all topics is over the limit.
const TOPICS_MAX: usize = TOPICS.len() - 1;
/// A few KV entries are over the limit.
const KV_BYTES_MAX: usize = 120;

/// Limits that few steps reach.
#[must_use]
pub fn limits() -> Limits {
    Limits { topics_per_registration_max: TOPICS_MAX, kv_bytes_max: KV_BYTES_MAX, ..Limits::default() }
}

/// Takes steps with the core and with the model, and returns how often what was told.
///
/// # Panics
/// They differ, or an invariant does not hold.
pub fn check(switches: Switches, binary: bool, steps: &[Step]) -> BTreeMap<String, usize> {
    let mut beside = Beside::new(switches, binary);
    for step in steps {
        beside.take(step);
    }
    beside.finish()
}
