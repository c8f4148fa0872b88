//! Why a connection is closed.

use crate::output::CloseReason as RegistryClose;
use crate::wire::FrameError;

/// Why a connection is closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// The client ended its stream and has all of its answers. Also the reason of a socket that failed.
    #[error("the client has closed its side")]
    EndOfStream,
    /// The server stops, and the client has all of its answers.
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
    /// The client does not read its answers: more wait than it, or all clients together, may leave unread.
    #[error("it does not read its answers: {bytes} bytes wait")]
    OutputFull {
        /// Bytes that wait.
        bytes: usize,
    },
    /// No quota was left for more of its incomplete requests.
    #[error("no room for more incomplete requests: it has {bytes} bytes")]
    InputFull {
        /// Bytes that it keeps.
        bytes: usize,
    },
    /// The client was silent for too long.
    #[error("idle for too long")]
    Idle,
    /// One frame takes too long to arrive.
    #[error("a request takes too long to arrive")]
    SlowFrame,
    /// What comes before the first frame takes too long: a PROXY header or a TLS handshake.
    #[error("its PROXY header or TLS handshake takes too long")]
    SlowHandshake,
}

impl CloseReason {
    /// Whether to end the stream in order: shut down writing, read what is unread, close. Otherwise the socket
    /// is closed at once.
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
