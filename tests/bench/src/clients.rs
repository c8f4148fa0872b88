//! Clients that speak TLS, all with the same cipher, so that every server does the same work for them.

use anyhow::{Result, ensure};
use namesrv_tests::tls::AnyServer;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{cipher_suite, default_provider, kx_group};
use rustls::pki_types::ServerName;
use rustls::version::TLS13;
use rustls::{ClientConfig, ClientConnection, HandshakeKind};
use std::sync::Arc;

/// Sessions that are kept; each client resumes its own last one.
const SESSIONS_KEPT: usize = 4096;

/// How sessions begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// With a key exchange and a signature of the server.
    Full,
    /// With the ticket of an earlier session, and a key exchange. The first one of each client is full.
    Resumed,
}

impl Handshake {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Full, Self::Resumed];

    /// For people, and in names of samples.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Resumed => "resumed",
        }
    }

    /// Looks whether a handshake was what it was meant to be.
    ///
    /// # Errors
    /// It was not.
    pub fn check(self, kind: Option<HandshakeKind>) -> Result<()> {
        let expected = match self {
            Self::Full => HandshakeKind::Full,
            Self::Resumed => HandshakeKind::Resumed,
        };
        ensure!(kind == Some(expected), "a handshake that was to be {}: {kind:?}", self.name());
        Ok(())
    }
}

/// What clients of one server have in common. They speak TLS 1.3 with AES-128-GCM and X25519, which Java chooses, and
/// accept every certificate, as Java's clients do by default.
#[derive(Clone, Debug)]
pub struct Clients {
    config: Arc<ClientConfig>,
}

impl Clients {
    /// Clients that begin sessions in this way.
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
    /// There are no random numbers.
    pub fn session(&self, number: usize) -> Result<ClientConnection> {
        // Sessions are kept by name; the server is not told.
        let name = ServerName::try_from(format!("client-{number}"))?;
        let mut session = ClientConnection::new(Arc::clone(&self.config), name)?;
        session.set_buffer_limit(None);
        Ok(session)
    }
}
