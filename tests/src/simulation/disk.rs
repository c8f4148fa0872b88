//! The disk of a host, with the files of its server. The shell's own code saves them and starts on them.

use super::invariant::{Invariant, Verdict, violated};
use crate::disk::{ERRORS, FileSystem, Loss, ModelDisk, Trouble};
use fastrand::Rng;
use namesrv_core::save::{SaveError, SaveFile};
use namesrv_shell::files::{self, KeptFile};
use namesrv_shell::saved_files::SavedFiles;
use rustix::io::Errno;

/// Files are replaced, or replaced by copies, or written in place once they exist.
const FILE_SYSTEMS: [FileSystem; 3] = [
    FileSystem::PLAIN,
    FileSystem { links: false, ..FileSystem::PLAIN },
    FileSystem { keeps_owners: false, ..FileSystem::PLAIN },
];

/// The files of a server.
const FILES: [SaveFile; 3] = [SaveFile::KvConfig, SaveFile::RuntimeConfig, SaveFile::Snapshot];

/// How the disk treats saves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Health {
    /// It saves.
    #[default]
    Good,
    /// In the midst of each save it has no more room.
    Full,
    /// One step of each save fails, or that and all further ones.
    Failing,
}

/// A disk that any step of a save can be the last of.
#[derive(Debug)]
pub(super) struct Disk {
    model: ModelDisk,
    files: SavedFiles,
    /// What may be in each of [`FILES`]: first what was saved, then what nobody was told of.
    possible: [Vec<Vec<u8>>; 3],
    pub(super) health: Health,
}

impl Disk {
    /// An empty disk of one kind or another.
    pub(super) fn new(number: usize) -> Self {
        let file = |key, name: &str, keeps_backup| KeptFile::new(key, format!("/folder/{name}").into(), keeps_backup);
        let files = SavedFiles {
            kv: file("kvConfigPath", "kvConfig.json", true),
            runtime: file("runtimeConfigPath", "runtime.properties", false),
            kv_is_original: false,
            kv_checksum: None,
            snapshot: Some(file("snapshotPath", "routes.snapshot", false).private()),
        };
        let model = ModelDisk::new(FILE_SYSTEMS[number % FILE_SYSTEMS.len()], &[], b"");
        let possible = FILES.map(|_| vec![Vec::new()]);
        Self { model, files, possible, health: Health::default() }
    }

    /// What a start reads from a file; nothing when there is none.
    pub(super) fn contents(&self, file: SaveFile) -> Vec<u8> {
        let file = match file {
            SaveFile::KvConfig => &self.files.kv,
            SaveFile::RuntimeConfig => &self.files.runtime,
            SaveFile::Snapshot => self.files.snapshot.as_ref().expect("routes have a file"),
        };
        files::read(&self.model, &file.path).expect("its own file is readable").unwrap_or_default()
    }

    /// A server starts on its files.
    ///
    /// # Errors
    /// [`Invariant::FilesAreKept`] does not hold.
    pub(super) fn start(&mut self) -> Verdict {
        for file in FILES {
            let found = self.contents(file);
            if !self.possible[file as usize].contains(&found) {
                return self.broken(file, "has what nobody saved");
            }
            self.possible[file as usize] = vec![found];
        }
        let SavedFiles { kv, runtime, snapshot, .. } = &mut self.files;
        for file in [kv, runtime].into_iter().chain(snapshot) {
            files::prepare(&self.model, file).expect("its own file is a file");
        }
        for file in FILES {
            if self.possible[file as usize] != [self.contents(file)] {
                return self.broken(file, "is changed by a start");
            }
        }
        match self.model.names().iter().find(|name| name.contains(".namesrv.")) {
            Some(name) => violated(Invariant::FilesAreKept, format!("{name} is left over")),
            None => Ok(()),
        }
    }

    fn broken(&self, file: SaveFile, how: &str) -> Verdict {
        let found = self.contents(file);
        violated(Invariant::FilesAreKept, format!("{file:?} {how}: {}", String::from_utf8_lossy(&found)))
    }

    /// Saves a file.
    ///
    /// # Errors
    /// Those of the shell's own code.
    pub(super) fn save(&mut self, file: SaveFile, contents: &[u8], random: &mut Rng) -> Result<(), SaveError> {
        let saved = match self.health {
            Health::Good => self.files.save(&self.model, file, contents),
            Health::Full => self.save_in(Trouble::Full, file, contents, random),
            Health::Failing => {
                let error = ERRORS[random.usize(..ERRORS.len())];
                let trouble = if random.bool() { Trouble::Error(error) } else { Trouble::ErrorForEver(Errno::IO) };
                self.save_in(trouble, file, contents, random)
            }
        };
        let possible = &mut self.possible[file as usize];
        match &saved {
            Ok(()) => *possible = vec![contents.to_vec()],
            Err(SaveError::Undecided(_)) => possible.push(contents.to_vec()),
            Err(SaveError::Io { .. } | SaveError::Unusable(_)) => {}
        }
        saved
    }

    /// The process ends in the midst of a save.
    pub(super) fn break_off(&mut self, file: SaveFile, contents: &[u8], random: &mut Rng) {
        let _ = self.save_in(Trouble::Crash, file, contents, random);
        self.possible[file as usize].push(contents.to_vec());
    }

    /// Saves with trouble at one of the steps, or after the last one.
    fn save_in(
        &mut self,
        trouble: Trouble,
        file: SaveFile,
        contents: &[u8],
        random: &mut Rng,
    ) -> Result<(), SaveError> {
        let (undisturbed, before) = (self.model.clone(), self.model.steps());
        self.files.clone().save(&undisturbed, file, contents).expect("the disk is good");
        let steps = undisturbed.steps() - before;
        self.model.add_trouble(random.usize(0..=steps), trouble);
        let saved = self.files.save(&self.model, file, contents);
        self.model.end_trouble();
        saved
    }

    /// The power fails, and takes all, some or nothing of what was not synced.
    pub(super) fn lose_power(&mut self, random: &mut Rng) {
        let losses = [Loss::Nothing, Loss::Contents, Loss::Names, Loss::Everything, Loss::Some(random.u32(..))];
        self.model.lose(losses[random.usize(..losses.len())]);
    }
}
