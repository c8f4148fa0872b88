//! How a story goes.

use crate::simulation::invariant::Violation;

/// Told to its end, or up to the invariant that does not hold.
pub(super) type Story = Result<(), Violation>;
