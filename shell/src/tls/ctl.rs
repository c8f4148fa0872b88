//! The configuration for handshakes of the command-line client, from the files that its options name.

use super::broker_certificates::BrokerCertificates;
use super::client::config;
use super::error::TlsError;
use super::files::NamedFile;
use super::identity::{Identity, Properties};
use super::protocols::Protocols;
use super::settings::{Password, TlsSettings};
use super::trust::Trust;
use namesrv_ctl::TlsFiles;
use rustls::ClientConfig;
use std::path::Path;
use std::sync::Arc;

/// The options of the certificate that servers see.
const OPTIONS: Properties = Properties { certificate: "--cert", key: "--key", password: "--key-password-file" };

/// Creates the configuration from these files. With a file of CAs, the server's certificate must be trusted, whatever
/// its name; without one, any certificate is accepted. RocketMQ's own clients do the same.
///
/// # Errors
/// In one line: something is missing, malformed, or inconsistent.
pub(crate) fn client_config(files: &TlsFiles) -> Result<Arc<ClientConfig>, String> {
    load(files).map(Arc::new).map_err(|error| error.to_string())
}

/// Creates the configuration of a client that shows no certificate and accepts any.
///
/// # Errors
/// The library supports none of the protocol versions.
pub(crate) fn trusting_config() -> Result<Arc<ClientConfig>, TlsError> {
    load(&TlsFiles::default()).map(Arc::new)
}

fn load(files: &TlsFiles) -> Result<ClientConfig, TlsError> {
    let protocols = Protocols::of(&TlsSettings::default())?;
    let algorithms = protocols.provider.signature_verification_algorithms;
    let trust = files.ca.as_ref().map(|path| NamedFile::read("--ca", path).map(|text| Trust::read(text, algorithms)));
    let identity = match (&files.certificate, &files.key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => {
            let password = files.key_password_file.as_ref().map(|path| password(path)).transpose()?;
            let certificate = NamedFile::read(OPTIONS.certificate, certificate);
            let key = NamedFile::read(OPTIONS.key, key);
            Some(Identity::read(certificate, key, &password.unwrap_or_default(), OPTIONS)?)
        }
        (Some(_), None) => {
            return Err(TlsError::NotSet { property: OPTIONS.key, advice: "name the private key of --cert" });
        }
        (None, Some(_)) => {
            return Err(TlsError::NotSet { property: OPTIONS.certificate, advice: "name the certificate of --key" });
        }
    };
    config(&protocols, BrokerCertificates { trust: trust.transpose()?, algorithms }, identity.as_ref())
}

/// Returns the first line of a file.
fn password(path: &Path) -> Result<Password, TlsError> {
    NamedFile::read(OPTIONS.password, path).map(|contents| {
        let text = String::from_utf8_lossy(contents);
        Ok(Password(text.lines().next().unwrap_or_default().to_owned()))
    })
}
