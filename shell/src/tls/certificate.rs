//! One certificate, of any version: its names, dates and key, and whether another certificate signed it.
//!
//! webpki reads only version 3 and shows none of this. RocketMQ's guide creates certificates of version 1.

use super::error::{FileFault, Wanted};
use super::pem_file;
use pkcs8::der::asn1::BitStringRef;
use pkcs8::der::{Decode, Encode, Reader, SliceReader};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use std::time::{SystemTime, UNIX_EPOCH};
use x509_cert::certificate::Version;
use x509_cert::ext::pkix::BasicConstraints;

/// A certificate and what is read from it.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    /// The whole certificate.
    pub(super) der: CertificateDer<'static>,
    parsed: x509_cert::Certificate,
}

/// Whether a certificate is valid at a given time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dates {
    /// Within its dates.
    Valid,
    /// Before its first date.
    NotYetValid,
    /// After its last date.
    Expired,
}

impl Certificate {
    /// Reads a certificate in DER.
    pub(super) fn read(der: CertificateDer<'static>) -> Option<Self> {
        let parsed = x509_cert::Certificate::from_der(&der).ok()?;
        Some(Self { der, parsed })
    }

    /// Reads all certificates of a PEM file, in order.
    ///
    /// # Errors
    /// The file has no certificate, or a malformed one.
    pub(super) fn read_all(contents: &[u8]) -> Result<Vec<Self>, FileFault> {
        let blocks = pem_file::blocks(contents, Wanted::Certificate)?;
        let has_other = blocks.iter().any(|block| block.tag().ends_with("PRIVATE KEY"));
        let is_certificate = |tag: &str| matches!(tag, "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE");
        let certificates: Vec<_> = blocks.into_iter().filter(|block| is_certificate(block.tag())).collect();
        if certificates.is_empty() {
            return Err(FileFault::NotThere { wanted: Wanted::Certificate, has_other });
        }
        let read = |(index, block): (usize, pem::Pem)| {
            Self::read(block.into_contents().into()).ok_or(FileFault::BadCertificate(index + 1))
        };
        certificates.into_iter().enumerate().map(read).collect()
    }

    /// Whether it is of version 1.
    pub(super) fn is_version_1(&self) -> bool {
        self.parsed.tbs_certificate().version() == Version::V1
    }

    /// Whether it may sign others. Version 1 does not say, so certificates of version 1 may.
    pub(super) fn may_be_ca(&self) -> bool {
        let constraints = self.parsed.tbs_certificate().get_extension::<BasicConstraints>();
        self.is_version_1() || matches!(constraints, Ok(Some((_, BasicConstraints { ca: true, .. }))))
    }

    /// Returns the name of its owner, in DER.
    pub(super) fn subject(&self) -> Vec<u8> {
        self.parsed.tbs_certificate().subject().to_der().unwrap_or_default()
    }

    /// Returns the name of its owner, for people.
    pub(super) fn subject_name(&self) -> String {
        self.parsed.tbs_certificate().subject().to_string()
    }

    /// Returns its public key with the algorithm, in DER.
    pub(super) fn public_key(&self) -> SubjectPublicKeyInfoDer<'static> {
        self.parsed.tbs_certificate().subject_public_key_info().to_der().unwrap_or_default().into()
    }

    /// Returns the last point in time at which it is valid.
    pub(super) fn expires(&self) -> SystemTime {
        UNIX_EPOCH + self.parsed.tbs_certificate().validity().not_after.to_unix_duration()
    }

    /// Returns the first and the last point in time at which it is valid, for people.
    pub(super) fn dates_in_words(&self) -> (String, String) {
        let validity = self.parsed.tbs_certificate().validity();
        (validity.not_before.to_date_time().to_string(), validity.not_after.to_date_time().to_string())
    }

    /// Whether it is valid at this time.
    pub(super) fn dates(&self, now: SystemTime) -> Dates {
        let begins = UNIX_EPOCH + self.parsed.tbs_certificate().validity().not_before.to_unix_duration();
        match now {
            _ if now < begins => Dates::NotYetValid,
            _ if now > self.expires() => Dates::Expired,
            _ => Dates::Valid,
        }
    }

    /// Whether it names the owner of that certificate as its issuer.
    pub(super) fn is_issued_by(&self, issuer: &Self) -> bool {
        self.parsed.tbs_certificate().issuer() == issuer.parsed.tbs_certificate().subject()
    }

    /// Whether the key of `issuer` signed it, with a strong enough algorithm.
    pub(super) fn is_signed_by(&self, issuer: &Self, algorithms: &WebPkiSupportedAlgorithms) -> bool {
        let Some((signed, algorithm, signature)) = signed_parts(&self.der) else { return false };
        let Some((key_algorithm, key)) = public_key_parts(&issuer.public_key()).map(owned) else { return false };
        let fits = |candidate: &&&dyn rustls::pki_types::SignatureVerificationAlgorithm| {
            candidate.signature_alg_id().as_ref() == algorithm
                && candidate.public_key_alg_id().as_ref() == key_algorithm
        };
        let mut fitting = algorithms.all.iter().filter(fits);
        fitting.any(|candidate| candidate.verify_signature(&key, signed, signature).is_ok())
    }
}

fn owned((algorithm, key): (&[u8], &[u8])) -> (Vec<u8>, Vec<u8>) {
    (algorithm.to_vec(), key.to_vec())
}

/// Returns the signed content, the algorithm (without its sequence header), and the signature.
fn signed_parts(certificate: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let mut reader = SliceReader::new(certificate).ok()?;
    let parts = reader.sequence(|reader| {
        let signed = reader.tlv_bytes()?;
        let algorithm = contents(reader)?;
        let signature: BitStringRef<'_> = reader.decode()?;
        Ok::<_, pkcs8::der::Error>((signed, algorithm, signature.raw_bytes()))
    });
    parts.ok()
}

/// Returns the algorithm (without its sequence header) and the bits of a `SubjectPublicKeyInfo`.
pub(super) fn public_key_parts(public_key: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut reader = SliceReader::new(public_key).ok()?;
    let parts = reader.sequence(|reader| {
        let algorithm = contents(reader)?;
        let key: BitStringRef<'_> = reader.decode()?;
        Ok::<_, pkcs8::der::Error>((algorithm, key.raw_bytes()))
    });
    parts.ok()
}

/// Returns the content of the next sequence.
fn contents<'a>(reader: &mut impl Reader<'a>) -> pkcs8::der::Result<&'a [u8]> {
    let sequence = pkcs8::der::asn1::AnyRef::decode(reader)?;
    Ok(sequence.value())
}
