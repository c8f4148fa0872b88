//! Rules of access control, and signatures of requests.

use crate::request::Request;
use crate::users::{PREVIOUS_SECRET, SECRET};

/// What asks for a signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    #[default]
    Open,
    /// What administrators change.
    Changes,
    /// That, and all that is read but routes.
    ChangesAndReads,
}

/// Who signs a request: a user of [`crate::users`], or somebody who is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    /// Nobody knows it.
    Stranger,
    /// An administrator's name with another secret.
    Guesser,
    /// A user that reads.
    Reader,
    /// A broker.
    Broker,
    /// An administrator.
    Administrator,
    /// An administrator with the secret that is being replaced.
    Rotating,
}

impl Access {
    /// The lines of the configuration file that ask for it.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Open => "",
            Self::Changes => "authenticationEnabled=true\n",
            Self::ChangesAndReads => "authenticationEnabled=true\nreadsNeedSignature=true\n",
        }
    }
}

impl Signer {
    /// The request with its signature.
    pub fn sign(self, request: Request) -> Request {
        match self {
            Self::Stranger => request.signed("nobody", SECRET),
            Self::Guesser => request.signed("ops", "a guess"),
            Self::Reader => request.signed("reader", SECRET),
            Self::Broker => request.signed("broker", SECRET),
            Self::Administrator => request.signed("ops", SECRET),
            Self::Rotating => request.signed("rotating", PREVIOUS_SECRET),
        }
    }
}
