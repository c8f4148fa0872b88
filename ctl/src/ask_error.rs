//! Why a server could not be asked, in words that say what to do.

use crate::escape::escape;
use crate::timed::{advice, in_words};
use namesrv_core::wire::FrameError;
use namesrv_core::wire::code::response;
use rustls::{CertificateError, InvalidMessage, OtherError};
use std::fmt;
use std::io::{self, ErrorKind};

/// The most characters of a remark that are shown.
const REMARK_CHARACTERS_MAX: usize = 200;

/// The first bytes of an HTTP answer, read as the length of a frame.
const HTTP_LENGTH: u64 = u32::from_be_bytes(*b"HTTP") as u64 + 4;

/// Why there is no usable answer. The caller reports the address of the server.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// No server is there.
    #[error("cannot connect: {}", in_words(.0))]
    Connect(io::Error),
    /// The connection broke.
    #[error("{}", in_words(.0))]
    Stream(io::Error),
    /// The server closed the connection.
    #[error("the server closed the connection without an answer")]
    Closed {
        /// Whether the server may want TLS: it has never answered in plain text.
        may_want_tls: bool,
    },
    /// No CA of the client vouches for the server's certificate.
    #[error("the server's certificate is not trusted")]
    Untrusted,
    /// The server answered a TLS handshake with something else.
    #[error("the server does not speak TLS here")]
    NoTls,
    /// The bytes are not a frame.
    #[error("this is not a NameServer: {0}")]
    Frame(FrameError),
    /// The bytes are an HTTP answer, as the second port gives.
    #[error("this is not a NameServer: it speaks HTTP")]
    Http,
    /// The answer is too long.
    #[error("an answer of {length} bytes is more than the {max} that are read")]
    TooLong {
        /// Bytes that the server announces.
        length: u64,
        /// The most bytes that are read.
        max: usize,
    },
    /// A frame that is not a response.
    #[error("this is not a NameServer: it sends requests")]
    NoAnswer,
    /// The answer to another question.
    #[error("this is not a NameServer: it answers question {opaque}, which nobody asked")]
    Unasked {
        /// The number in the answer.
        opaque: i32,
    },
    /// The body is unreadable.
    #[error("the answer of the server is not {0}")]
    Body(&'static str),
    /// The answer reports a failure.
    #[error("{}", InWords(*.code, .remark))]
    Code {
        /// Response code.
        code: i32,
        /// The server's words about it.
        remark: String,
    },
}

/// A server that could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}", escape(.address))]
pub struct Unanswered {
    /// Its address.
    pub address: String,
    /// Why it could not be asked.
    pub error: AskError,
}

impl Unanswered {
    /// Returns the option that may help.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        self.error.advice()
    }
}

impl AskError {
    /// Whether the time limit passed.
    #[must_use]
    pub fn is_late(&self) -> bool {
        matches!(self, Self::Connect(error) | Self::Stream(error) if error.kind() == ErrorKind::TimedOut)
    }

    /// Converts the error of a broken stream.
    pub(crate) fn stream(error: io::Error, may_want_tls: bool) -> Self {
        if error.kind() == ErrorKind::UnexpectedEof {
            return Self::Closed { may_want_tls };
        }
        match error.get_ref().and_then(|error| error.downcast_ref()) {
            Some(rustls::Error::InvalidCertificate(fault)) if is_unknown(fault) => Self::Untrusted,
            Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) => Self::NoTls,
            Some(_) | None => Self::Stream(error),
        }
    }

    /// Converts the error of an unreadable frame.
    pub(crate) fn frame(error: FrameError) -> Self {
        if let FrameError::TooLong { length, .. } = error
            && length == HTTP_LENGTH
        {
            Self::Http
        } else if let FrameError::TooLong { length, max } = error {
            Self::TooLong { length, max }
        } else {
            Self::Frame(error)
        }
    }

    /// Returns the option that may help.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Connect(error) | Self::Stream(error) => advice(error),
            Self::Closed { may_want_tls: true } => Some("if it wants TLS, add --tls"),
            Self::Untrusted => Some("no certificate in --ca vouches for it"),
            Self::NoTls => Some("leave out --tls"),
            Self::Code { code: response::NO_PERMISSION, .. } => {
                Some("--tools names the file with the keys to sign with")
            }
            Self::Http => Some("--admin names the second port, -n the first"),
            Self::Closed { may_want_tls: false }
            | Self::Frame(_)
            | Self::TooLong { .. }
            | Self::NoAnswer
            | Self::Unasked { .. }
            | Self::Body(_)
            | Self::Code { .. } => None,
        }
    }

    /// Whether the server answered with this code.
    pub(crate) const fn is_code(&self, expected: i32) -> bool {
        matches!(self, Self::Code { code, .. } if *code == expected)
    }
}

/// Whether nobody vouches for a certificate. One that is a CA's own is found before its issuer is looked for.
fn is_unknown(fault: &CertificateError) -> bool {
    let is_ca = |fault: &OtherError| fault.to_string() == "CaUsedAsEndEntity";
    matches!(fault, CertificateError::UnknownIssuer) || matches!(fault, CertificateError::Other(other) if is_ca(other))
}

/// A failure that the server reports.
struct InWords<'a>(i32, &'a str);

impl fmt::Display for InWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(code, remark) = *self;
        // Java adds a line about its documentation after the first.
        let line = remark.lines().next().unwrap_or_default();
        let said: String = line.chars().take(REMARK_CHARACTERS_MAX).collect();
        // More may follow.
        let said = escape(said.trim_end_matches('.'));
        match (code, &*said) {
            (response::SYSTEM_ERROR, "disable") => {
                f.write_str("the server does not list topics: enableAllTopicList is false")
            }
            (response::SYSTEM_ERROR, "name server not ready") => f.write_str("the server is not ready"),
            (response::GO_AWAY, _) => f.write_str("the server stops"),
            (response::NO_PERMISSION, said) => {
                write!(f, "the server refuses: {said}")
            }
            (code, "") => write!(f, "the server answers with code {code}"),
            (code, said) => write!(f, "the server answers with code {code}: {said}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_that_says_what_to_do() {
        let failure = |code, remark: &str| AskError::Code { code, remark: remark.to_owned() }.to_string();
        for (code, remark, expected) in [
            (1, "disable", "the server does not list topics: enableAllTopicList is false"),
            (1500, "please go away", "the server stops"),
            (1, "", "the server answers with code 1"),
            (17, "No topic\u{1b}[1m\nSee x", "the server answers with code 17: No topic\\u{1b}[1m"),
        ] {
            assert_eq!(failure(code, remark), expected);
        }
        assert!(failure(16, "check signature failed.").ends_with("refuses: check signature failed"));
        assert_eq!(failure(9, &"é".repeat(1000)).chars().count(), "the server answers with code 9: ".len() + 200);
        let late = AskError::Connect(ErrorKind::TimedOut.into());
        assert_eq!(late.to_string(), "cannot connect: no answer in time");
        assert!(late.advice().is_some_and(|advice| advice.contains("--timeout")));
        assert!(AskError::Code { code: 16, remark: String::new() }.advice().is_some());
        assert_eq!(AskError::NoAnswer.advice(), None);
    }
}
