//! TLS clients. All use the same cipher, so that every server does the same work.

use anyhow::{Result, ensure};
use namesrv_tests::tls::AnyServer;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{cipher_suite, default_provider, kx_group};
use rustls::pki_types::ServerName;
use rustls::version::TLS13;
use rustls::{ClientConfig, ClientConnection, HandshakeKind};
use std::sync::Arc;

/// Number of sessions that are kept; each client resumes its own last session.
const SESSIONS_KEPT: usize = 4096;

/// How a client begins its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// With a key exchange and a signature of the server.
    Full,
    /// With the ticket of an earlier session, and a key exchange. The first one of each client is full.
    Resumed,
}

impl Handshake {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::Full, Self::Resumed];

    /// Returns the name that reports and samples use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Resumed => "resumed",
        }
    }

    /// Checks that a handshake was of this kind.
    ///
    /// # Errors
    /// The handshake was of another kind.
    pub fn check(self, kind: Option<HandshakeKind>) -> Result<()> {
        let expected = match self {
            Self::Full => HandshakeKind::Full,
            Self::Resumed => HandshakeKind::Resumed,
        };
        ensure!(kind == Some(expected), "a handshake was {kind:?} instead of {}", self.name());
        Ok(())
    }
}

/// What all clients of one server share. They speak TLS 1.3 with AES-128-GCM and X25519, which Java chooses, and
/// accept every certificate, as Java's clients do by default.
#[derive(Clone, Debug)]
pub struct Clients {
    config: Arc<ClientConfig>,
}

impl Clients {
    /// Makes clients that begin their sessions in this way.
    pub fn new(handshake: Handshake) -> Result<Self> {
        let provider = CryptoProvider {
            cipher_suites: vec![cipher_suite::TLS13_AES_128_GCM_SHA256],
            kx_groups: vec![kx_group::X25519],
            ..default_provider()
        };
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyServer))
            .with_no_client_auth();
        config.enable_sni = false;
        config.resumption = match handshake {
            Handshake::Full => Resumption::disabled(),
            Handshake::Resumed => Resumption::in_memory_sessions(SESSIONS_KEPT),
        };
        Ok(Self { config: Arc::new(config) })
    }

    /// Begins a session of the client with this number.
    ///
    /// # Errors
    /// The operating system has no random numbers.
    pub fn session(&self, number: usize) -> Result<ClientConnection> {
        // Sessions are kept by server name, which the client does not send.
        let name = ServerName::try_from(format!("client-{number}"))?;
        let mut session = ClientConnection::new(Arc::clone(&self.config), name)?;
        session.set_buffer_limit(None);
        Ok(session)
    }
}
