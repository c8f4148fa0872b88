//! What the core is told at start.

use crate::access::AccessRules;
use crate::config::{Configuration, Limits};
use crate::kv::KvTable;
use crate::serialization::Serialization;
use alloc::sync::Arc;

/// What a registry starts with.
#[derive(Clone, Debug)]
pub struct InitialState {
    /// Keys every hasher and digest: random in a server, from the seed in a simulation.
    pub secret: [u8; 16],
    /// Bounds of everything that a peer can make grow.
    pub limits: Limits,
    /// The configuration keys and their values.
    pub configuration: Configuration,
    /// Contents of the KV file.
    pub kv: KvTable,
    /// How answers are encoded, however the request was.
    pub serialization: Serialization,
    /// Who may do what.
    pub access: Arc<AccessRules>,
}

impl InitialState {
    /// With the limits and the encoding of the configuration, no KV entries, and rules that let anybody do anything.
    #[must_use]
    pub fn new(secret: [u8; 16], configuration: Configuration) -> Self {
        let (limits, serialization) = (configuration.limits(), configuration.serialization());
        Self { secret, limits, configuration, kv: KvTable::default(), serialization, access: Arc::default() }
    }
}
