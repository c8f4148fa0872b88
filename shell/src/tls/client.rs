//! What handshakes with brokers are done with (Java: `TlsHelper.buildSslContext`).

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

/// The properties that the certificate comes from that is shown to brokers.
const PROPERTIES: Properties = Properties {
    certificate: TlsSettings::client_certificate.key.name,
    key: TlsSettings::client_key.key.name,
    password: TlsSettings::client_password.key.name,
};

/// Makes what the settings say of `files`. In test mode no certificate is shown and any is believed.
///
/// # Errors
/// Something is missing, malformed, or does not fit together.
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

/// Makes a client's side of handshakes.
///
/// # Errors
/// The provider has none of the protocol versions.
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
    // Java sends no server name either. Each connection is for little, so there is nothing to resume.
    config.enable_sni = false;
    config.resumption = Resumption::disabled();
    Ok(config)
}
