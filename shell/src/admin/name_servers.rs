//! The lists of NameServers that clients and brokers look for over HTTP.
//!
//! Clients split one line at semicolons and take nothing but IP addresses; some refuse to start over a semicolon at the
//! end, and all connect anew when the text is another one. So there is one line, sorted, never empty.

use super::error::AdminError;
use super::keys::AdminSettings;
use crate::threads;
use arc_swap::ArcSwap;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// How often names are resolved.
const RESOLVE_EVERY: Duration = Duration::from_secs(10);

/// The lists of addresses.
#[derive(Debug)]
pub(super) struct NameServers {
    members: Arc<Members>,
    addresses: Arc<ArcSwap<Addresses>>,
}

/// What the configuration names: the members of a list as `HOST:PORT`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Members {
    common: Vec<String>,
    /// Of clients with a unit name.
    units: BTreeMap<String, Vec<String>>,
}

/// What that comes to.
#[derive(Debug, Default)]
struct Addresses {
    common: BTreeSet<SocketAddr>,
    units: BTreeMap<String, BTreeSet<SocketAddr>>,
    /// Those of this host.
    local: BTreeSet<SocketAddr>,
}

/// Checks the lists without resolving names.
///
/// # Errors
/// A member is no `HOST:PORT`.
pub(super) fn check(settings: &AdminSettings) -> Result<(), AdminError> {
    Members::read(settings).map(drop)
}

impl NameServers {
    /// Reads the lists. If there are names among them, a thread resolves them from now on.
    ///
    /// # Errors
    /// A member is no `HOST:PORT`, or the operating system gives no thread.
    pub(super) fn start(settings: &AdminSettings) -> Result<Self, AdminError> {
        let members = Arc::new(Members::read(settings)?);
        let has_names = members.all().any(|member| member.parse::<SocketAddr>().is_err());
        let addresses = if has_names { Addresses::default() } else { members.resolve(&Addresses::default()) };
        let addresses = Arc::new(ArcSwap::from_pointee(addresses));
        if has_names {
            let (members, addresses) = (Arc::clone(&members), Arc::clone(&addresses));
            let failed = |source: io::Error| AdminError::Thread(source);
            threads::named("nsaddr").spawn(move || resolve_for_ever(&members, &addresses)).map_err(failed)?;
        }
        Ok(Self { members, addresses })
    }

    /// Whether there is a list at all.
    pub(super) fn is_empty(&self) -> bool {
        self.members.common.is_empty()
    }

    /// Whether an address is one of this host.
    pub(super) fn is_local(&self, address: &SocketAddr) -> bool {
        self.addresses.load().local.contains(address)
    }

    /// The line for clients of a unit; those of an unknown one get the common list, as they expect some.
    pub(super) fn line(&self, unit: Option<&str>, is_listed: impl Fn(&SocketAddr) -> bool) -> Option<String> {
        let addresses = self.addresses.load();
        let of_unit = unit.and_then(|unit| addresses.units.get(unit));
        let all = of_unit.unwrap_or(&addresses.common);
        let mut listed: Vec<_> = all.iter().filter(|address| is_listed(address)).map(ToString::to_string).collect();
        if listed.is_empty() {
            listed = all.iter().map(ToString::to_string).collect();
        }
        (!listed.is_empty()).then(|| listed.join(";"))
    }
}

impl Members {
    fn read(settings: &AdminSettings) -> Result<Self, AdminError> {
        let common = list(AdminSettings::nsaddr_members.key.name, &settings.nsaddr_members)?;
        let key = AdminSettings::nsaddr_units.key.name;
        let mut units = BTreeMap::new();
        for unit in settings.nsaddr_units.split(',').map(str::trim).filter(|unit| !unit.is_empty()) {
            let bad = || AdminError::Address { key, value: unit.to_owned() };
            let (name, members) = unit.split_once('=').ok_or_else(bad)?;
            let members = list(key, members)?;
            if name.trim().is_empty() || members.is_empty() {
                return Err(bad());
            }
            units.insert(name.trim().to_owned(), members);
        }
        Ok(Self { common, units })
    }

    fn all(&self) -> impl Iterator<Item = &String> {
        self.common.iter().chain(self.units.values().flatten())
    }

    /// The addresses of all members. A name that cannot be resolved now keeps those that it had `before`: a list that
    /// is empty for a moment would make clients close their connections.
    fn resolve(&self, before: &Addresses) -> Addresses {
        let resolve = |members: &[String], before: Option<&BTreeSet<SocketAddr>>| {
            let resolved: Option<Vec<Vec<SocketAddr>>> =
                members.iter().map(|member| Some(member.to_socket_addrs().ok()?.collect())).collect();
            let fresh = resolved.map(|addresses| addresses.into_iter().flatten().collect());
            fresh.or_else(|| before.cloned()).unwrap_or_default()
        };
        let common = resolve(&self.common, Some(&before.common));
        let units: BTreeMap<_, _> =
            self.units.iter().map(|(unit, members)| (unit.clone(), resolve(members, before.units.get(unit)))).collect();
        // Only an address of this host can be bound.
        let is_local = |address: &&SocketAddr| UdpSocket::bind((address.ip(), 0)).is_ok();
        let local = common.iter().chain(units.values().flatten()).filter(is_local).copied().collect();
        Addresses { common, units, local }
    }
}

fn resolve_for_ever(members: &Members, addresses: &ArcSwap<Addresses>) {
    loop {
        addresses.store(Arc::new(members.resolve(&addresses.load())));
        thread::sleep(RESOLVE_EVERY);
    }
}

/// The members of a list, separated by semicolons.
fn list(key: &'static str, value: &str) -> Result<Vec<String>, AdminError> {
    let members = value.split(';').map(str::trim).filter(|member| !member.is_empty());
    members
        .map(|member| {
            let parts = member.rsplit_once(':').filter(|(host, port)| {
                let is_bracketed = host.starts_with('[') && host.ends_with(']');
                !host.is_empty() && (is_bracketed || !host.contains(':')) && port.parse::<u16>().is_ok()
            });
            parts.map(|_| member.to_owned()).ok_or_else(|| AdminError::Address { key, value: member.to_owned() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(members: &str, units: &str) -> AdminSettings {
        let (nsaddr_members, nsaddr_units) = (members.to_owned(), units.to_owned());
        AdminSettings { nsaddr_members, nsaddr_units, ..AdminSettings::default() }
    }

    #[test]
    fn lists_are_sorted_lines_of_addresses() {
        let members = "10.0.0.2:9876; 10.0.0.1:9877;10.0.0.1:9876;[::1]:9876;;10.0.0.1:9876;";
        let servers = NameServers::start(&settings(members, "a=10.0.0.9:1, b = 10.0.0.8:1;10.0.0.7:1")).unwrap();
        let common = "10.0.0.1:9876;10.0.0.1:9877;10.0.0.2:9876;[::1]:9876";
        let line = |unit| servers.line(unit, |_| true).unwrap();
        assert_eq!(line(None), common);
        assert_eq!(line(Some("unknown")), common);
        assert_eq!(line(Some("a")), "10.0.0.9:1");
        assert_eq!(line(Some("b")), "10.0.0.7:1;10.0.0.8:1");
        let without_first = |address: &SocketAddr| address.port() != 9877;
        assert_eq!(servers.line(None, without_first).unwrap(), "10.0.0.1:9876;10.0.0.2:9876;[::1]:9876");
        assert_eq!(servers.line(Some("a"), |_| false).unwrap(), "10.0.0.9:1", "a list is never empty");
    }

    #[test]
    fn a_name_that_cannot_be_resolved_any_more_keeps_its_addresses() {
        let members = Members::read(&settings("no such host:9876;10.0.0.1:9876", "")).unwrap();
        assert!(members.resolve(&Addresses::default()).common.is_empty());
        let known: BTreeSet<SocketAddr> = ["10.0.0.7:9876".parse().unwrap()].into();
        let before = Addresses { common: known.clone(), ..Addresses::default() };
        assert_eq!(members.resolve(&before).common, known);
    }

    #[test]
    fn addresses_of_this_host_are_known() {
        let members = Members::read(&settings("127.0.0.1:9876;192.0.2.1:9876", "")).unwrap();
        assert_eq!(members.resolve(&Addresses::default()).local, ["127.0.0.1:9876".parse().unwrap()].into());
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for (members, units) in [
            ("10.0.0.1", ""),
            ("::1:9876", ""),
            (":9876", ""),
            ("a:70000", ""),
            ("", "a"),
            ("", "a="),
            ("", "=a:1"),
            ("", "a=b"),
        ] {
            assert!(Members::read(&settings(members, units)).is_err(), "{members} {units}");
        }
    }
}
