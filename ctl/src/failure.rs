//! Why a command fails: one line, and the exit status.

use crate::admin::AdminError;
use crate::ask_error::Unanswered;
use crate::escape::escape;
use crate::tools_file::ToolsFileError;
use std::io;

/// Exit status if there is no answer, or the answer is no.
pub(crate) const NO_ANSWER: u8 = 1;
/// Exit status for a wrong command line.
pub(crate) const USAGE: u8 = 2;
/// Exit status of `diff` when servers differ.
pub(crate) const DIFFERENT: u8 = 3;

/// Why a command fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line is wrong.
    #[error("{0}")]
    Usage(String),
    /// A server did not answer on its remoting port.
    #[error("{}{}", .0, behind(.0.advice()))]
    Ask(#[from] Unanswered),
    /// A server did not answer on its second port.
    #[error("{}: {error}{}", escape(.address), behind(.error.advice()))]
    Admin { address: String, error: AdminError },
    /// A server does not have what the command asks for.
    #[error("{}: there is no {what}", escape(.address))]
    Nothing { address: String, what: String },
    /// The file with the keys is wrong.
    #[error("{0}")]
    ToolsFile(#[from] ToolsFileError),
    /// The TLS files are wrong.
    #[error("{0}")]
    Tls(String),
    /// The time limit passed.
    #[error("{0}")]
    Late(String),
    /// Standard output failed.
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
