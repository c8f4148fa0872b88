//! The certificate of a server that has none, for clients that verify nothing.

use super::error::TlsError;
use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::crypto::ring::sign;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use std::net::IpAddr;

/// Names that every host has for itself.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Creates an ECDSA P-256 key with its certificate for `localhost`, and for `bind_address` if that is a single address
/// or name.
///
/// As in Java, every call creates new ones (Java: `TlsHelper.buildSslContext`), but Java creates RSA 2048.
///
/// # Errors
/// No random numbers.
pub(super) fn certified_key(bind_address: &str) -> Result<CertifiedKey, TlsError> {
    let is_unspecified = bind_address.parse().is_ok_and(|address: IpAddr| address.is_unspecified());
    let own_name = (!is_unspecified && !NAMES.contains(&bind_address)).then_some(bind_address);
    // An address that cannot be a name in a certificate must not prevent the start.
    let own_name = own_name.filter(|name| CertificateParams::new([(*name).to_owned()]).is_ok());
    let names: Vec<String> = NAMES.into_iter().chain(own_name).map(str::to_owned).collect();
    make(names).map_err(TlsError::SelfSigned)
}

fn make(names: Vec<String>) -> Result<CertifiedKey, rcgen::Error> {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let mut parameters = CertificateParams::new(names)?;
    parameters.distinguished_name.push(DnType::CommonName, "localhost");
    let certificate = parameters.self_signed(&key)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = sign::any_ecdsa_type(&key).map_err(|_| rcgen::Error::CouldNotParseKeyPair)?;
    Ok(CertifiedKey::new(vec![certificate.der().clone()], key))
}
