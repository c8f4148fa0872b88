//! Saves: the file, the ticket, and what can go wrong.

use alloc::string::String;

/// A file that the registry wants saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveFile {
    /// The KV table (`kvConfigPath`).
    KvConfig,
    /// Configuration changes made at run time.
    RuntimeConfig,
    /// What is registered, for the next start.
    Snapshot,
}

/// Identifies one save. The driver hands it back when the save ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaveTicket {
    /// The file that is saved.
    pub file: SaveFile,
    /// The number of the save, counted over all files.
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
        /// The error in the operating system's words.
        error: String,
    },
    /// The server cannot save there: no path, not a regular file, or locked by another server.
    #[error("{0}")]
    Unusable(String),
    /// The save failed after the new contents were written, and the old ones could not be restored.
    #[error("{0}; whether the change is kept shows at the next start")]
    Undecided(String),
}
