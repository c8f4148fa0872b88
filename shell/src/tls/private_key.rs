//! Private keys in every common form: PKCS#8, PKCS#1 and SEC1, plain or encrypted.
//!
//! Encrypted keys are PKCS#8 with PBES2 (as OpenSSL writes them today) or with the password-based encryption of PKCS#12
//! (as RocketMQ's guide creates them). Weaker and older kinds are refused by name.

use super::error::{FileFault, Wanted};
use super::pem_file;
use super::pkcs12::Scheme;
use pem::Pem;
use pkcs8::der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use pkcs8::der::{Decode, Reader, SliceReader};
use pkcs8::pkcs5::pbes2::{Kdf, Parameters};
use rustls::crypto::ring::sign;
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::SigningKey;
use std::sync::Arc;

/// PBES2, from PKCS#5.
const PBES2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.13");

/// Older encryptions, which the server refuses.
#[rustfmt::skip]
const REFUSED: [(ObjectIdentifier, &str); 8] = [
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.1"), "PBE-MD2-DES"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.3"), "PBE-MD5-DES"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.4"), "PBE-MD2-RC2-64"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.6"), "PBE-MD5-RC2-64"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.10"), "PBE-SHA1-DES"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.11"), "PBE-SHA1-RC2-64"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.5"), "PBE-SHA1-RC2-128"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.6"), "PBE-SHA1-RC2-40"),
];

/// The most memory in bytes that decrypting a key may take.
const SCRYPT_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// A private key, and whether it could be read without the given password.
#[derive(Debug)]
pub(super) struct PrivateKey {
    pub(super) key: Arc<dyn SigningKey>,
    pub(super) password_is_needless: bool,
}

impl PrivateKey {
    /// Reads the first private key of a file. `password_property` names the property with `password`; an empty password
    /// means none.
    ///
    /// # Errors
    /// There is no key, the password does not decrypt it, or TLS cannot use it.
    pub(super) fn read(contents: &[u8], password: &str, password_property: &'static str) -> Result<Self, FileFault> {
        let blocks = pem_file::blocks(contents, Wanted::Key)?;
        let has_other = blocks.iter().any(|block| block.tag() == "CERTIFICATE");
        let block = blocks.into_iter().find(|block| block.tag().ends_with("PRIVATE KEY"));
        let block = block.ok_or(FileFault::NotThere { wanted: Wanted::Key, has_other })?;
        if block.headers().get("Proc-Type").is_some() {
            return Err(FileFault::Encryption { name: "the old form of OpenSSL".into(), is_legacy: false });
        }
        let is_encrypted = block.tag() == "ENCRYPTED PRIVATE KEY";
        let der = if is_encrypted {
            if password.is_empty() {
                return Err(FileFault::NoPassword(password_property));
            }
            PrivateKeyDer::Pkcs8(decrypt(block.contents(), password, password_property)?.into())
        } else {
            plain(block)?
        };
        let key = sign::any_supported_type(&der).map_err(|_| FileFault::UnusableKey)?;
        Ok(Self { key, password_is_needless: !is_encrypted && !password.is_empty() })
    }
}

/// Returns the DER of an unencrypted key.
fn plain(block: Pem) -> Result<PrivateKeyDer<'static>, FileFault> {
    match block.tag() {
        "PRIVATE KEY" => Ok(PrivateKeyDer::Pkcs8(block.into_contents().into())),
        "RSA PRIVATE KEY" => Ok(PrivateKeyDer::Pkcs1(block.into_contents().into())),
        "EC PRIVATE KEY" => Ok(PrivateKeyDer::Sec1(block.into_contents().into())),
        _ => Err(FileFault::UnusableKey),
    }
}

/// Decrypts an `EncryptedPrivateKeyInfo` to a `PrivateKeyInfo`. A wrong password shows in the padding or in the
/// decrypted bytes.
fn decrypt(der: &[u8], password: &str, property: &'static str) -> Result<Vec<u8>, FileFault> {
    let (algorithm, parameters, encrypted) = split(der).map_err(|_| FileFault::BrokenPem)?;
    let scheme = Scheme::from_identifier(algorithm);
    let decrypted = if algorithm == PBES2 {
        let parameters = Parameters::try_from(parameters).map_err(|_| FileFault::Encryption {
            name: "a cipher of PBES2 other than AES and 3DES".into(),
            is_legacy: false,
        })?;
        refuse_too_much_work(&parameters)?;
        parameters.decrypt(password, encrypted).ok()
    } else if let Some(scheme) = scheme {
        scheme.decrypt(parameters, password, encrypted)
    } else {
        return Err(refused(algorithm));
    };
    // Stream ciphers have no padding, so only the result shows a wrong password.
    let is_key = |bytes: &Vec<u8>| pkcs8::PrivateKeyInfoRef::from_der(bytes).is_ok();
    let is_legacy = matches!(scheme, Some(Scheme::Rc4With128Bits | Scheme::Rc4With40Bits));
    decrypted.filter(is_key).ok_or(FileFault::WrongPassword { property, is_legacy })
}

fn split(der: &[u8]) -> pkcs8::der::Result<(ObjectIdentifier, AnyRef<'_>, &[u8])> {
    let mut reader = SliceReader::new(der)?;
    reader.sequence(|reader| {
        let (algorithm, parameters) =
            reader.sequence(|reader| Ok::<_, pkcs8::der::Error>((reader.decode()?, reader.decode()?)))?;
        let encrypted: &OctetStringRef = reader.decode()?;
        Ok((algorithm, parameters, encrypted.as_bytes()))
    })
}

fn refused(algorithm: ObjectIdentifier) -> FileFault {
    match REFUSED.iter().find(|(identifier, _)| *identifier == algorithm) {
        Some((_, name)) => FileFault::Encryption { name: (*name).into(), is_legacy: true },
        None => FileFault::Encryption { name: format!("the algorithm {algorithm}").into(), is_legacy: false },
    }
}

/// Refuses keys that need too much memory: a reload of such a key must not stop a running server.
fn refuse_too_much_work(parameters: &Parameters) -> Result<(), FileFault> {
    let Kdf::Scrypt(scrypt) = &parameters.kdf else { return Ok(()) };
    let bytes = u64::from(scrypt.block_size).saturating_mul(128).saturating_mul(scrypt.cost_parameter);
    if bytes > SCRYPT_BYTES_MAX {
        return Err(FileFault::Encryption { name: "scrypt with more than 1 GiB of memory".into(), is_legacy: false });
    }
    Ok(())
}
