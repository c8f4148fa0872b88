//! Verifies certificates of clients for the server (Java: `TlsHelper.buildSslContext`,
//! `TlsHelper.parseClientAuthMode`).

use super::error::TlsError;
use super::signatures;
use super::trust::Trust;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use std::sync::Arc;

/// Asks for a certificate. With a trust file it must be trusted; without one, any certificate is accepted.
#[derive(Debug)]
pub(super) struct ClientCertificates {
    is_required: bool,
    trust: Option<(Trust, Option<Arc<dyn ClientCertVerifier>>)>,
    subjects: Vec<DistinguishedName>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertificates {
    /// The verifier for this kind of request and this trust file.
    ///
    /// # Errors
    /// The provider has no algorithms.
    pub(super) fn new(
        is_required: bool,
        trust: Option<Trust>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, TlsError> {
        let subjects = trust.as_ref().map(Trust::subjects).unwrap_or_default();
        let trust = match trust {
            Some(trust) => {
                let webpki = webpki(&trust, provider)?;
                Some((trust, webpki))
            }
            None => None,
        };
        Ok(Self { is_required, trust, subjects, algorithms: provider.signature_verification_algorithms })
    }
}

/// Returns the verifier of version 3 certificates, if the trust file has a CA.
fn webpki(trust: &Trust, provider: &Arc<CryptoProvider>) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
    if trust.roots.is_empty() {
        return Ok(None);
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::clone(&trust.roots), Arc::clone(provider));
    let verifier = builder.build().map_err(|error| Error::General(error.to_string()))?;
    Ok(Some(verifier))
}

impl ClientCertVerifier for ClientCertificates {
    fn client_auth_mandatory(&self) -> bool {
        self.is_required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.subjects
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if let Some((trust, webpki)) = &self.trust {
            trust.check(certificate, now, || match webpki {
                Some(webpki) => webpki.verify_client_cert(certificate, intermediates, now).map(drop),
                None => Err(CertificateError::UnknownIssuer.into()),
            })?;
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        signatures::verify_tls12(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        signatures::verify_tls13(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
