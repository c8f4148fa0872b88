//! What is wrong with the TLS settings and their files, in one line that says how to mend it.

/// Why TLS cannot be offered as asked for. Never shows a password or a part of a key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// The server cannot make a certificate for itself.
    #[error("cannot make a certificate for TLS: {0}")]
    SelfSigned(rcgen::Error),
    /// No random numbers, or a provider that fits no protocol version.
    #[error("TLS cannot be set up: {0}")]
    Rustls(#[from] rustls::Error),
}
