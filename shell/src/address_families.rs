//! Which addresses of a host the server uses, IPv4 or IPv6, according to two JVM properties.

use namesrv_core::config::Configuration;
use namesrv_core::key::Origin::JvmProperty;
use namesrv_core::key::{Word, boolean, word};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

namesrv_core::keys! {
    /// Which addresses of a host the server uses, and which come first.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct AddressFamilies {
        /// Whether this server uses only IPv4.
        ipv4_only: bool = boolean("java.net.preferIPv4Stack", "false").of(JvmProperty(24));
        /// Whether the IPv6 addresses of a host come first: `true`, `false`, or `system` for the order of the system.
        first: FirstFamily = word("java.net.preferIPv6Addresses", "false").of(JvmProperty(25)).in_any_case();
    }
}

/// Which addresses of a host come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstFamily {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
    /// The order of the operating system.
    System,
}

impl Word for FirstFamily {
    const NAMES: &'static [&'static str] = &["false", "true", "system"];

    fn from_name(name: &str) -> Self {
        match name {
            "true" => Self::Ipv6,
            "system" => Self::System,
            _ => Self::Ipv4,
        }
    }
}

impl AddressFamilies {
    /// Reads the configuration.
    pub(crate) fn of(configuration: &Configuration) -> Self {
        Self::read(|key| configuration.effective(key))
    }

    /// Returns the usable addresses of a host, the preferred one first.
    ///
    /// # Errors
    /// The host is unknown, or has no usable address.
    pub(crate) fn resolve(self, host: impl ToSocketAddrs) -> io::Result<Vec<SocketAddr>> {
        let mut addresses: Vec<_> = host.to_socket_addrs()?.collect();
        if self.ipv4_only {
            addresses.retain(SocketAddr::is_ipv4);
            if addresses.is_empty() {
                let reason = "the host has no IPv4 address, and java.net.preferIPv4Stack=true asks for one";
                return Err(io::Error::new(io::ErrorKind::Unsupported, reason));
            }
        }
        match self.first {
            FirstFamily::Ipv4 => addresses.sort_by_key(SocketAddr::is_ipv6),
            FirstFamily::Ipv6 => addresses.sort_by_key(SocketAddr::is_ipv4),
            FirstFamily::System => {}
        }
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    const V4: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
    const V6: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 1);

    fn families(lines: &[(&str, &str)]) -> AddressFamilies {
        let value = |key: &namesrv_core::key::Key| {
            let set = lines.iter().find(|(name, _)| *name == key.name).map(|(_, value)| *value);
            set.or(key.default).unwrap_or_default()
        };
        AddressFamilies::read(value)
    }

    #[test]
    fn the_first_address_is_of_the_family_that_is_preferred() {
        for (value, hosts, expected) in [
            ("false", [V6, V4], [V4, V6]),
            ("true", [V4, V6], [V6, V4]),
            ("system", [V6, V4], [V6, V4]),
            ("system", [V4, V6], [V4, V6]),
        ] {
            let families = families(&[("java.net.preferIPv6Addresses", value)]);
            assert_eq!(families.resolve(&hosts[..]).unwrap(), expected, "{value}");
        }
    }

    #[test]
    fn ipv4_alone_leaves_nothing_of_a_host_with_ipv6_alone() {
        let families = families(&[("java.net.preferIPv4Stack", "true"), ("java.net.preferIPv6Addresses", "true")]);
        assert_eq!(families.resolve(&[V6, V4][..]).unwrap(), [V4]);
        assert_eq!(families.resolve(V6).unwrap_err().kind(), io::ErrorKind::Unsupported);
    }
}
