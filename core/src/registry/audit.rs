//! Checking the tables after inputs, in debug builds.

use super::tables::{Tables, broken_relations, relations};

/// Tables with no more relations than these are checked after each input.
const SMALL: usize = 512;
/// Relations of larger tables that are checked for each input, on average.
const RELATIONS_PER_INPUT: usize = 32;

/// Decides after which inputs the tables are checked.
///
/// A check looks at everything. Small tables are checked after each input. Large ones are checked after as many inputs
/// as pay for it, so that a run of many inputs costs a constant factor more and not its square.
#[derive(Debug, Default)]
pub(super) struct Audit {
    /// Relations that could have been checked since the last check.
    saved_up: usize,
}

impl Audit {
    /// Panics if a relation between the tables is broken.
    pub(super) fn after_input(&mut self, tables: &Tables) {
        self.saved_up += RELATIONS_PER_INPUT;
        let relations = relations(tables);
        if relations > SMALL && self.saved_up < relations {
            return;
        }
        self.saved_up = 0;
        let findings = broken_relations(tables);
        assert!(findings.is_empty(), "{} broken: {}", findings.len(), findings.join("; "));
    }
}
