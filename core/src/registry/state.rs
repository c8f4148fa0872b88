//! Everything that requests read and change.

use super::configuration::ConfigurationStore;
use super::kv::KvStore;
use super::order_watch::OrderWatch;
use super::outbox::Outbox;
use super::publisher::Publisher;
use super::tables::Tables;
use crate::access::AccessRules;
use crate::limits::Limits;
use alloc::sync::Arc;

/// The state of the registry. Each part keeps its own invariants; requests only call their verbs.
#[derive(Debug)]
pub(super) struct State {
    pub(super) tables: Tables,
    pub(super) kv: KvStore,
    pub(super) order_watch: OrderWatch,
    pub(super) configuration: ConfigurationStore,
    pub(super) publisher: Publisher,
    pub(super) outbox: Outbox,
    pub(super) limits: Limits,
    pub(super) access: Arc<AccessRules>,
}

impl State {
    /// Whether the tables have room for this many more bytes.
    pub(super) const fn has_room_for(&self, bytes: usize) -> bool {
        self.tables.bytes().saturating_add(bytes) <= self.limits.registry_bytes_max
    }
}
