//! Saves: which file, under which ticket, and what can go wrong.

use alloc::string::String;

/// A file that the registry wants saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveFile {
    /// The KV table (`kvConfigPath`).
    KvConfig,
    /// Changes of the configuration at run time.
    RuntimeConfig,
    /// What is registered, for the next start.
    Snapshot,
}

/// Names one save. The driver hands it back when the save ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaveTicket {
    /// The file that is saved.
    pub file: SaveFile,
    /// Counts the saves of all files.
    pub number: u64,
}

/// Why a file could not be saved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SaveError {
    /// The operating system refused to read, write, rename or sync.
    #[error("{path}: {error}")]
    Io {
        /// The path of the file.
        path: String,
        /// The operating system's words.
        error: String,
    },
    /// Nothing can be saved there: no path, not a regular file, or locked by another server.
    #[error("{0}")]
    Unusable(String),
    /// The save failed when the new contents were already there, and the old ones could not be brought back.
    #[error("{0}; whether the change is kept shows at the next start")]
    Undecided(String),
}
