//! What a connection borrows for one step.

use super::buffers::Buffers;
use super::policy::Policy;
use namesrv_core::ClientAddress;
use namesrv_core::quota::Quotas;
use namesrv_core::time::Instant;

/// What a step of a connection lends to its transport.
#[derive(Debug)]
pub(crate) struct Lent<'a, C> {
    /// The rules for first bytes.
    pub policy: &'a Policy,
    /// Buffers that connections share.
    pub buffers: &'a mut Buffers,
    /// What all connections together may hold.
    pub quotas: &'a Quotas<C>,
    /// Where the client is, as far as known before this step.
    pub client: ClientAddress,
    /// The time.
    pub now: Instant,
}
