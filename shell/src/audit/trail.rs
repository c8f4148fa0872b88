//! What happened last, in memory, and how often.

use super::record::Record;
use namesrv_core::access::RefusalCause;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Records that are kept.
const RECORDS_MAX: usize = 1000;

/// The last records, and counts of everything, which any thread may look at.
#[derive(Debug, Default)]
pub(crate) struct AuditTrail(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    records: VecDeque<Record>,
    counts: Counts,
}

/// How often something happened since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Requests of administrators that were served.
    pub(crate) writes: u64,
    /// Requests that were refused, by code and cause.
    pub(crate) refusals: BTreeMap<(i32, RefusalCause), u64>,
    /// Requests that counted because of the previous secret of a user, by its name.
    pub(crate) previous_secrets: BTreeMap<Arc<str>, u64>,
    /// Requests that would have been refused if the rules were not only observed.
    pub(crate) observed: BTreeMap<(i32, RefusalCause), u64>,
}

impl AuditTrail {
    /// The last records, the oldest first.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the status page"))]
    pub(crate) fn records(&self) -> Vec<Record> {
        self.state().records.iter().cloned().collect()
    }

    /// How often something happened since the start.
    pub(crate) fn counts(&self) -> Counts {
        self.state().counts.clone()
    }

    pub(super) fn keep(&self, record: Record) {
        let records = &mut self.state().records;
        if records.len() == RECORDS_MAX {
            records.pop_front();
        }
        records.push_back(record);
    }

    pub(super) fn count_write(&self) {
        self.state().counts.writes += 1;
    }

    pub(super) fn count_refusal(&self, code: i32, cause: RefusalCause) {
        *self.state().counts.refusals.entry((code, cause)).or_default() += 1;
    }

    pub(super) fn count_observed(&self, code: i32, cause: RefusalCause) {
        *self.state().counts.observed.entry((code, cause)).or_default() += 1;
    }

    pub(super) fn count_previous_secret(&self, user: &Arc<str>) {
        *self.state().counts.previous_secrets.entry(Arc::clone(user)).or_default() += 1;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
