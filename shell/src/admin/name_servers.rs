//! The lists of NameServers that clients and brokers look up over HTTP.
//!
//! Clients split one line at semicolons and accept only IP addresses. Some refuse to start if a semicolon ends the
//! line, and all reconnect when the text changes. So the answer is one sorted line, never empty, that changes at most
//! every ten seconds.

use super::error::AdminError;
use super::keys::AdminSettings;
use super::probe::{Probed, Probes};
use crate::threads;
use crate::tls::Tls;
use arc_swap::ArcSwap;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tracing::{info, warn};

/// How often names are resolved, and probed NameServers leave the lists or come back.
const PUBLISH_EVERY: Duration = Duration::from_secs(10);
/// Rounds of probes in that time.
const ROUNDS: u32 = 2;

/// The lists of addresses.
#[derive(Debug)]
pub(super) struct NameServers {
    members: Arc<Members>,
    addresses: Arc<ArcSwap<Addresses>>,
    /// `None` if probes are off.
    probes: Option<Arc<Probes>>,
}

/// One member of the common list.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) address: SocketAddr,
    /// Whether probes removed it from the lists.
    pub(super) is_left_out: bool,
    /// The result of its probes, if there were any.
    pub(super) probed: Option<Probed>,
}

/// The configured lists, with members as `HOST:PORT`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Members {
    common: Vec<String>,
    /// For clients with a unit name.
    units: BTreeMap<String, Vec<String>>,
}

/// The resolved lists.
#[derive(Debug, Default)]
struct Addresses {
    common: BTreeSet<SocketAddr>,
    units: BTreeMap<String, BTreeSet<SocketAddr>>,
    /// Addresses of this host.
    local: BTreeSet<SocketAddr>,
    /// Addresses that do not answer.
    left_out: BTreeSet<SocketAddr>,
}

/// Checks the lists without resolving names.
///
/// # Errors
/// A member is not `HOST:PORT`.
pub(super) fn check(settings: &AdminSettings) -> Result<(), AdminError> {
    Members::read(settings).map(drop)
}

impl NameServers {
    /// Reads the lists. If they contain names, or if members are to be probed, starts a thread that does so.
    ///
    /// # Errors
    /// A member is not `HOST:PORT`, or the operating system cannot start a thread.
    pub(super) fn start(settings: &AdminSettings, tls: &Arc<Tls>) -> Result<Self, AdminError> {
        let members = Arc::new(Members::read(settings)?);
        let has_names = members.all().any(|member| member.parse::<SocketAddr>().is_err());
        let addresses = if has_names { Addresses::default() } else { members.resolve(&Addresses::default()) };
        let addresses = Arc::new(ArcSwap::from_pointee(addresses));
        let probes = settings.nsaddr_probe.then(|| Arc::new(Probes::new(Arc::clone(tls))));
        if has_names || (probes.is_some() && !members.common.is_empty()) {
            let (members, addresses, probes) = (Arc::clone(&members), Arc::clone(&addresses), probes.clone());
            let failed = |source: io::Error| AdminError::Thread(source);
            let keep_up = move || keep_up(&members, &addresses, probes.as_deref());
            threads::named("nsaddr").spawn(keep_up).map_err(failed)?;
        }
        Ok(Self { members, addresses, probes })
    }

    /// Whether there is no list at all.
    pub(super) fn is_empty(&self) -> bool {
        self.members.common.is_empty()
    }

    /// Whether an address belongs to this host.
    pub(super) fn is_local(&self, address: &SocketAddr) -> bool {
        self.addresses.load().local.contains(address)
    }

    /// Returns the members of the common list.
    pub(super) fn members(&self) -> Vec<Member> {
        let addresses = self.addresses.load();
        let member = |address: &SocketAddr| Member {
            address: *address,
            is_left_out: addresses.left_out.contains(address),
            probed: self.probes.as_ref().and_then(|probes| probes.of(*address)),
        };
        addresses.common.iter().map(member).collect()
    }

    /// Returns the line for clients of a unit. Clients of an unknown unit get the common list, because they expect one.
    pub(super) fn line(&self, unit: Option<&str>, is_listed: impl Fn(&SocketAddr) -> bool) -> Option<String> {
        let addresses = self.addresses.load();
        let of_unit = unit.and_then(|unit| addresses.units.get(unit));
        let all = of_unit.unwrap_or(&addresses.common);
        let is_listed = |address: &&SocketAddr| is_listed(address) && !addresses.left_out.contains(address);
        let mut listed: Vec<_> = all.iter().filter(is_listed).map(ToString::to_string).collect();
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

    /// Returns the addresses of all members. A name that cannot be resolved now keeps its addresses in `before`: a list
    /// that is empty for a moment would make clients close their connections.
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
        // Only addresses of this host can be bound.
        let is_local = |address: &&SocketAddr| UdpSocket::bind((address.ip(), 0)).is_ok();
        let local = common.iter().chain(units.values().flatten()).filter(is_local).copied().collect();
        Addresses { common, units, local, left_out: BTreeSet::new() }
    }
}

impl Addresses {
    fn all(&self) -> BTreeSet<SocketAddr> {
        self.common.iter().chain(self.units.values().flatten()).copied().collect()
    }
}

/// Resolves and probes until the process ends.
fn keep_up(members: &Members, addresses: &ArcSwap<Addresses>, probes: Option<&Probes>) {
    loop {
        publish(members, addresses, probes);
        match probes {
            None => thread::sleep(PUBLISH_EVERY),
            Some(probes) => (0..ROUNDS).for_each(|_| {
                let began = Instant::now();
                probes.ask(&addresses.load().all());
                thread::sleep((PUBLISH_EVERY / ROUNDS).saturating_sub(began.elapsed()));
            }),
        }
    }
}

/// Publishes the current addresses of the names, without those that do not answer.
fn publish(members: &Members, addresses: &ArcSwap<Addresses>, probes: Option<&Probes>) {
    let before = addresses.load();
    let failing = probes.map(Probes::failing).unwrap_or_default();
    for (address, reason) in failing.iter().filter(|(address, _)| !before.left_out.contains(address)) {
        warn!(%address, reason, "a NameServer does not answer: /rocketmq/nsaddr leaves it out");
    }
    for address in before.left_out.iter().filter(|address| !failing.contains_key(address)) {
        info!(%address, "/rocketmq/nsaddr lists a NameServer again");
    }
    let left_out = failing.into_keys().collect();
    addresses.store(Arc::new(Addresses { left_out, ..members.resolve(&before) }));
}

/// Returns the members of a list, which semicolons separate.
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
    use super::super::probe::tests::name_server;
    use super::*;
    use std::sync::atomic::Ordering;

    fn settings(members: &str, units: &str) -> AdminSettings {
        let (nsaddr_members, nsaddr_units) = (members.to_owned(), units.to_owned());
        AdminSettings { nsaddr_members, nsaddr_units, ..AdminSettings::default() }
    }

    #[test]
    fn lists_are_sorted_lines_of_addresses() {
        let members = "10.0.0.2:9876; 10.0.0.1:9877;10.0.0.1:9876;[::1]:9876;;10.0.0.1:9876;";
        let servers =
            NameServers::start(&settings(members, "a=10.0.0.9:1, b = 10.0.0.8:1;10.0.0.7:1"), &Tls::disabled())
                .unwrap();
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
    fn members_that_do_not_answer_are_left_out_unless_all_do_not() {
        let [(one, one_serves), (other, other_serves)] = [name_server(), name_server()];
        let settings = settings(&format!("{one};{other}"), "");
        let probes = Arc::new(Probes::new(Tls::disabled()));
        let servers = NameServers { probes: Some(probes), ..NameServers::start(&settings, &Tls::disabled()).unwrap() };
        let round = || {
            let probes = servers.probes.as_deref();
            probes.unwrap().ask(&servers.addresses.load().all());
            publish(&servers.members, &servers.addresses, probes);
            servers.line(None, |_| true).unwrap()
        };
        let both = round();
        assert!(both.contains(&one.to_string()) && both.contains(&other.to_string()), "{both}");
        one_serves.store(false, Ordering::SeqCst);
        assert_eq!(round(), both, "one failure is none");
        assert_eq!(round(), other.to_string());
        let left_out: Vec<_> =
            servers.members().iter().filter(|member| member.is_left_out).map(|member| member.address).collect();
        assert_eq!(left_out, [one]);
        other_serves.store(false, Ordering::SeqCst);
        round();
        assert_eq!(round(), both, "a list is never empty");
        one_serves.store(true, Ordering::SeqCst);
        assert_eq!(round(), one.to_string());
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
