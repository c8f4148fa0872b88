//! The disk of a host: what a reader finds in a file, and what is left of it when the power fails.

use namesrv_core::save::{SaveError, SaveFile};

/// How the disk treats a save.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Health {
    /// It is saved.
    #[default]
    Good,
    /// It fails before anything is replaced.
    Full,
    /// It fails when the new name is already there, but nobody knows whether it lasts.
    CannotSync,
}

/// Files that are replaced as the saver does it: written beside, synced, renamed, and the folder synced.
#[derive(Debug, Default)]
pub(super) struct Disk {
    kv_config: File,
    runtime_config: File,
    snapshot: File,
    pub(super) health: Health,
}

#[derive(Debug, Default)]
struct File {
    /// What the running host reads.
    visible: Vec<u8>,
    /// What the power cannot take.
    durable: Vec<u8>,
}

impl Disk {
    fn file(&mut self, file: SaveFile) -> &mut File {
        match file {
            SaveFile::KvConfig => &mut self.kv_config,
            SaveFile::RuntimeConfig => &mut self.runtime_config,
            SaveFile::Snapshot => &mut self.snapshot,
        }
    }

    /// What is in a file; nothing when there is none.
    pub(super) fn contents(&mut self, file: SaveFile) -> &[u8] {
        &self.file(file).visible
    }

    /// The first half of a save: the file has a new name.
    ///
    /// # Errors
    /// The disk is full.
    pub(super) fn rename(&mut self, file: SaveFile, contents: &[u8]) -> Result<(), SaveError> {
        if self.health == Health::Full {
            return Err(SaveError::Unusable("no space left on device".to_owned()));
        }
        self.file(file).visible = contents.to_vec();
        Ok(())
    }

    /// The second half: the name lasts.
    ///
    /// # Errors
    /// It may or may not last.
    pub(super) fn sync(&mut self, file: SaveFile) -> Result<(), SaveError> {
        if self.health == Health::CannotSync {
            return Err(SaveError::Unusable("input/output error".to_owned()));
        }
        let file = self.file(file);
        file.durable.clone_from(&file.visible);
        Ok(())
    }

    /// Time passed: what is visible lasts.
    pub(super) fn settle(&mut self) {
        self.lose_power(|_| true);
    }

    /// The power fails: of what was not synced, each file keeps the old or the new contents.
    pub(super) fn lose_power(&mut self, keeps_unsynced: impl Fn(SaveFile) -> bool) {
        for file in [SaveFile::KvConfig, SaveFile::RuntimeConfig, SaveFile::Snapshot] {
            let keeps = keeps_unsynced(file);
            let file = self.file(file);
            if keeps {
                file.durable.clone_from(&file.visible);
            } else {
                file.visible.clone_from(&file.durable);
            }
        }
    }
}
