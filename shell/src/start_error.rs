//! Why the server does not start.

use crate::files::FileError;
use crate::keys::ProcessSettings;
use crate::tls::TlsError;
use namesrv_core::access::AccessError;
use namesrv_core::address_list::AddressListError;
use namesrv_core::config::ConfigurationError;
use namesrv_core::config::properties::PropertiesError;
use namesrv_core::kv::KvFileError;
use std::io;
use std::path::PathBuf;

/// Why the server does not start: one line for the operator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum StartError {
    #[error("{path}: {source}")]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{path}: {source}")]
    Properties { path: PathBuf, source: PropertiesError },
    #[error("{path}: {source}")]
    Configuration { path: PathBuf, source: ConfigurationError },
    #[error("environment variable {variable}: {reason}")]
    Variable { variable: &'static str, reason: String },
    #[error("{key}: {path}: {source}")]
    Kv { key: &'static str, path: PathBuf, source: KvFileError },
    #[error("{key}: {source}")]
    File { key: &'static str, source: FileError },
    #[error("{key}: {} is the file of {other_key} too: name another one", path.display())]
    SameFile { key: &'static str, other_key: &'static str, path: PathBuf },
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error("failed to bind to {address}:{port}: {source}")]
    Bind { address: String, port: u16, source: io::Error },
    #[error("{}: {source}", ProcessSettings::trusted_proxies.key.name)]
    TrustedProxies { source: AddressListError },
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("{0}")]
    Machine(String),
    #[error("{what}: {source}")]
    System { what: &'static str, source: io::Error },
}
