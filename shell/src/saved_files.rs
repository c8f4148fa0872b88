//! The files that the registry wants saved, and how a save of each ends.

use crate::disk::Disk;
use crate::files::{self, FileError, KeptFile, Way};
use namesrv_core::save::{SaveError, SaveFile};
use tracing::{info, warn};

/// The files that are saved.
#[derive(Clone, Debug)]
pub struct SavedFiles {
    /// The KV table.
    pub kv: KeptFile,
    /// Changes of the configuration that were made at run time.
    pub runtime: KeptFile,
    /// Whether a person wrote the KV file in a form that a save would lose.
    pub kv_is_original: bool,
    /// The routes for the next start, if the server saves them.
    pub snapshot: Option<KeptFile>,
}

impl SavedFiles {
    /// Saves a file. On success its contents are durable.
    ///
    /// # Errors
    /// The old contents are still there, unless the error is [`SaveError::Undecided`].
    pub fn save(&mut self, disk: &impl Disk, file: SaveFile, contents: &[u8]) -> Result<(), SaveError> {
        let file = match file {
            SaveFile::KvConfig => {
                if std::mem::take(&mut self.kv_is_original) {
                    keep_original(disk, &self.kv);
                }
                &mut self.kv
            }
            SaveFile::RuntimeConfig => &mut self.runtime,
            SaveFile::Snapshot => match &mut self.snapshot {
                Some(snapshot) => snapshot,
                None => return Err(SaveError::Unusable("there is no file for snapshots".to_owned())),
            },
        };
        let saved = files::save(disk, file, contents);
        saved.map(|way| note_way(file, way)).map_err(|error| save_error(file, error))
    }
}

/// Returns the error for the registry, with the name of the key.
fn save_error(file: &KeptFile, error: FileError) -> SaveError {
    match error {
        FileError::Step { .. } => {
            SaveError::Io { path: file.path.display().to_string(), error: format!("{}: {error}", file.key) }
        }
        FileError::Undecided(error) => SaveError::Undecided(format!("{}: {error}", file.key)),
        FileError::NoPath
        | FileError::NotRegular { .. }
        | FileError::Nameless(_)
        | FileError::TooManyLinks(_)
        | FileError::Locked(_)
        | FileError::TooLarge { .. }
        | FileError::NoWay { .. } => SaveError::Unusable(format!("{}: {error}", file.key)),
    }
}

/// Keeps the original file. If that fails, the save goes on: the requested change matters more.
fn keep_original(disk: &impl Disk, file: &KeptFile) {
    match files::keep_original(disk, &file.path) {
        Ok(kept) => info!("{}: the file as it was found is kept in {}", file.key, kept.display()),
        Err(error) => warn!("{}: the file as it was found is not kept: {error}", file.key),
    }
}

/// Logs a change of the way of saving. The operator was told at start, but hosts change.
fn note_way(file: &mut KeptFile, way: Way) {
    if file.way.as_ref() != Some(&way) {
        info!("{}: {way}", file.key);
        file.way = Some(way);
    }
}
