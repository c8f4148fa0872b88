//! A file that the server keeps, and how it is saved.

use std::fmt;
use std::path::PathBuf;

/// A file that the server keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptFile {
    /// The configuration key that names it.
    pub key: &'static str,
    /// The path, which may be a symbolic link.
    pub path: PathBuf,
    /// Whether the previous contents stay in `<file>.bak`, as in Java.
    pub keeps_backup: bool,
    /// Whether other users must not read it.
    pub is_private: bool,
    /// How changes are saved, as far as known; `None` if they cannot be saved.
    pub way: Option<Way>,
}

impl KeptFile {
    /// A file that was not examined yet.
    pub const fn new(key: &'static str, path: PathBuf, keeps_backup: bool) -> Self {
        Self { key, path, keeps_backup, is_private: false, way: None }
    }

    /// The same file, accessible only to its owner.
    pub fn private(self) -> Self {
        Self { is_private: true, ..self }
    }
}

/// The way in which a file gets new contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// A new file takes its name.
    Replace,
    /// The file is written in place, for this reason.
    InPlace(String),
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replace => f.write_str("changes replace the file"),
            Self::InPlace(reason) => write!(f, "changes are written in place: {reason}"),
        }
    }
}
