//! What the core is given at start.

use crate::access::AccessRules;
use crate::config::{Configuration, Limits};
use crate::kv::KvTable;
use crate::serialization::Serialization;
use crate::snapshot::Snapshot;
use crate::time::Duration;
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
    /// What was registered before the restart, if the server starts with it.
    pub warm_start: Option<WarmStart>,
    /// The registry asks for snapshots of what is registered.
    pub saves_snapshots: bool,
}

/// Routes that are served before brokers have registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WarmStart {
    /// What was registered.
    pub snapshot: Snapshot,
    /// How long brokers have to register again. After that, nothing of the snapshot is left that no broker repeated.
    pub within: Duration,
}

impl InitialState {
    /// With the limits and the encoding of the configuration, no KV entries, rules that let anybody do anything, and no
    /// snapshots.
    #[must_use]
    pub fn new(secret: [u8; 16], configuration: Configuration) -> Self {
        let (limits, serialization) = (configuration.limits(), configuration.serialization());
        Self {
            secret,
            limits,
            configuration,
            kv: KvTable::default(),
            serialization,
            access: Arc::default(),
            warm_start: None,
            saves_snapshots: false,
        }
    }
}
