//! The certificate of a server that is given none: clients that verify nothing can use it.

use super::error::TlsError;
use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::crypto::ring::sign;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use std::net::IpAddr;

/// Names that every host has for itself.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// An ECDSA P-256 key and its certificate for `localhost`, and for `bind_address` if that is one address or name.
///
/// New at each call, as in Java (Java: `TlsHelper.buildSslContext`), where it is RSA 2048.
///
/// # Errors
/// No random numbers.
pub(super) fn certified_key(bind_address: &str) -> Result<CertifiedKey, TlsError> {
    let is_unspecified = bind_address.parse().is_ok_and(|address: IpAddr| address.is_unspecified());
    let own_name = (!is_unspecified && !NAMES.contains(&bind_address)).then_some(bind_address);
    // An address to listen on that is no name of the certificate world is no reason not to start.
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
