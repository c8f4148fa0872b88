//! The interface to the crate that reads certificates.

use rustls::ClientConfig;
use std::path::PathBuf;
use std::sync::Arc;

/// Creates the configuration for TLS handshakes. The error is one line.
pub type Secure = fn(&TlsFiles) -> Result<Arc<ClientConfig>, String>;

/// The files for a TLS connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// CAs that verify the server's certificate; `None` accepts any certificate.
    pub ca: Option<PathBuf>,
    /// The certificate that the server sees.
    pub certificate: Option<PathBuf>,
    /// Its private key.
    pub key: Option<PathBuf>,
    /// The file whose first line is the password of the key.
    pub key_password_file: Option<PathBuf>,
}
