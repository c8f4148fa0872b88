//! The states of a connection, from open to lost.

use super::CloseReason;

/// The state of a connection. It only moves down this list.
#[derive(Debug)]
pub(super) enum Lifecycle {
    /// The client may send more.
    Open,
    /// The server stops. The connection reads once more what the client has already sent.
    Stopping,
    /// The client sends no more. The connection still has to handle the rest of the input.
    Ended,
    /// The input is handled or given up. Replies and output are pending.
    Draining(CloseReason),
    /// Output is pending.
    Flushing(CloseReason),
    /// Nothing is pending: the client is gone, or must go.
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
