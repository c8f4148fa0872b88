//! A file that the server keeps, and how it gets new contents.

use std::fmt;
use std::path::PathBuf;

/// A file that the server keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptFile {
    /// The configuration key that names it.
    pub(crate) key: &'static str,
    pub(crate) path: PathBuf,
    /// The previous contents stay in `<file>.bak`, as in Java.
    pub(crate) keeps_backup: bool,
    /// No other user may read it.
    pub(crate) is_private: bool,
    /// How changes are kept, as far as that is known; `None` when they cannot be kept.
    pub(crate) way: Option<Way>,
}

impl KeptFile {
    /// A file that was not looked at yet.
    pub(crate) const fn new(key: &'static str, path: PathBuf, keeps_backup: bool) -> Self {
        Self { key, path, keeps_backup, is_private: false, way: None }
    }

    /// The same file, created for its owner alone.
    pub(crate) fn private(self) -> Self {
        Self { is_private: true, ..self }
    }
}

/// How a file gets new contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// A new file takes its name.
    Replace,
    /// It is written in place, for this reason.
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
