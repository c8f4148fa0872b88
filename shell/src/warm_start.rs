//! Warm start: reads the snapshot of the last run, judges it, and serves it if it is good enough.
//!
//! No fault of a snapshot prevents the start. Without a snapshot the server begins without routes, as Java does.

mod expectation;
mod keys;

pub use expectation::Expectation;
pub use keys::WarmStartSettings;

use crate::boot;
use crate::clock::Clock;
use crate::disk::RealDisk;
use crate::files::{self, FileError, KeptFile};
use namesrv_core::config::{Configuration, Limits};
use namesrv_core::initial_state::WarmStart;
use namesrv_core::snapshot::{Age, Snapshot, SnapshotError, Written};
use namesrv_core::time::WallTime;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tracing::{info, warn};

/// The key that names the file.
pub(crate) const SNAPSHOT_KEY: &str = WarmStartSettings::path.key.name;
/// How far the wall clock may have been set back.
const FUTURE_MAX: Duration = Duration::from_secs(5);
/// How long to wait for known brokers, unless a key says otherwise.
const WAIT: Duration = Duration::from_secs(45);

/// What the start uses of a snapshot.
#[derive(Debug)]
pub struct Warmth {
    /// What the server serves, if the snapshot is good enough.
    pub start: Option<WarmStart>,
    /// What the server waits for before it is ready.
    pub expectation: Expectation,
    /// When the file was written, and its bytes, if it could be read.
    pub(crate) file: Option<(WallTime, usize)>,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("{0}")]
    File(#[from] FileError),
    #[error("{}: it has {bytes} bytes, more than registrations may have", path.display())]
    Large { path: PathBuf, bytes: u64 },
    #[error("{}: {source}", path.display())]
    Snapshot { path: PathBuf, source: SnapshotError },
}

impl Warmth {
    /// Reads the snapshot, if warm start is on; otherwise `file` is `None`.
    pub(crate) fn read(file: Option<&KeptFile>, configuration: &Configuration, clock: Clock) -> Self {
        let settings = WarmStartSettings::of(configuration);
        let found = file.and_then(|file| match read(&file.path, &configuration.limits()) {
            Ok(found) => found,
            Err(error) => {
                warn!("{SNAPSHOT_KEY}: {error}: the server starts without routes");
                None
            }
        });
        match found {
            Some((snapshot, bytes)) => Self {
                file: Some((snapshot.written.wall, bytes)),
                ..Self::judge(Some(snapshot), &settings, &boot::written_now(clock))
            },
            None => Self::judge(None, &settings, &Written::default()),
        }
    }

    /// Decides what to use of a snapshot, and what a server without one waits for.
    #[must_use]
    pub fn judge(snapshot: Option<Snapshot>, settings: &WarmStartSettings, now: &Written) -> Self {
        let (start, expectation) = match snapshot {
            Some(snapshot) => judge(snapshot, settings, now),
            None => (None, Expectation::of_anybody(settings.ready_wait.unwrap_or_default())),
        };
        Self { start, expectation, file: None }
    }
}

/// Returns a snapshot and the bytes of its file, or `None` if there is no file.
fn read(path: &Path, limits: &Limits) -> Result<Option<(Snapshot, usize)>, Unusable> {
    // Registrations take more memory than bytes in a snapshot.
    let bytes = fs::metadata(path).map_or(0, |status| status.len());
    if bytes > limits.registry_bytes_max as u64 {
        return Err(Unusable::Large { path: path.to_owned(), bytes });
    }
    let Some(contents) = files::read(&RealDisk, path)? else { return Ok(None) };
    let decoded = Snapshot::decode(&contents, limits);
    let snapshot = decoded.map_err(|source| Unusable::Snapshot { path: path.to_owned(), source })?;
    Ok(Some((snapshot, contents.len())))
}

fn judge(snapshot: Snapshot, settings: &WarmStartSettings, now: &Written) -> (Option<WarmStart>, Expectation) {
    let brokers = snapshot.brokers().count();
    let fault = match snapshot.written.age(now) {
        Age::Old(age) if age <= settings.age_max => {
            let (topics, age_seconds) = (snapshot.topic_count(), age.as_secs());
            info!(
                brokers,
                topics, age_seconds, "routes from before the restart are served until brokers have registered"
            );
            None
        }
        Age::Future(by) if by <= FUTURE_MAX => None,
        Age::Old(age) => Some(format!("{} s old", age.as_secs())),
        Age::Future(by) => Some(format!("from {} s in the future", by.as_secs())),
    };
    match fault {
        None => (Some(WarmStart { snapshot, within: settings.within }), Expectation::nothing()),
        Some(fault) => {
            warn!("{SNAPSHOT_KEY}: the routes of {brokers} brokers are {fault}: the server starts without routes");
            let wait = settings.ready_wait.unwrap_or(if brokers > 0 { WAIT } else { Duration::ZERO });
            let awaited = snapshot.brokers().map(|(name, id)| (name.to_owned(), id)).collect();
            (None, Expectation::of_brokers(awaited, wait))
        }
    }
}

#[cfg(test)]
mod tests;
