//! Lists of addresses and networks.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;
use ipnet::{IpNet, Ipv4Net};

/// Bits of an IPv6 prefix before an embedded IPv4 address.
const MAPPED_BITS: u8 = 96;

/// A list of IPv4 and IPv6 addresses and networks. Cloning it copies a pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressList(Arc<[IpNet]>);

/// Why a text is not an address list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressListError {
    /// An entry is neither an address nor a network.
    #[error("`{0}` is neither an IP address nor a network such as 10.1.0.0/16")]
    NotAnAddress(String),
    /// An address has bits set behind the length of its network, which is most likely a typing error.
    #[error("`{entry}` has bits behind its prefix: the network is {network}")]
    BitsBehindPrefix {
        /// The entry.
        entry: String,
        /// The network that contains the address.
        network: String,
    },
}

impl AddressList {
    /// Reads entries separated by commas. Ignores white space around an entry.
    ///
    /// # Errors
    /// The first entry that is not an address or a network.
    pub fn parse(text: &str) -> Result<Self, AddressListError> {
        Self::of(text.split(',').map(str::trim))
    }

    /// As [`parse`](Self::parse), but returns `None` for an empty text, which means no list at all.
    ///
    /// # Errors
    /// The first entry that is not an address or a network.
    pub fn parse_if_set(text: &str) -> Result<Option<Self>, AddressListError> {
        if text.trim().is_empty() { Ok(None) } else { Self::parse(text).map(Some) }
    }

    /// Reads a list from its entries.
    ///
    /// # Errors
    /// The first entry that is not an address or a network.
    pub fn of<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, AddressListError> {
        entries.into_iter().map(network).collect::<Result<Vec<_>, _>>().map(|networks| Self(networks.into()))
    }

    /// Whether the list has this address. An IPv4 address mapped to IPv6 counts as the IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Returns the entries in the form in which they are shown.
    #[must_use]
    pub fn entries(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

fn network(entry: &str) -> Result<IpNet, AddressListError> {
    let network = match entry.parse::<IpAddr>() {
        Ok(address) => Ok(IpNet::from(address)),
        Err(_) => entry.parse::<IpNet>(),
    };
    let network = network.map_err(|_| AddressListError::NotAnAddress(entry.into()))?;
    if network != network.trunc() {
        return Err(AddressListError::BitsBehindPrefix { entry: entry.into(), network: network.trunc().to_string() });
    }
    Ok(unmapped(network))
}

/// Turns a network of mapped IPv4 addresses into the network of the IPv4 addresses.
fn unmapped(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else { return network };
    let v4 = v6.prefix_len().checked_sub(MAPPED_BITS).zip(v6.addr().to_ipv4_mapped());
    v4.and_then(|(length, address)| Ipv4Net::new(address, length).ok()).map_or(network, IpNet::V4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(list: &str, address: &str) -> bool {
        AddressList::parse(list).unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn lists_have_addresses_and_networks_of_both_kinds() {
        let list = "10.1.0.0/16, 192.168.1.5,2001:db8::/32 , ::1";
        for inside in ["10.1.0.0", "10.1.255.255", "192.168.1.5", "2001:db8::5", "::1", "::ffff:10.1.2.3"] {
            assert!(contains(list, inside), "{inside}");
        }
        for outside in ["10.2.0.0", "192.168.1.6", "2001:db9::5", "::2", "::ffff:10.2.2.3", "127.0.0.1", "::10.1.2.3"] {
            assert!(!contains(list, outside), "{outside}");
        }
        assert!(contains("0.0.0.0/0", "1.2.3.4") && !contains("0.0.0.0/0", "::1"));
        assert!(contains("::/0", "2001:db8::5") && !contains("::/0", "1.2.3.4"));
    }

    #[test]
    fn mapped_networks_are_networks_of_ipv4() {
        assert!(contains("::ffff:10.0.0.0/104", "10.9.9.9"));
        assert!(contains("::ffff:10.0.0.1", "10.0.0.1"));
        assert!(!contains("::ffff:10.0.0.1", "10.0.0.2"));
    }

    #[test]
    fn other_texts_are_refused_with_the_entry() {
        for (text, entry) in [
            ("", ""),
            ("10.0.0.1,", ""),
            ("10.0.0.1,,10.0.0.2", ""),
            ("localhost", "localhost"),
            ("10.0.0.0/33", "10.0.0.0/33"),
            ("10.0.0", "10.0.0"),
            ("10.0.0.1:80", "10.0.0.1:80"),
            ("10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2"),
            ("*", "*"),
        ] {
            assert_eq!(AddressList::parse(text), Err(AddressListError::NotAnAddress(entry.into())), "{text}");
        }
        let error = AddressList::parse("10.0.0.5/8").unwrap_err().to_string();
        assert_eq!(error, "`10.0.0.5/8` has bits behind its prefix: the network is 10.0.0.0/8");
        assert!(AddressList::parse("2001:db8::1/32").is_err());
    }
}
