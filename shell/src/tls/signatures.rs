//! Checks whether a peer has the private key of its certificate, whatever version the certificate has.

use super::certificate::{Certificate, public_key_parts};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::pki_types::CertificateDer;
use rustls::{CertificateError, DigitallySignedStruct, Error, PeerMisbehaved};

/// Checks the signature of a TLS 1.2 handshake.
///
/// # Errors
/// The key of the certificate did not make the signature.
pub(super) fn verify_tls12(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    let public_key = read(certificate)?.public_key();
    let (key_algorithm, key) = public_key_parts(&public_key).ok_or(CertificateError::BadEncoding)?;
    let (_, candidates) = algorithms
        .mapping
        .iter()
        .find(|(scheme, _)| *scheme == signed.scheme)
        .ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
    let mut fitting = candidates.iter().filter(|candidate| candidate.public_key_alg_id().as_ref() == key_algorithm);
    if fitting.any(|candidate| candidate.verify_signature(key, message, signed.signature()).is_ok()) {
        Ok(HandshakeSignatureValid::assertion())
    } else {
        Err(CertificateError::BadSignature.into())
    }
}

/// Checks the signature of a TLS 1.3 handshake.
///
/// # Errors
/// The key of the certificate did not make the signature.
pub(super) fn verify_tls13(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    verify_tls13_signature_with_raw_key(message, &read(certificate)?.public_key(), signed, algorithms)
}

/// Reads the certificate of a peer.
///
/// # Errors
/// The certificate is malformed.
pub(super) fn read(certificate: &CertificateDer<'_>) -> Result<Certificate, Error> {
    Certificate::read(certificate.clone().into_owned()).ok_or_else(|| CertificateError::BadEncoding.into())
}
