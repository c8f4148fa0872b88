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
    /// The checksum of the contents that the server knows of the KV file, unless it cannot know them.
    pub kv_checksum: Option<u32>,
    /// The routes for the next start, if the server saves them.
    pub snapshot: Option<KeptFile>,
}

impl SavedFiles {
    /// Saves a file. On success its contents are durable.
    ///
    /// # Errors
    /// The old contents are still there, unless the error is [`SaveError::Undecided`].
    pub fn save(&mut self, disk: &impl Disk, saved: SaveFile, contents: &[u8]) -> Result<(), SaveError> {
        let file = match saved {
            SaveFile::KvConfig => {
                if self.kv_is_original && keep_original(disk, &self.kv) {
                    self.kv_is_original = false;
                }
                warn_of_strangers(disk, &self.kv, self.kv_checksum.take());
                &mut self.kv
            }
            SaveFile::RuntimeConfig => &mut self.runtime,
            SaveFile::Snapshot => match &mut self.snapshot {
                Some(snapshot) => snapshot,
                None => return Err(SaveError::Unusable("there is no file for snapshots".to_owned())),
            },
        };
        let way = files::save(disk, file, contents).map_err(|error| save_error(file, error))?;
        note_way(file, way);
        if saved == SaveFile::KvConfig {
            self.kv_is_original = false;
            self.kv_checksum = Some(crc32fast::hash(contents));
        }
        Ok(())
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

/// Keeps the original file, and returns whether it is kept. If not, the save goes on: the requested change matters
/// more.
fn keep_original(disk: &impl Disk, file: &KeptFile) -> bool {
    let kept = files::keep_original(disk, &file.path);
    match &kept {
        Ok(kept) => info!("{}: the file as it was found is kept in {}", file.key, kept.display()),
        Err(error) => warn!("{}: the file as it was found is not kept: {error}", file.key),
    }
    kept.is_ok()
}

/// Warns if a file does not have the contents that the server knows, so that this save takes somebody's changes away.
fn warn_of_strangers(disk: &impl Disk, file: &KeptFile, known: Option<u32>) {
    let Ok(found) = files::read(disk, &file.path) else { return };
    if known.is_some_and(|known| known != crc32fast::hash(&found.unwrap_or_default())) {
        let (key, path) = (file.key, file.path.display());
        warn!("{key}: another server or program has changed {path}: this save undoes that, and {path}.bak keeps it");
    }
}

/// Logs a change of the way of saving. The operator was told at start, but hosts change.
fn note_way(file: &mut KeptFile, way: Way) {
    if file.way.as_ref() != Some(&way) {
        info!("{}: {way}", file.key);
        file.way = Some(way);
    }
}
