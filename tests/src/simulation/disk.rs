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
    /// In the order of [`SaveFile`].
    files: [File; 3],
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
    /// What is in a file; nothing when there is none.
    pub(super) fn contents(&self, file: SaveFile) -> &[u8] {
        &self.files[file as usize].visible
    }

    /// The first half of a save: the file has a new name.
    ///
    /// # Errors
    /// The disk is full.
    pub(super) fn rename(&mut self, file: SaveFile, contents: &[u8]) -> Result<(), SaveError> {
        if self.health == Health::Full {
            return Err(SaveError::Unusable("no space left on device".to_owned()));
        }
        self.files[file as usize].visible = contents.to_vec();
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
        let file = &mut self.files[file as usize];
        file.durable.clone_from(&file.visible);
        Ok(())
    }

    /// Time passed: what is visible lasts.
    pub(super) fn settle(&mut self) {
        self.lose_power([true; 3]);
    }

    /// The power fails: of what was not synced, each file keeps the old or the new contents.
    pub(super) fn lose_power(&mut self, keeps_unsynced: [bool; 3]) {
        for (file, keeps) in self.files.iter_mut().zip(keeps_unsynced) {
            if keeps {
                file.durable.clone_from(&file.visible);
            } else {
                file.visible.clone_from(&file.durable);
            }
        }
    }
}
