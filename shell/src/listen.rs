//! Listening sockets: one for each I/O thread, all on one port.

use crate::address_families::AddressFamilies;
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

/// How long to retry while the port is taken. After a server on io_uring was killed, the kernel holds its sockets for a
/// moment.
const TAKEN_MAX: Duration = Duration::from_millis(500);
const TAKEN_STEP: Duration = Duration::from_millis(10);

/// What to listen on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listen<'a> {
    /// A host name, an IPv4 or an IPv6 address.
    pub(crate) address: &'a str,
    /// The port; 0 for any.
    pub(crate) port: u16,
    /// Which addresses of a host the server uses.
    pub(crate) families: AddressFamilies,
    /// Number of sockets that share the port.
    pub(crate) sockets: usize,
    /// SO_SNDBUF of accepted connections; 0 keeps the system's default.
    pub(crate) send_bytes: usize,
    /// SO_RCVBUF of accepted connections; 0 keeps the system's default.
    pub(crate) receive_bytes: usize,
}

impl Listen<'_> {
    /// Returns the listeners, non-blocking. The kernel distributes connections among them.
    ///
    /// # Errors
    /// The address is unknown or not on this machine, or the port stays taken.
    pub(crate) fn bind(&self) -> io::Result<Vec<TcpListener>> {
        let give_up = Instant::now() + TAKEN_MAX;
        loop {
            match self.try_bind() {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < give_up => {
                    thread::sleep(TAKEN_STEP);
                }
                result => return result,
            }
        }
    }

    fn try_bind(&self) -> io::Result<Vec<TcpListener>> {
        let address = self.resolve()?;
        let first = match self.socket(address, false) {
            // A machine without IPv6 has no sockets for both families.
            Err(error) if address.ip() == Ipv6Addr::UNSPECIFIED && error.kind() != io::ErrorKind::AddrInUse => {
                self.socket(SocketAddr::from(([0; 4], self.port)), false)?
            }
            result => result?,
        };
        let address = first.local_addr()?;
        let mut listeners = vec![first];
        for _ in 1..self.sockets {
            // Sharing a port lets other servers share it too. So the first socket takes the port exclusively, which
            // fails if any other socket listens on it, and only then begins to share it.
            SockRef::from(&listeners[0]).set_reuse_port(true)?;
            listeners.push(self.socket(address, true)?);
        }
        Ok(listeners)
    }

    /// As in Java, both wildcard addresses mean all addresses of both families, unless this server uses only IPv4.
    pub(crate) fn resolve(&self) -> io::Result<SocketAddr> {
        let host = self.address.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(self.address);
        let is_any = host.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified());
        if is_any {
            let any: IpAddr =
                if self.families.ipv4_only { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
            return Ok(SocketAddr::new(any, self.port));
        }
        let found = self.families.resolve((host, self.port))?;
        Ok(*found.first().ok_or(io::ErrorKind::AddrNotAvailable)?)
    }

    /// Whether a socket with this address listens where `self` says. A socket for all IPv4 addresses also counts where
    /// all addresses are wanted.
    pub(crate) fn is_at(&self, address: SocketAddr) -> io::Result<bool> {
        let wanted = self.resolve()?;
        let (wanted_ip, ip) = (wanted.ip().to_canonical(), address.ip().to_canonical());
        let is_any = wanted_ip == Ipv6Addr::UNSPECIFIED && ip == Ipv4Addr::UNSPECIFIED;
        Ok((wanted_ip == ip || is_any) && (self.port == 0 || self.port == address.port()))
    }

    /// Prepares a socket that is already listening.
    pub(crate) fn prepare(&self, socket: &Socket) -> io::Result<()> {
        self.set_buffers(socket)?;
        socket.set_nonblocking(true)
    }

    /// Accepted connections inherit these sizes. They must be set before listening to affect the window.
    fn set_buffers(&self, socket: &Socket) -> io::Result<()> {
        if self.send_bytes > 0 {
            socket.set_send_buffer_size(self.send_bytes)?;
        }
        if self.receive_bytes > 0 {
            socket.set_recv_buffer_size(self.receive_bytes)?;
        }
        Ok(())
    }

    fn socket(&self, address: SocketAddr, share: bool) -> io::Result<TcpListener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if address.is_ipv6() {
            socket.set_only_v6(!address.ip().is_unspecified())?;
        }
        socket.set_reuse_address(true)?;
        if share {
            socket.set_reuse_port(true)?;
        }
        self.set_buffers(&socket)?;
        socket.bind(&SockAddr::from(address))?;
        socket.listen(backlog_max())?;
        socket.set_nonblocking(true)?;
        Ok(socket.into())
    }
}

/// Returns the kernel's maximum. The kernel would silently cut a larger backlog, and a smaller one has no advantage.
fn backlog_max() -> i32 {
    const USUAL: i32 = 4096;
    let text = std::fs::read_to_string("/proc/sys/net/core/somaxconn");
    text.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(USUAL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address_families::FirstFamily;
    use std::net::TcpStream;
    use std::time::{Duration, Instant};

    const BOTH: AddressFamilies = AddressFamilies { ipv4_only: false, first: FirstFamily::Ipv4 };
    const LOOPBACK: Listen<'static> =
        Listen { address: "127.0.0.1", port: 0, families: BOTH, sockets: 2, send_bytes: 0, receive_bytes: 0 };

    #[test]
    fn connections_are_spread_over_the_listeners() {
        let listeners = LOOPBACK.bind().unwrap();
        let address = listeners[0].local_addr().unwrap();
        let connections: Vec<_> = (0..64).map(|_| TcpStream::connect(address).unwrap()).collect();
        let accepted = |listener: &TcpListener| std::iter::from_fn(|| listener.accept().ok()).count();
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut counts = [0, 0];
        while counts[0] + counts[1] < connections.len() && Instant::now() < deadline {
            counts[0] += accepted(&listeners[0]);
            counts[1] += accepted(&listeners[1]);
        }
        assert!(counts[0] > 0 && counts[1] > 0 && counts[0] + counts[1] == connections.len(), "{counts:?}");
    }

    #[test]
    fn names_and_both_families_are_understood() {
        for address in ["127.0.0.1", "localhost"] {
            let listeners = Listen { address, ..LOOPBACK }.bind().unwrap();
            assert!(listeners[0].local_addr().unwrap().is_ipv4(), "{address}");
        }
        for address in ["0.0.0.0", "::", "[::]"] {
            let resolved = Listen { address, ..LOOPBACK }.resolve().unwrap();
            assert_eq!(resolved, SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)), "{address}");
        }
        for address in ["::1", "[::1]"] {
            let resolved = Listen { address, ..LOOPBACK }.resolve().unwrap();
            assert_eq!(resolved, SocketAddr::from((Ipv6Addr::LOCALHOST, 0)), "{address}");
        }
        assert!(Listen { address: "no such host", ..LOOPBACK }.bind().is_err());
    }

    #[test]
    fn a_socket_is_known_by_its_address() {
        for (address, port, families, socket, is_there) in [
            ("127.0.0.1", 0, BOTH, "127.0.0.1:5", true),
            ("127.0.0.1", 5, BOTH, "127.0.0.1:5", true),
            ("127.0.0.1", 5, BOTH, "[::ffff:127.0.0.1]:5", true),
            ("127.0.0.1", 6, BOTH, "127.0.0.1:5", false),
            ("127.0.0.1", 5, BOTH, "0.0.0.0:5", false),
            ("0.0.0.0", 5, BOTH, "[::]:5", true),
            ("0.0.0.0", 5, BOTH, "0.0.0.0:5", true),
            ("0.0.0.0", 5, BOTH, "127.0.0.1:5", false),
            ("0.0.0.0", 5, AddressFamilies { ipv4_only: true, ..BOTH }, "[::]:5", false),
        ] {
            let listen = Listen { address, port, families, ..LOOPBACK };
            assert_eq!(listen.is_at(socket.parse().unwrap()).unwrap(), is_there, "{address}:{port} and {socket}");
        }
    }

    #[test]
    fn ipv4_alone_opens_no_port_of_ipv6() {
        let families = AddressFamilies { ipv4_only: true, ..BOTH };
        for address in ["0.0.0.0", "::"] {
            let listeners = Listen { address, families, ..LOOPBACK }.bind().unwrap();
            assert_eq!(listeners[0].local_addr().unwrap().ip(), Ipv4Addr::UNSPECIFIED, "{address}");
        }
        let error = Listen { address: "::1", families, ..LOOPBACK }.bind().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    }
}
