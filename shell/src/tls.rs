//! TLS: whether the port speaks it, and the certificate and rules of new handshakes.
//!
//! Built once at start. [`Tls`] is what an I/O thread needs; bytes are not moved here.

mod error;
mod self_signed;
mod server;

pub(crate) use error::TlsError;

use arc_swap::ArcSwap;
use namesrv_core::key::Word;
use rustls::crypto::ring;
use rustls::server::NoClientAuth;
use rustls::{DEFAULT_VERSIONS, ServerConfig};
use std::sync::Arc;

/// Which connections are TLS (Java: `TlsMode`, `NettyRemotingServer.TlsModeHandler.channelRead0`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// None: a client that begins a handshake is closed.
    Disabled,
    /// Those whose client begins a handshake.
    Permissive,
    /// All: a client that begins with anything else is closed.
    Enforcing,
}

impl Word for TlsMode {
    const NAMES: &'static [&'static str] = &["disabled", "permissive", "enforcing"];

    fn from_name(name: &str) -> Self {
        match name {
            "disabled" => Self::Disabled,
            "enforcing" => Self::Enforcing,
            _ => Self::Permissive,
        }
    }
}

/// TLS as the I/O threads see it.
#[derive(Debug)]
pub struct Tls {
    mode: TlsMode,
    /// For handshakes that begin now; a reload replaces it.
    server: ArcSwap<ServerConfig>,
}

impl Tls {
    /// TLS in this mode, with a certificate of the server's own making for `address`.
    ///
    /// # Errors
    /// The certificate cannot be made.
    pub(crate) fn self_signed(mode: TlsMode, address: &str) -> Result<Self, TlsError> {
        let certified_key = self_signed::certified_key(address)?;
        let server = server::config(ring::default_provider(), DEFAULT_VERSIONS, Arc::new(NoClientAuth), certified_key)?;
        Ok(Self { mode, server: ArcSwap::from_pointee(server) })
    }

    /// Which connections are TLS. It never changes.
    #[must_use]
    pub const fn mode(&self) -> TlsMode {
        self.mode
    }

    /// What a handshake that begins now is done with. To be asked for each handshake: a reload changes it.
    #[must_use]
    pub fn server_config(&self) -> Arc<ServerConfig> {
        self.server.load_full()
    }
}
