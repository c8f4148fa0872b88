//! TLS versions and cipher suites: the supported ones, and those that the operator wants.

use super::error::TlsError;
use super::settings::TlsSettings;
use rustls::crypto::ring::cipher_suite as suite;
use rustls::crypto::{CryptoProvider, ring};
use rustls::version::{TLS12, TLS13};
use rustls::{SignatureAlgorithm, SupportedCipherSuite, SupportedProtocolVersion};
use std::sync::Arc;

/// Versions, by their names in the JDK.
const VERSIONS: [(&str, &SupportedProtocolVersion); 2] = [("TLSv1.3", &TLS13), ("TLSv1.2", &TLS12)];

/// Suites in the server's order of preference, which is Java's, with their names in the JDK and in OpenSSL.
#[rustfmt::skip]
const SUITES: [(&str, &str, SupportedCipherSuite); 9] = [
    ("TLS_AES_128_GCM_SHA256", "", suite::TLS13_AES_128_GCM_SHA256),
    ("TLS_AES_256_GCM_SHA384", "", suite::TLS13_AES_256_GCM_SHA384),
    ("TLS_CHACHA20_POLY1305_SHA256", "", suite::TLS13_CHACHA20_POLY1305_SHA256),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384", suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256", suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305", suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256", suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384", suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305", suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
];

/// Returns OpenSSL's name of a suite.
#[cfg(test)]
pub(super) fn openssl_name(suite: SupportedCipherSuite) -> Option<&'static str> {
    let (jdk, openssl, _) = SUITES.iter().find(|(.., own)| *own == suite)?;
    Some(if openssl.is_empty() { jdk } else { openssl })
}

/// What handshakes offer.
#[derive(Debug)]
pub(super) struct Protocols {
    pub(super) provider: Arc<CryptoProvider>,
    pub(super) versions: Vec<&'static SupportedProtocolVersion>,
    /// Warnings about unknown names.
    pub(super) warnings: Vec<String>,
}

impl Protocols {
    /// Returns what the settings allow. As in the JDK, a version without a suite is off.
    ///
    /// # Errors
    /// Nothing is left.
    pub(super) fn of(settings: &TlsSettings) -> Result<Self, TlsError> {
        let mut warnings = Vec::new();
        let version = |name: &str| VERSIONS.iter().find(|(own, _)| *own == name).map(|(_, version)| *version);
        let property = TlsSettings::protocols.key.name;
        let mut versions = match named(property, &settings.protocols, version, &mut warnings)? {
            Some(versions) => versions,
            None => VERSIONS.iter().map(|(_, version)| *version).collect(),
        };
        let suite = |name: &str| {
            SUITES.iter().find(|(jdk, openssl, _)| *jdk == name || *openssl == name).map(|(_, _, suite)| *suite)
        };
        let property = TlsSettings::ciphers.key.name;
        let mut cipher_suites = match named(property, &settings.ciphers, suite, &mut warnings)? {
            Some(suites) => suites,
            None => SUITES.iter().map(|(_, _, suite)| *suite).collect(),
        };
        cipher_suites.retain(|suite| versions.contains(&suite.version()));
        versions.retain(|version| cipher_suites.iter().any(|suite| suite.version() == *version));
        if versions.is_empty() {
            let reason = format!("no suite is for {} in tls.protocols", settings.protocols);
            return Err(TlsError::Nothing { property, reason });
        }
        let provider = Arc::new(CryptoProvider { cipher_suites, ..ring::default_provider() });
        Ok(Self { provider, versions, warnings })
    }

    /// Checks whether handshakes with this kind of key are possible.
    ///
    /// # Errors
    /// No handshake is possible.
    pub(super) fn check_key(&self, algorithm: SignatureAlgorithm) -> Result<(), TlsError> {
        if self.provider.cipher_suites.iter().any(|suite| suite.usable_for_signature_algorithm(algorithm)) {
            return Ok(());
        }
        let reason = format!("no suite works with the server's key, which is {algorithm:?}");
        Err(TlsError::Nothing { property: TlsSettings::ciphers.key.name, reason })
    }
}

/// Returns what a comma-separated list names, or `None` if it is empty.
fn named<T>(
    property: &'static str,
    list: &str,
    find: impl Fn(&str) -> Option<T>,
    warnings: &mut Vec<String>,
) -> Result<Option<Vec<T>>, TlsError> {
    let names: Vec<_> = list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    if names.is_empty() {
        return Ok(None);
    }
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    for name in names {
        match find(name) {
            Some(item) => found.push(item),
            None => unknown.push(name),
        }
    }
    if found.is_empty() {
        let reason = format!("`{list}` names nothing that this server has: {}", offered(property));
        return Err(TlsError::Nothing { property, reason });
    }
    if !unknown.is_empty() {
        warnings.push(format!("{property}: left out, because this server has no such thing: {}", unknown.join(", ")));
    }
    Ok(Some(found))
}

/// Returns the names that a property accepts.
fn offered(property: &str) -> String {
    let names: Vec<_> = if property == TlsSettings::protocols.key.name {
        VERSIONS.iter().map(|(name, _)| *name).collect()
    } else {
        SUITES.iter().map(|(name, _, _)| *name).collect()
    };
    names.join(", ")
}
