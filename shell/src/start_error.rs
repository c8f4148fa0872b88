//! Why the server does not start.

use crate::admin::AdminError;
use crate::files::FileError;
use crate::keys::ProcessSettings;
use crate::socket_activation::ActivationError;
use crate::tls::TlsError;
use namesrv_core::access::{AccessError, UsersFileError};
use namesrv_core::address_list::AddressListError;
use namesrv_core::config::properties::PropertiesError;
use namesrv_core::config::{Configuration, ConfigurationError, Source};
use namesrv_core::kv::KvFileError;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

/// Why the server does not start: one line for the operator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum StartError {
    #[error("-c: {} {reason}: name the configuration file, or leave -c out", path.display())]
    NoConfigFile { path: PathBuf, reason: &'static str },
    #[error("--health: {0}")]
    HealthAddress(String),
    #[error("{from}: {} is not UTF-8: name another file", path.display())]
    NotUtf8 { from: &'static str, path: PathBuf },
    #[error("{}: {source}", path.display())]
    Properties { path: PathBuf, source: PropertiesError },
    #[error("{}: {source}", path.display())]
    Configuration { path: PathBuf, source: ConfigurationError },
    #[error("{}: line {line}: {source}", path.display())]
    InFile { path: PathBuf, line: usize, source: Box<StartError> },
    #[error("environment variable {variable}: {reason}")]
    Variable { variable: &'static str, reason: String },
    #[error("{key}: {}: {source}", path.display())]
    Kv { key: &'static str, path: PathBuf, source: KvFileError },
    #[error("{key}: {source}")]
    File { key: &'static str, source: FileError },
    #[error("{key}: {} is the file of {other_key} too: name another one", path.display())]
    SameFile { key: &'static str, other_key: &'static str, path: PathBuf },
    #[error("{key}: {}: there is no such file", path.display())]
    Missing { key: &'static str, path: PathBuf },
    #[error("{key}: {}: {source}", path.display())]
    Users { key: &'static str, path: PathBuf, source: UsersFileError },
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error("failed to bind to {address}:{port} (bindAddress, listenPort): {source}{}", advice(source))]
    Bind { address: String, port: u16, source: io::Error },
    #[error(transparent)]
    Activation(#[from] ActivationError),
    #[error("{}: {source}", ProcessSettings::trusted_proxies.key.name)]
    TrustedProxies { source: AddressListError },
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Admin(#[from] AdminError),
    #[error("{0}")]
    Machine(String),
    #[error("{what}: {source}")]
    System { what: &'static str, source: io::Error },
}

impl StartError {
    /// Adds the line of the configuration file that sets the bad value, if a line does.
    pub(crate) fn located(self, configuration: &Configuration) -> Self {
        let source = self.key().map(|key| configuration.source(key));
        let Some(Source::File { line }) = source else { return self };
        let path = ProcessSettings::of(configuration).config_store_path.into();
        Self::InFile { path, line, source: self.into() }
    }

    /// Returns the key whose value is bad, unless the error already names a line.
    const fn key(&self) -> Option<&'static str> {
        match self {
            Self::File { key, .. } | Self::SameFile { key, .. } | Self::Missing { key, .. } => Some(key),
            Self::Admin(
                AdminError::Address { key, .. }
                | AdminError::Label { key, .. }
                | AdminError::LabelTaken { key, .. }
                | AdminError::LabelTwice { key, .. },
            ) => Some(key),
            Self::Access(error) => Some(error.key),
            Self::TrustedProxies { .. } => Some(ProcessSettings::trusted_proxies.key.name),
            Self::NoConfigFile { .. }
            | Self::HealthAddress(_)
            | Self::NotUtf8 { .. }
            | Self::Properties { .. }
            | Self::Configuration { .. }
            | Self::InFile { .. }
            | Self::Variable { .. }
            | Self::Kv { .. }
            | Self::Users { .. }
            | Self::Bind { .. }
            | Self::Activation(_)
            | Self::Tls(_)
            | Self::Admin(AdminError::Activation(_) | AdminError::Bind { .. } | AdminError::Thread(_))
            | Self::Machine(_)
            | Self::System { .. } => None,
        }
    }
}

/// Advises what to do if the port cannot be bound.
#[expect(clippy::wildcard_enum_match_arm, reason = "the library may add kinds")]
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::AddrInUse => ": another program listens there: stop it, or choose another port",
        ErrorKind::AddrNotAvailable => {
            ": no interface of this machine has the address: choose one that `ip address` lists"
        }
        ErrorKind::PermissionDenied => ": ports below 1024 are for root: choose another one",
        _ => "",
    }
}
