//! The addresses of the second port, and the pages that each of them shows.

use super::error::AdminError;
use super::keys::{AdminSettings, MetricsExporter};
use crate::address_families::AddressFamilies;
use crate::listen::Listen;
use crate::socket_activation::{ActivationError, PassedSocket};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};

/// What clients of an address may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Everything.
    Everything,
    /// Metrics and health.
    Metrics,
    /// The addresses of NameServers only.
    NameServers,
}

impl Scope {
    /// Whether an address with this scope shows pages of that scope.
    pub(super) const fn shows(self, page: Self) -> bool {
        match self {
            Self::Everything => true,
            Self::Metrics => matches!(page, Self::Metrics),
            Self::NameServers => matches!(page, Self::NameServers),
        }
    }
}

/// One address.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) socket: TcpListener,
    pub(super) address: SocketAddr,
    pub(super) scope: Scope,
}

/// Binds the configured addresses. The `passed` socket, if any, serves as the address that shows everything.
///
/// # Errors
/// A value is not an address, the port is taken, or the socket is for none of the addresses.
pub(super) fn bind(
    settings: &AdminSettings,
    families: AddressFamilies,
    passed: Option<PassedSocket>,
) -> Result<Vec<Listener>, AdminError> {
    if passed.is_some() && settings.admin_listen.is_empty() {
        return Err(ActivationError::NoUse.into());
    }
    let mut passed = passed;
    let mut listeners: Vec<Listener> = Vec::new();
    for (key, host, port, scope) in wanted(settings)? {
        let listen = Listen { address: &host, port, families, sockets: 1, send_bytes: 0, receive_bytes: 0 };
        let is_same =
            |listener: &Listener| listener.scope.shows(scope) && listen.is_at(listener.address).unwrap_or(false);
        if port != 0 && listeners.iter().any(is_same) {
            // One listener can show the pages of both. The first shows most.
            continue;
        }
        let failed = |source| AdminError::Bind { key, address: format!("{host}:{port}"), source };
        let mut sockets = match passed.take_if(|_| scope == Scope::Everything) {
            Some(socket) => socket.listeners(&listen, key)?,
            None => listen.bind().map_err(failed)?,
        };
        let socket = sockets.pop().ok_or(io::ErrorKind::NotFound.into()).map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        listeners.push(Listener { socket, address, scope });
    }
    Ok(listeners)
}

/// Checks the addresses without binding them.
///
/// # Errors
/// A value is not an address, or not a label.
pub(super) fn check(settings: &AdminSettings) -> Result<(), AdminError> {
    wanted(settings).map(drop)
}

/// Returns the addresses with their keys, those that show most first.
fn wanted(settings: &AdminSettings) -> Result<Vec<(&'static str, String, u16, Scope)>, AdminError> {
    settings.check_labels()?;
    let mut wanted = Vec::new();
    if !settings.admin_listen.is_empty() {
        let key = AdminSettings::admin_listen.key.name;
        let (host, port) = host_and_port(key, &settings.admin_listen)?;
        wanted.push((key, host, port, Scope::Everything));
    }
    if settings.metrics_exporter == MetricsExporter::Prometheus {
        let host = if settings.metrics_host.is_empty() { "0.0.0.0" } else { &settings.metrics_host };
        wanted.push((AdminSettings::metrics_port.key.name, host.to_owned(), settings.metrics_port, Scope::Metrics));
    }
    if !settings.nsaddr_listen.is_empty() {
        let key = AdminSettings::nsaddr_listen.key.name;
        let (host, port) = host_and_port(key, &settings.nsaddr_listen)?;
        wanted.push((key, host, port, Scope::NameServers));
    }
    Ok(wanted)
}

fn host_and_port(key: &'static str, value: &str) -> Result<(String, u16), AdminError> {
    let parts = value.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let is_host = |host: &str| !host.is_empty() && (host.starts_with('[') || !host.contains(':'));
    match parts.filter(|(host, _)| is_host(host)) {
        Some((host, port)) => Ok((host.to_owned(), port)),
        None => Err(AdminError::Address { key, value: value.to_owned() }),
    }
}

impl Listener {
    /// Whether to answer a request with this `Host`. A web page can give its own host name the address of this machine,
    /// and would then read what only this machine may see. But it cannot send another name than its own.
    pub(super) fn serves(&self, host: Option<&str>, names: &str) -> bool {
        let Some(host) = host.filter(|_| self.address.ip().to_canonical().is_loopback()) else { return true };
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
            Some(_) | None => host,
        };
        let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        let mut allowed = names.split(',').map(str::trim).chain(["localhost"]);
        bare.parse::<IpAddr>().is_ok()
            || host.parse::<IpAddr>().is_ok()
            || allowed.any(|name| name.eq_ignore_ascii_case(bare))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let read = |value| host_and_port("adminListen", value).ok();
        assert_eq!(read("127.0.0.1:5557"), Some(("127.0.0.1".to_owned(), 5557)));
        assert_eq!(read("[::1]:0"), Some(("[::1]".to_owned(), 0)));
        assert_eq!(read("ns.example:80"), Some(("ns.example".to_owned(), 80)));
        for bad in ["5557", ":5557", "::1", "::1:80", "a:b", "a:65536", "a:"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_address_that_is_asked_for_twice_is_bound_once_and_shows_everything() {
        let settings = AdminSettings {
            admin_listen: "127.0.0.1:0".to_owned(),
            metrics_exporter: MetricsExporter::Prometheus,
            metrics_host: "127.0.0.1".to_owned(),
            metrics_port: 0,
            ..AdminSettings::default()
        };
        let both = bind(&settings, AddressFamilies::default(), None).unwrap();
        assert_eq!(both.iter().map(|listener| listener.scope).collect::<Vec<_>>(), [Scope::Everything, Scope::Metrics]);
        let port = both[0].address.port();
        drop(both);
        let settings = AdminSettings { admin_listen: format!("127.0.0.1:{port}"), metrics_port: port, ..settings };
        let one = bind(&settings, AddressFamilies::default(), None).unwrap();
        assert_eq!(one.iter().map(|listener| listener.scope).collect::<Vec<_>>(), [Scope::Everything]);
        assert!(
            matches!(
                bind(&settings, AddressFamilies::default(), None),
                Err(AdminError::Bind { key: "adminListen", .. })
            ),
            "it is taken"
        );
    }

    #[test]
    fn a_loopback_listener_answers_to_no_foreign_name() {
        let listener = |address: &str| Listener {
            socket: TcpListener::bind(address).unwrap(),
            address: address.parse().unwrap(),
            scope: Scope::Everything,
        };
        let local = listener("127.0.0.1:0");
        for host in ["127.0.0.1", "127.0.0.1:5557", "localhost", "LocalHost:5557", "[::1]:5557", "[::1]", "ns:1", "::1"]
        {
            assert!(local.serves(Some(host), "a, ns"), "{host}");
        }
        for host in
            ["evil.example", "evil.example:5557", "127.0.0.1.evil.example", "localhost.evil.example", "", "[ns]x"]
        {
            assert!(!local.serves(Some(host), "a, ns"), "{host}");
        }
        assert!(local.serves(None, ""), "HTTP/1.0 has no hosts, and browsers do not speak it");
        assert!(listener("0.0.0.0:0").serves(Some("ns.example"), ""));
    }
}
