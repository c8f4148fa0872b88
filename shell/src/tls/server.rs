//! The configuration for handshakes with clients.

use super::client_certificates::ClientCertificates;
use super::error::TlsError;
use super::files::Files;
use super::identity::{Identity, Properties};
use super::loaded::Loaded;
use super::protocols::Protocols;
use super::self_signed;
use super::settings::{ClientAuth, TlsMode, TlsSettings};
use super::trust::Trust;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoClientAuth, ServerSessionMemoryCache};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use std::sync::Arc;

/// The most TLS 1.2 sessions that are kept for clients without support for tickets.
const SESSIONS_KEPT: usize = 256;

/// The properties of the server's certificate.
const PROPERTIES: Properties = Properties {
    certificate: TlsSettings::server_certificate.key.name,
    key: TlsSettings::server_key.key.name,
    password: TlsSettings::server_password.key.name,
};

/// Creates the configuration from the settings and `files`, or in test mode with a new certificate for `bind_address`.
///
/// # Errors
/// Something is missing, malformed, or inconsistent.
pub(super) fn load(settings: &TlsSettings, files: Files, bind_address: &str) -> Result<Loaded<ServerConfig>, TlsError> {
    let protocols = Protocols::of(settings)?;
    if settings.is_test_server() {
        let certified_key = self_signed::certified_key(bind_address)?;
        let warnings = [protocols.warnings.clone(), test_mode_warnings(settings)].concat();
        let config = config(&protocols, Arc::new(NoClientAuth), Arc::new(certified_key))?;
        return Ok(Loaded { config, identity: None, warnings });
    }
    let missing = |property, advice| TlsError::NotSet { property, advice };
    let certificate = files.certificate.ok_or(missing(
        PROPERTIES.certificate,
        "name a PEM file with the server's certificate, or set tls.test.mode.enable=true",
    ))?;
    let key = files.key.ok_or(missing(PROPERTIES.key, "name a PEM file with the private key of the certificate"))?;
    let mut identity = Identity::read(certificate, key, &settings.server_password, PROPERTIES)?;
    protocols.check_key(identity.certified_key.key.algorithm())?;
    let trust = match (settings.server_checks, files.trust) {
        (false, _) => None,
        (true, Some(file)) => {
            Some(file.map(|contents| Trust::read(contents, protocols.provider.signature_verification_algorithms))?)
        }
        (true, None) => {
            let advice = "tls.server.authClient=true needs a PEM file with the CAs of the clients";
            return Err(missing(TlsSettings::server_trust.key.name, advice));
        }
    };
    let mut warnings = protocols.warnings.clone();
    warnings.extend(identity.warning.take());
    let client_certificates: Arc<dyn ClientCertVerifier> = match settings.client_auth {
        ClientAuth::None => {
            warnings.extend(settings.server_checks.then(|| {
                "tls.server.authClient=true does nothing without tls.server.need.client.auth: clients are asked for no \
                 certificate"
                    .to_owned()
            }));
            Arc::new(NoClientAuth)
        }
        asks @ (ClientAuth::Optional | ClientAuth::Require) => {
            Arc::new(ClientCertificates::new(asks == ClientAuth::Require, trust, &protocols.provider)?)
        }
    };
    let config = config(&protocols, client_certificates, Arc::clone(&identity.certified_key))?;
    Ok(Loaded { config, identity: Some(identity), warnings })
}

fn test_mode_warnings(settings: &TlsSettings) -> Vec<String> {
    let mut warnings = Vec::new();
    if settings.asks_of_server() {
        warnings.push(
            "tls.test.mode.enable=true: the server makes a certificate for itself and asks for none, whatever the other \
             keys of TLS say"
                .to_owned(),
        );
    }
    if settings.mode == TlsMode::Enforcing {
        warnings.push(
            "tls.server.mode=enforcing with a certificate that the server makes for itself: no client can verify this \
             server: set tls.server.certPath and tls.server.keyPath"
                .to_owned(),
        );
    }
    warnings
}

/// Returns the configuration of new handshakes, with its own keys for session tickets. No session outlives the
/// configuration that it began with, so a client that is no longer trusted cannot return by resumption.
fn config(
    protocols: &Protocols,
    client_certificates: Arc<dyn ClientCertVerifier>,
    certified_key: Arc<CertifiedKey>,
) -> Result<ServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_provider(Arc::clone(&protocols.provider))
        .with_protocol_versions(&protocols.versions)?
        .with_client_cert_verifier(client_certificates)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified_key)));
    // The server's preference decides, as in Java.
    config.ignore_client_order = true;
    config.ticketer = ring::Ticketer::new()?;
    config.session_storage = ServerSessionMemoryCache::new(SESSIONS_KEPT);
    // Java sends as many.
    config.send_tls13_tickets = 1;
    Ok(config)
}
