//! Checks the tables after inputs, in debug builds.

use super::tables::{Tables, broken_relations, relations};

/// The most relations of small tables, which are checked after each input.
const SMALL: usize = 512;
/// Average number of relations of larger tables that are checked for each input.
const RELATIONS_PER_INPUT: usize = 32;

/// Decides after which inputs to check the tables.
///
/// A check looks at everything. Small tables are checked after each input. For large ones, enough inputs must pay for a
/// check first, so that a long run costs a constant factor more and not the square.
#[derive(Debug, Default)]
pub(super) struct Audit {
    /// Relations that inputs have paid for since the last check.
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
