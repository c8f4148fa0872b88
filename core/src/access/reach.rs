//! Where this server sends its own requests. Brokers choose these addresses, so without a limit a stranger could choose
//! any address.

use crate::address_list::AddressList;
use core::net::IpAddr;

/// The IP addresses to which this server may send a request for one broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Whether the broker itself registered from such an address.
    has_local: bool,
    /// `None` means everywhere.
    within: Option<AddressList>,
}

impl Reach {
    pub(super) fn new(registered_from: Option<IpAddr>, within: Option<AddressList>) -> Self {
        Self { has_local: registered_from.is_some_and(is_local), within }
    }

    /// Whether the server may send a request to this address. Loopback and link-local addresses mean this host and its
    /// neighbours, so a broker elsewhere has no use for them.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        (self.has_local || !is_local(address)) && self.within.as_ref().is_none_or(|list| list.contains(address))
    }

    /// As [`has`](Self::has), for the host of `host:port`. A host name always passes here: the driver checks the
    /// address again once it has resolved the name.
    #[must_use]
    pub fn has_host(&self, address: &str) -> bool {
        ip_of_host(address).is_none_or(|ip| self.has(ip))
    }
}

fn is_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local() || v4.is_unspecified(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unspecified(),
    }
}

/// Returns the IP address in `host:port`, or `None` if the host is a name.
pub(super) fn ip_of_host(address: &str) -> Option<IpAddr> {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(registered_from: &str, within: Option<&str>) -> Reach {
        Reach::new(Some(registered_from.parse().unwrap()), within.map(|list| AddressList::parse(list).unwrap()))
    }

    #[test]
    fn only_local_brokers_have_local_addresses() {
        for local in
            ["127.0.0.1:1", "169.254.169.254:80", "[::1]:1", "[fe80::1]:1", "0.0.0.0:1", "[::ffff:127.0.0.1]:1"]
        {
            assert!(!reach("10.0.0.1", None).has_host(local), "{local}");
            assert!(reach("127.0.0.1", None).has_host(local) && reach("::1", None).has_host(local), "{local}");
        }
        for other in ["10.0.0.2:1", "[2001:db8::1]:1", "localhost:1", "broker-a:10911", "10.0.0.2", ""] {
            assert!(reach("10.0.0.1", None).has_host(other), "{other}");
        }
    }

    #[test]
    fn a_list_bounds_addresses_and_not_names() {
        let reach = reach("10.0.0.1", Some("10.0.0.0/24"));
        assert!(reach.has_host("10.0.0.2:1") && reach.has_host("broker-a:1"));
        assert!(!reach.has_host("10.0.1.2:1") && !reach.has_host("127.0.0.1:1"));
        assert!(!reach.has("10.0.1.2".parse().unwrap()));
    }
}
