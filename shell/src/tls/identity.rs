//! A certificate chain and its private key, which the other side sees.

use super::certificate::{Certificate, public_key_parts};
use super::error::{FileFault, TlsError};
use super::files::NamedFile;
use super::private_key::PrivateKey;
use super::settings::Password;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::sign::CertifiedKey;
use std::path::PathBuf;
use std::sync::Arc;

/// The properties of an identity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Properties {
    pub(super) certificate: &'static str,
    pub(super) key: &'static str,
    pub(super) password: &'static str,
}

/// A chain and its matching key.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) certified_key: Arc<CertifiedKey>,
    /// The chain, which begins with its owner's certificate.
    pub(super) chain: Vec<Certificate>,
    /// The file of the chain.
    pub(super) path: PathBuf,
    /// A warning about an unnecessary password.
    pub(super) warning: Option<String>,
}

impl Identity {
    /// Reads an identity.
    ///
    /// # Errors
    /// A file cannot be read or has other contents, or the key does not match the certificate.
    pub(super) fn read(
        certificate: NamedFile,
        key: NamedFile,
        password: &Password,
        properties: Properties,
    ) -> Result<Self, TlsError> {
        let (path, key_path) = (certificate.path.clone(), key.path.clone());
        let chain = certificate.map(Certificate::read_all)?;
        let PrivateKey { key, password_is_needless } =
            key.map(|contents| PrivateKey::read(contents, &password.0, properties.password))?;
        // ring derives the public key from every private key.
        let public_key = key.public_key().ok_or_else(|| rustls::Error::General("a key without public half".into()))?;
        let has_key = |certificate: &Certificate| same_key(&certificate.public_key(), &public_key);
        let file = |fault| TlsError::File { property: properties.certificate, path: path.clone(), fault };
        match chain.iter().position(has_key) {
            Some(0) => {}
            Some(index) => return Err(file(FileFault::WrongOrder(index + 1))),
            None => return Err(TlsError::Mismatch { property: properties.key, key: key_path, certificate: path }),
        }
        let is_broken = |pair: &[Certificate]| matches!(pair, [one, next] if !one.is_issued_by(next));
        if let Some(index) = chain.windows(2).position(is_broken) {
            return Err(file(FileFault::BrokenChain(index + 1)));
        }
        let certificates = chain.iter().map(|certificate| certificate.der.clone()).collect();
        let certified_key = Arc::new(CertifiedKey::new(certificates, key));
        let warning = password_is_needless.then(|| {
            format!("{}: {} is not encrypted: no password is needed", properties.password, key_path.display())
        });
        Ok(Self { certified_key, chain, path, warning })
    }
}

/// Whether two public keys are the same, with the same algorithm.
fn same_key(one: &SubjectPublicKeyInfoDer<'_>, other: &SubjectPublicKeyInfoDer<'_>) -> bool {
    public_key_parts(one).is_some_and(|parts| Some(parts) == public_key_parts(other))
}
