//! What first bytes are measured by: the same for all connections.

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
    /// None does: a header is a malformed frame.
    Off,
    /// They may, as in Java.
    Accept,
    /// All do: a connection without one is closed.
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

/// What TLS handshakes of clients are done with.
pub trait Handshakes: Debug + Send + Sync {
    /// Which connections are TLS. It never changes.
    fn mode(&self) -> TlsMode;

    /// Returns what a handshake that begins now is done with, or `None` if no connection is TLS.
    fn server_config(&self) -> Option<Arc<ServerConfig>>;

    /// A handshake has ended. The caller need not count it.
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

/// What the first bytes of a connection are measured by.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Whether connections begin with a PROXY header.
    pub proxy_protocol: ProxyProtocol,
    /// Proxies whose headers are believed. `None` if PROXY headers are off.
    pub trusted_proxies: Option<AddressList>,
    /// Whether connections are TLS, and what handshakes are done with.
    pub tls: Arc<dyn Handshakes>,
}

impl Policy {
    /// Whether what the PROXY header of this peer says is believed.
    pub(super) fn trusts(&self, peer: ClientAddress) -> bool {
        self.trusted_proxies.as_ref().is_some_and(|proxies| proxies.contains(peer.ip()))
    }
}
