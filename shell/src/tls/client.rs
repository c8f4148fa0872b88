//! The configuration for handshakes with brokers (Java: `TlsHelper.buildSslContext`).

use super::broker_certificates::BrokerCertificates;
use super::error::TlsError;
use super::files::Files;
use super::identity::{Identity, Properties};
use super::loaded::Loaded;
use super::protocols::Protocols;
use super::settings::TlsSettings;
use super::trust::Trust;
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::sign::SingleCertAndKey;
use std::sync::Arc;

/// The properties of the certificate that brokers see.
const PROPERTIES: Properties = Properties {
    certificate: TlsSettings::client_certificate.key.name,
    key: TlsSettings::client_key.key.name,
    password: TlsSettings::client_password.key.name,
};

/// Creates the configuration from the settings and `files`. In test mode the server shows no certificate and accepts
/// any.
///
/// # Errors
/// Something is missing, malformed, or inconsistent.
pub(super) fn load(settings: &TlsSettings, files: Files) -> Result<Loaded<ClientConfig>, TlsError> {
    let protocols = Protocols::of(settings)?;
    let algorithms = protocols.provider.signature_verification_algorithms;
    let is_test = settings.is_test_client();
    let trust = match files.trust.filter(|_| !is_test) {
        Some(file) => Some(file.map(|contents| Trust::read(contents, algorithms))?),
        None if settings.client_checks && !is_test => {
            let advice = "tls.client.authServer=true needs a PEM file with the CAs of the brokers";
            return Err(TlsError::NotSet { property: TlsSettings::client_trust.key.name, advice });
        }
        None => None,
    };
    let mut identity = match (files.certificate, files.key) {
        _ if is_test => None,
        (None, None) => None,
        (Some(certificate), Some(key)) => {
            Some(Identity::read(certificate, key, &settings.client_password, PROPERTIES)?)
        }
        (Some(_), None) => {
            let advice = "name a PEM file with the private key of tls.client.certPath";
            return Err(TlsError::NotSet { property: PROPERTIES.key, advice });
        }
        (None, Some(_)) => {
            let advice = "name a PEM file with the certificate of tls.client.keyPath";
            return Err(TlsError::NotSet { property: PROPERTIES.certificate, advice });
        }
    };
    let config = config(&protocols, BrokerCertificates { trust, algorithms }, identity.as_ref())?;
    let warnings = identity.as_mut().and_then(|identity| identity.warning.take());
    Ok(Loaded { config, identity, warnings: warnings.into_iter().collect() })
}

/// Creates the configuration of a client.
///
/// # Errors
/// The provider supports none of the protocol versions.
pub(super) fn config(
    protocols: &Protocols,
    certificates: BrokerCertificates,
    identity: Option<&Identity>,
) -> Result<ClientConfig, TlsError> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(&protocols.provider))
        .with_protocol_versions(&protocols.versions)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(certificates));
    let mut config = match identity {
        Some(identity) => {
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&identity.certified_key))))
        }
        None => builder.with_no_client_auth(),
    };
    // As in Java, no server name is sent. Connections are too short to resume sessions.
    config.enable_sni = false;
    config.resumption = Resumption::disabled();
    Ok(config)
}
