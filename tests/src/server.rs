//! What a suite needs of a NameServer under test, whichever way it is run.

use crate::answer::Answer;
use std::time::Duration;

/// How a server has to be started.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Entries of its configuration file.
    pub properties: Vec<(String, String)>,
    /// Addresses of brokers that have to receive what the server sends them, as the conversation names them.
    pub listeners: Vec<String>,
}

/// What came back for one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// A whole frame.
    Answer(Vec<u8>),
    /// Nothing, and the connection is still good.
    Silent,
    /// Nothing, and the server closed the connection.
    Closed,
}

impl Reaction {
    /// The frame, decoded; `None` if there is none, or it cannot be read.
    pub fn answer(&self) -> Option<Answer> {
        match self {
            Self::Answer(frame) => Answer::decode(frame).ok(),
            Self::Silent | Self::Closed => None,
        }
    }
}

/// A running NameServer.
pub trait Server {
    /// Sends one frame over a logical connection and waits for what comes back. The connection is opened when its name
    /// is used first, and again when it was closed.
    fn exchange(&mut self, connection: &str, frame: &[u8]) -> Reaction;

    /// Sends two-way requests with different correlation numbers over a logical connection, all before the first
    /// answer.
    fn exchange_all(&mut self, connection: &str, frames: &[Vec<u8>]) -> Vec<Reaction> {
        frames.iter().map(|frame| self.exchange(connection, frame)).collect()
    }

    /// Closes a logical connection from the peer's side.
    fn disconnect(&mut self, connection: &str);

    /// Lets time pass, where time is virtual. Over sockets nothing waits: see [`Server::timeout`].
    fn pass(&mut self, _time: Duration) {}

    /// Tells it to stop.
    fn terminate(&mut self);

    /// The next frame that was sent to the broker at this address, one of [`Setup::listeners`].
    fn pushed(&mut self, _address: &str) -> Option<Vec<u8>> {
        None
    }

    /// How long the effect of a closed connection or of passed time may take to show. Questions are repeated for so
    /// long.
    fn timeout(&self) -> Duration {
        Duration::ZERO
    }

    /// A frame of the conversation with the addresses of [`Setup::listeners`] replaced by the real ones, which have as
    /// many bytes.
    fn localize(&self, frame: &[u8]) -> Vec<u8> {
        frame.to_vec()
    }

    /// Keys of GET_NAMESRV_CONFIG whose values are this server's own.
    fn own_keys(&self) -> &'static [&'static str];
}
