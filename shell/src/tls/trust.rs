//! Trust files: the CAs and single certificates against which a peer's certificate is checked.
//!
//! As in Java, three rules go beyond webpki: a certificate that is itself in the file is trusted, even after it has
//! expired; certificates of version 1 are accepted if a CA of the file signed them directly; names do not matter.

use super::certificate::{Certificate, Dates};
use super::error::FileFault;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::{CertificateError, DistinguishedName, Error, RootCertStore};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

/// The contents of a trust file.
#[derive(Debug)]
pub(super) struct Trust {
    certificates: Vec<Certificate>,
    /// The CAs among them. A trusted certificate of a peer must not sign others.
    pub(super) roots: Arc<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Trust {
    /// Reads a trust file.
    ///
    /// # Errors
    /// The file has no usable certificate.
    pub(super) fn read(contents: &[u8], algorithms: WebPkiSupportedAlgorithms) -> Result<Self, FileFault> {
        let certificates = Certificate::read_all(contents)?;
        let mut roots = RootCertStore::empty();
        for (index, ca) in certificates.iter().enumerate().filter(|(_, certificate)| certificate.may_be_ca()) {
            roots.add(ca.der.clone()).map_err(|_| FileFault::BadCertificate(index + 1))?;
        }
        Ok(Self { certificates, roots: Arc::new(roots), algorithms })
    }

    /// Returns the owners of its certificates, which a server names when it asks for a certificate.
    pub(super) fn subjects(&self) -> Vec<DistinguishedName> {
        self.certificates.iter().map(|certificate| certificate.subject().into()).collect()
    }

    /// Decides whether to trust a peer's certificate. `by_webpki` decides for certificates of version 3.
    ///
    /// # Errors
    /// The certificate is not trusted.
    pub(super) fn check(
        &self,
        certificate: &CertificateDer<'_>,
        now: UnixTime,
        by_webpki: impl FnOnce() -> Result<(), Error>,
    ) -> Result<(), Error> {
        if self.certificates.iter().any(|trusted| trusted.der == *certificate) {
            return Ok(());
        }
        let certificate = super::signatures::read(certificate)?;
        if certificate.is_version_1() { self.check_version_1(&certificate, now) } else { by_webpki() }
    }

    fn check_version_1(&self, certificate: &Certificate, now: UnixTime) -> Result<(), Error> {
        match certificate.dates(UNIX_EPOCH + std::time::Duration::from_secs(now.as_secs())) {
            Dates::Valid => {}
            Dates::NotYetValid => return Err(CertificateError::NotValidYet.into()),
            Dates::Expired => return Err(CertificateError::Expired.into()),
        }
        let mut issuers = self
            .certificates
            .iter()
            .filter(|trusted| trusted.may_be_ca() && certificate.is_issued_by(trusted))
            .peekable();
        if issuers.peek().is_none() {
            return Err(CertificateError::UnknownIssuer.into());
        }
        if issuers.any(|issuer| certificate.is_signed_by(issuer, &self.algorithms)) {
            Ok(())
        } else {
            Err(CertificateError::BadSignature.into())
        }
    }
}
