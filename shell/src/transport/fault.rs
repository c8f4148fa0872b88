//! Why a transport closes a connection, in words.

#![expect(clippy::wildcard_enum_match_arm, reason = "rustls has many errors, and most need no words of their own")]

use namesrv_core::wire::ProxyError;
use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};
use std::borrow::Cow;

/// What can go wrong below a connection.
#[derive(Debug, thiserror::Error)]
pub enum TransportError<E> {
    /// The stream of the socket failed.
    #[error("the stream failed")]
    Stream(E),
    /// The client caused the fault, or must be refused.
    #[error(transparent)]
    Fault(Fault),
}

/// Why a connection is closed before its bytes reach it.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// An unreadable PROXY header.
    #[error("malformed PROXY header: {0}")]
    Proxy(#[from] ProxyError),
    /// No PROXY header, although every connection needs one.
    #[error("it begins without a PROXY header, which proxyProtocol requires")]
    NoProxyHeader,
    /// Plain text, although every connection must use TLS.
    #[error("it speaks plain text, and tls.server.mode is enforcing")]
    PlainText,
    /// A TLS handshake, although TLS is off.
    #[error("it begins a TLS handshake, and tls.server.mode is disabled")]
    TlsIsDisabled,
    /// A handshake failed.
    #[error("TLS handshake failed: {}", words(.0))]
    Handshake(Error),
    /// The client left during the handshake.
    #[error("TLS handshake failed: the client closed the connection")]
    HandshakeEnded,
    /// The handshake takes too many bytes.
    #[error("TLS handshake failed: it is longer than {0} bytes")]
    HandshakeTooLong(usize),
    /// An unreadable record after the handshake.
    #[error("TLS failed: {}", words(.0))]
    Tls(Error),
    /// No quota is left for the connection's incomplete input.
    #[error("no room for more incomplete input: it has {bytes} bytes")]
    InputFull {
        /// Bytes that the connection keeps.
        bytes: usize,
    },
}

impl<E> From<Fault> for TransportError<E> {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Explains an error of rustls to an operator, without repeating what a peer sent.
fn words(error: &Error) -> Cow<'static, str> {
    match error {
        Error::AlertReceived(alert) => alert_words(*alert),
        Error::NoCertificatesPresented => "the client has no certificate".into(),
        Error::InvalidCertificate(error) => certificate_words(error).into(),
        Error::PeerIncompatible(reason) => incompatible_words(reason),
        Error::InvalidMessage(_) => "the client does not speak TLS".into(),
        Error::DecryptError => "a record of the client cannot be decrypted".into(),
        Error::PeerSentOversizedRecord => "a record of the client is too long".into(),
        Error::PeerMisbehaved(what) => format!("the client breaks the protocol ({what:?})").into(),
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            "the client sent a message out of turn".into()
        }
        other => other.to_string().into(),
    }
}

fn alert_words(alert: AlertDescription) -> Cow<'static, str> {
    let refusal = match alert {
        AlertDescription::UnknownCA => "does not know the CA of this server's certificate",
        AlertDescription::CertificateExpired => "says that this server's certificate has expired",
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown => "does not accept this server's certificate",
        AlertDescription::ProtocolVersion => "wants another version of TLS",
        _ => "ended it",
    };
    format!("the client {refusal} (alert {alert:?})").into()
}

fn certificate_words(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::UnknownIssuer => "the client's certificate is of an unknown CA",
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "the client's certificate has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the client's certificate is not valid yet"
        }
        CertificateError::Revoked => "the client's certificate is revoked",
        CertificateError::BadSignature => "the client's certificate, or its proof of the key, has a wrong signature",
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "the client's certificate is not one for clients"
        }
        CertificateError::BadEncoding => "the client's certificate is malformed",
        _ => "the client's certificate is not accepted",
    }
}

fn incompatible_words(reason: &PeerIncompatible) -> Cow<'static, str> {
    match reason {
        PeerIncompatible::NoCipherSuitesInCommon => "the client has none of the cipher suites of this server".into(),
        PeerIncompatible::NoKxGroupsInCommon | PeerIncompatible::NamedGroupsExtensionRequired => {
            "the client has none of the key exchange groups of this server".into()
        }
        PeerIncompatible::NoSignatureSchemesInCommon => {
            "the client has none of the signature schemes of this server".into()
        }
        PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled
        | PeerIncompatible::Tls13RequiredForQuic
        | PeerIncompatible::SupportedVersionsExtensionRequired => {
            "the client has none of the TLS versions of this server".into()
        }
        other => format!("the client and this server have too little in common ({other:?})").into(),
    }
}
