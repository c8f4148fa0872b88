//! The rules for first bytes, the same for all connections.

use crate::tls::{HandshakeResult, Tls, TlsMode};
use namesrv_core::ClientAddress;
use namesrv_core::address_list::AddressList;
use namesrv_core::key::Word;
use rustls::ServerConfig;
use std::fmt::Debug;
use std::sync::Arc;

/// Whether connections begin with a header of the PROXY protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// No connection. A header counts as a malformed frame.
    Off,
    /// Any connection may, as in Java.
    Accept,
    /// Every connection. Others are closed.
    Require,
}

impl Word for ProxyProtocol {
    const NAMES: &'static [&'static str] = &["off", "accept", "require"];

    fn from_name(name: &str) -> Self {
        match name {
            "off" => Self::Off,
            "require" => Self::Require,
            _ => Self::Accept,
        }
    }
}

/// The configuration for clients' TLS handshakes.
pub trait Handshakes: Debug + Send + Sync {
    /// Returns which connections use TLS. This never changes.
    fn mode(&self) -> TlsMode;

    /// Returns the configuration for a handshake that begins now, or `None` if TLS is off.
    fn server_config(&self) -> Option<Arc<ServerConfig>>;

    /// Notes that a handshake ended. Implementations need not count it.
    fn note(&self, _: HandshakeResult) {}
}

impl Handshakes for Tls {
    fn mode(&self) -> TlsMode {
        Self::mode(self)
    }

    fn server_config(&self) -> Option<Arc<ServerConfig>> {
        Self::server_config(self)
    }

    fn note(&self, result: HandshakeResult) {
        self.note_handshake(result);
    }
}

/// The rules for the first bytes of a connection.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Whether connections begin with a PROXY header.
    pub proxy_protocol: ProxyProtocol,
    /// Proxies whose headers are trusted. `None` if PROXY headers are off.
    pub trusted_proxies: Option<AddressList>,
    /// Whether connections use TLS, and the configuration for handshakes.
    pub tls: Arc<dyn Handshakes>,
}

impl Policy {
    /// Whether this peer's PROXY header is trusted.
    pub(super) fn trusts(&self, peer: ClientAddress) -> bool {
        self.trusted_proxies.as_ref().is_some_and(|proxies| proxies.contains(peer.ip()))
    }
}
