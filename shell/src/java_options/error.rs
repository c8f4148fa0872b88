//! Why no JVM starts with an environment variable.

use std::io;
use std::path::PathBuf;

/// Why no JVM starts with an environment variable.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JavaOptionsError {
    #[error("a quotation mark `{0}` has no second one")]
    UnmatchedQuote(char),
    #[error("cannot read the argument file {}: {source}", path.display())]
    ArgumentFile { path: PathBuf, source: io::Error },
    #[error("the argument file {} {problem}", path.display())]
    BadArgumentFile { path: PathBuf, problem: &'static str },
    #[error("-D{name} is not UTF-8")]
    NotUtf8 { name: String },
}
