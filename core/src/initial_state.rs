//! What the driver gives the core at start.

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
    /// Bounds for everything that a peer can make grow.
    pub limits: Limits,
    /// The configuration keys and their values.
    pub configuration: Configuration,
    /// Contents of the KV file.
    pub kv: KvTable,
    /// How answers are encoded, whatever the encoding of the request.
    pub serialization: Serialization,
    /// Who may do what.
    pub access: Arc<AccessRules>,
    /// What was registered before the restart, for a warm start.
    pub warm_start: Option<WarmStart>,
    /// Whether the registry saves snapshots of what is registered.
    pub saves_snapshots: bool,
}

/// Routes that the server serves before brokers have registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WarmStart {
    /// What was registered before.
    pub snapshot: Snapshot,
    /// The time that brokers have to register again. When it is over, only what brokers repeated is left of the
    /// snapshot.
    pub within: Duration,
}

impl InitialState {
    /// An initial state with the limits and the encoding of the configuration, without KV entries, with rules that
    /// allow everything, and without snapshots.
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
