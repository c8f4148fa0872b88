//! The host of a server in memory: what a start finds there, and what a server leaves for the next one.

use crate::process_keys::configuration;
use namesrv_core::access::AccessRules;
use namesrv_core::config::Limits;
use namesrv_core::initial_state::{InitialState, WarmStart};
use namesrv_core::kv::{KvFile, KvTable};
use namesrv_core::node::Node;
use namesrv_core::save::SaveFile;
use namesrv_core::snapshot::Snapshot;
use namesrv_core::time::{Duration, Now};
use std::sync::Arc;

/// How long brokers have to register after a restart: what the server has unless it is told otherwise.
const WITHIN: Duration = Duration::from_secs(75);

/// What is there before a server starts.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) properties: Vec<(String, String)>,
    pub(super) limits: Limits,
    pub(super) secret: [u8; 16],
    pub(super) access: Arc<AccessRules>,
    pub(super) kv: KvTable,
    runtime_file: Vec<u8>,
    /// What the last server that stopped in good order left.
    pub(super) snapshot: Option<Vec<u8>>,
}

impl Host {
    /// A host with these entries in the configuration file of its server, and no other file.
    pub(super) fn new(properties: &[(String, String)], kv: KvTable, limits: Limits, secret: [u8; 16]) -> Self {
        Self {
            properties: properties.to_vec(),
            limits,
            secret,
            access: Arc::default(),
            kv,
            runtime_file: Vec::new(),
            snapshot: None,
        }
    }

    /// A server starts with what is there.
    pub(super) fn start(&self, is_warm: bool, now: Now) -> Node {
        let configuration = configuration(&self.properties, &self.runtime_file);
        let snapshot = self.snapshot.as_ref().filter(|_| is_warm);
        let snapshot = snapshot.map(|file| Snapshot::decode(file, &self.limits).expect("its own file is good"));
        let initial = InitialState {
            limits: self.limits,
            kv: self.kv.clone(),
            access: Arc::clone(&self.access),
            warm_start: snapshot.map(|snapshot| WarmStart { snapshot, within: WITHIN }),
            saves_snapshots: true,
            ..InitialState::new(self.secret, configuration)
        };
        Node::new(initial, now)
    }

    /// A save has ended well.
    pub(super) fn keep(&mut self, file: SaveFile, contents: &[u8]) {
        match file {
            SaveFile::KvConfig => self.kv = KvFile::decode(contents).expect("its own file is readable").table,
            SaveFile::RuntimeConfig => self.runtime_file = contents.to_vec(),
            SaveFile::Snapshot => self.snapshot = Some(contents.to_vec()),
        }
    }
}
