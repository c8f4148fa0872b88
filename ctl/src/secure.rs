//! What the crate that knows certificates hands in.

use rustls::ClientConfig;
use std::path::PathBuf;
use std::sync::Arc;

/// Makes what TLS handshakes are done with. The error is one line.
pub type Secure = fn(&TlsFiles) -> Result<Arc<ClientConfig>, String>;

/// The files that a TLS connection is made with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// CAs that the server's certificate is checked against; `None` believes any.
    pub ca: Option<PathBuf>,
    /// The certificate that is shown to the server.
    pub certificate: Option<PathBuf>,
    /// Its private key.
    pub key: Option<PathBuf>,
    /// The file whose first line opens the key.
    pub key_password_file: Option<PathBuf>,
}
