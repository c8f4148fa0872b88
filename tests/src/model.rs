//! A NameServer a second time, in plain maps and without a line of the core. [`Beside`] lets the core take the same
//! steps and compares: after every step both have answered alike, every question has the same answer, and the
//! [`invariants`] hold.

#![allow(clippy::wildcard_enum_match_arm)]

pub mod invariants;

mod access;
mod answers;
mod kept;
mod limits;
mod listings;
mod observation;
mod order;
mod presence;
mod registering;
mod restored;
mod server;
mod side;
mod silences;
mod storage;
mod tables;
mod watching;
mod written;

pub(crate) use answers::Shown;
pub(crate) use kept::WITHIN_MILLIS;
pub use limits::{Switches, limits};
pub(crate) use observation::Observation;
pub use side::Beside;
pub(crate) use tables::Tables;

use crate::step::Step;
use std::collections::BTreeMap;

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
