//! What handshakes of clients are done with.

use super::error::TlsError;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::ServerSessionMemoryCache;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, SupportedProtocolVersion};
use std::sync::Arc;

/// TLS 1.2 sessions that are kept for clients that know no tickets.
const SESSIONS_KEPT: usize = 256;

/// The configuration of new handshakes, with keys of its own for session tickets: no session outlives the
/// configuration that it began with, so whoever lost their trust cannot come back by resumption.
///
/// # Errors
/// No random numbers.
pub(super) fn config(
    provider: CryptoProvider,
    versions: &[&'static SupportedProtocolVersion],
    client_certificates: Arc<dyn ClientCertVerifier>,
    certified_key: CertifiedKey,
) -> Result<ServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(versions)?
        .with_client_cert_verifier(client_certificates)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified_key)));
    // The server's preference decides, as in Java.
    config.ignore_client_order = true;
    config.ticketer = ring::Ticketer::new()?;
    config.session_storage = ServerSessionMemoryCache::new(SESSIONS_KEPT);
    // As many as Java sends.
    config.send_tls13_tickets = 1;
    Ok(config)
}
