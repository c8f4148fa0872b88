//! The host of a NameServer: its files and its clock, and what clients remember of the server in all its lives.

use super::agenda::Time;
use super::disk::Disk;
use super::kv_ledger::KvLedger;
use super::network::ProcessId;
use super::secure::ServerTls;
use super::snapshots::Snapshots;
use crate::process_keys::configuration;
use namesrv_core::config::Configuration;
use namesrv_core::save::SaveFile;
use namesrv_core::time::{Instant, Now, WallTime};
use std::collections::BTreeMap;

/// The wall clock when the world begins.
const WALL_START_MILLIS: i64 = 1_750_000_000_000;
/// How long a save takes at most while the disk is good.
pub(super) const SAVE_MILLIS: Time = 6;

/// What is left of a server when it does not run.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) process: ProcessId,
    properties: Vec<(String, String)>,
    pub(super) disk: Disk,
    pub(super) kv: KvLedger,
    pub(super) snapshots: Snapshots,
    /// How far the wall clock is off.
    pub(super) wall_offset: i64,
    /// How long a save takes at most.
    pub(super) save_millis: Time,
    pub(super) tls: ServerTls,
    /// Addresses of brokers that the server has confirmed to be gone, and since when.
    pub(super) left: BTreeMap<String, Time>,
}

impl Host {
    pub(super) fn new(process: ProcessId, properties: &[(&str, &str)]) -> Self {
        Self {
            process,
            properties: properties.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            disk: Disk::new(process),
            kv: KvLedger::default(),
            snapshots: Snapshots::default(),
            wall_offset: 0,
            save_millis: SAVE_MILLIS,
            tls: ServerTls::default(),
            left: BTreeMap::new(),
        }
    }

    pub(super) fn now(&self, now: Time) -> Now {
        let wall = WALL_START_MILLIS + now as i64 + self.wall_offset;
        Now { monotonic: Instant::from_millis(now), wall: WallTime::from_millis(wall as u64) }
    }

    pub(super) fn configuration(&self) -> Configuration {
        configuration(&self.properties, &self.disk.contents(SaveFile::RuntimeConfig))
    }
}
