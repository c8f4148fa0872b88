//! The reasons for closing a connection.

use crate::output::CloseReason as RegistryClose;
use crate::wire::FrameError;

/// Why a connection is closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// The client ended its stream and has all its answers, or its socket failed.
    #[error("the client has closed its side")]
    EndOfStream,
    /// The server stops, and the client has all its answers.
    #[error("the server stops")]
    Stopped,
    /// The client sent something that is not a frame.
    #[error(transparent)]
    Malformed(FrameError),
    /// The registry closed it.
    #[error("{}", match .0 {
        RegistryClose::BrokerExpired => "its broker sent no heartbeat in time",
        RegistryClose::MalformedFrame => "the registry cannot read a request",
    })]
    Registry(RegistryClose),
    /// The client does not read its answers: they exceed its own limit, or what is left of the limit for all clients.
    #[error("it does not read its answers: {bytes} bytes wait")]
    OutputFull {
        /// Bytes of unread answers.
        bytes: usize,
    },
    /// No quota was left for more of its incomplete requests.
    #[error("no room for more incomplete requests: it has {bytes} bytes")]
    InputFull {
        /// Bytes that the connection keeps.
        bytes: usize,
    },
    /// The client was silent for too long.
    #[error("idle for too long")]
    Idle,
    /// A frame takes too long to arrive.
    #[error("a request takes too long to arrive")]
    SlowFrame,
    /// Whatever comes before the first frame takes too long: a PROXY header or a TLS handshake.
    #[error("its PROXY header or TLS handshake takes too long")]
    SlowHandshake,
}

impl CloseReason {
    /// Whether to end the stream in order: shut down writing, read the rest of the input, close. If not, close the
    /// socket at once.
    #[must_use]
    pub const fn is_orderly(&self) -> bool {
        match self {
            Self::EndOfStream | Self::Stopped | Self::Malformed(_) | Self::Registry(_) => true,
            Self::OutputFull { .. } | Self::InputFull { .. } | Self::Idle | Self::SlowFrame | Self::SlowHandshake => {
                false
            }
        }
    }
}
