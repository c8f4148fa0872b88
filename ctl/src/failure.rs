//! Why a command fails: one line, and the exit status that it ends with.

use crate::admin::AdminError;
use crate::ask_error::Unanswered;
use crate::escape::escape;
use crate::tools_file::ToolsFileError;
use std::io;

/// Exit status when there is no answer, or one that says no.
pub(crate) const NO_ANSWER: u8 = 1;
/// Exit status of a command line that is none.
pub(crate) const USAGE: u8 = 2;
/// Exit status of `diff` when servers differ.
pub(crate) const DIFFERENT: u8 = 3;

/// Why a command fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line.
    #[error("{0}")]
    Usage(String),
    /// A server on its remoting port.
    #[error("{}{}", .0, behind(.0.advice()))]
    Ask(#[from] Unanswered),
    /// A server on its second port.
    #[error("{}: {error}{}", escape(.address), behind(.error.advice()))]
    Admin { address: String, error: AdminError },
    /// A server that does not have what is asked for.
    #[error("{}: there is no {what}", escape(.address))]
    Nothing { address: String, what: String },
    /// The keys to sign with.
    #[error("{0}")]
    ToolsFile(#[from] ToolsFileError),
    /// The files of TLS.
    #[error("{0}")]
    Tls(String),
    /// Time is over.
    #[error("{0}")]
    Late(String),
    /// Standard output.
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    pub(crate) const fn status(&self) -> u8 {
        match self {
            Self::Usage(_) => USAGE,
            Self::Ask(_)
            | Self::Admin { .. }
            | Self::Nothing { .. }
            | Self::ToolsFile(_)
            | Self::Tls(_)
            | Self::Late(_)
            | Self::Output(_) => NO_ANSWER,
        }
    }
}

fn behind(advice: Option<&str>) -> String {
    advice.map(|advice| format!(": {advice}")).unwrap_or_default()
}
