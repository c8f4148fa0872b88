//! How far a connection is from its end.

use super::CloseReason;

/// How far a connection is from its end. It only moves down this list.
#[derive(Debug)]
pub(super) enum Lifecycle {
    /// The client may send more.
    Open,
    /// The server stops: what the client sent already is read once more.
    Stopping,
    /// The client sends no more. What is left of its input waits.
    Ended,
    /// All input is dealt with or given up. Replies and output are waited for.
    Draining(CloseReason),
    /// Output is waited for.
    Flushing(CloseReason),
    /// Nothing is waited for: the client is gone, or must not be kept.
    Lost(CloseReason),
}

impl Lifecycle {
    /// Why the connection ends, if it does.
    pub(super) const fn close_reason(&self) -> Option<&CloseReason> {
        match self {
            Self::Open | Self::Stopping | Self::Ended => None,
            Self::Draining(reason) | Self::Flushing(reason) | Self::Lost(reason) => Some(reason),
        }
    }
}
