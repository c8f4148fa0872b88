//! What first bytes are measured by: the same for all connections.

use crate::tls::Tls;
use namesrv_core::ClientAddress;
use namesrv_core::address_list::AddressList;
use namesrv_core::key::Word;
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

/// What the first bytes of a connection are measured by.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Whether connections begin with a PROXY header.
    pub proxy_protocol: ProxyProtocol,
    /// Proxies whose word is taken for where a client is. `None` has nobody's taken.
    pub trusted_proxies: Option<AddressList>,
    /// Whether connections are TLS, and what handshakes are done with.
    pub tls: Arc<Tls>,
}

impl Policy {
    /// Whether what the PROXY header of this peer says is believed.
    pub(super) fn trusts(&self, peer: ClientAddress) -> bool {
        self.trusted_proxies.as_ref().is_some_and(|proxies| proxies.contains(peer.ip()))
    }
}
