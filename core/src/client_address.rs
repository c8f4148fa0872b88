//! Where a client is, even behind a proxy.

use core::fmt;
use core::net::{IpAddr, SocketAddr};

/// Where a client is. Limits, access rules, events and log lines all use this one value.
///
/// It is the address at the other end of the socket, unless that is a trusted proxy whose PROXY header names the
/// client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress {
    address: SocketAddr,
    proxy: Option<SocketAddr>,
}

impl ClientAddress {
    /// The client at the other end of a socket. Turns an IPv4 address written as IPv6 back into IPv4.
    #[must_use]
    pub const fn new(address: SocketAddr) -> Self {
        Self { address: SocketAddr::new(address.ip().to_canonical(), address.port()), proxy: None }
    }

    /// The client at `address`, whose connection comes through the trusted proxy at this address.
    #[must_use]
    pub const fn behind(self, address: SocketAddr) -> Self {
        Self { address, proxy: Some(self.address) }
    }

    /// Returns the address of the client.
    #[must_use]
    pub const fn ip(self) -> IpAddr {
        self.address.ip()
    }

    /// Returns the trusted proxy that the connection comes through, if any.
    #[must_use]
    pub const fn proxy(self) -> Option<SocketAddr> {
        self.proxy
    }

    /// Returns the address and port of the client.
    #[must_use]
    pub const fn socket_address(self) -> SocketAddr {
        self.address
    }
}

impl From<SocketAddr> for ClientAddress {
    fn from(address: SocketAddr) -> Self {
        Self::new(address)
    }
}

impl<I: Into<IpAddr>> From<(I, u16)> for ClientAddress {
    fn from(address: (I, u16)) -> Self {
        Self::new(address.into())
    }
}

/// `192.0.2.1:1111`, or behind a proxy `192.0.2.1:1111 via 198.51.100.7:40000`.
impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)?;
        self.proxy.map_or(Ok(()), |proxy| write!(f, " via {proxy}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use core::net::Ipv4Addr;

    #[test]
    fn a_client_behind_a_proxy_is_shown_with_both_addresses() {
        let proxy = ClientAddress::from((Ipv4Addr::new(198, 51, 100, 7).to_ipv6_mapped(), 40_000));
        assert_eq!(proxy.to_string(), "198.51.100.7:40000");
        let client = proxy.behind(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 1111).into());
        assert_eq!(client.to_string(), "[2001:db8::1]:1111 via 198.51.100.7:40000");
    }
}
