//! Socket activation: the process starts with listening sockets, as systemd starts a service that has a socket unit.
//! While no server runs, clients that connect wait in the queue of such a socket, and the next server answers them.

use crate::listen::Listen;
use sd_notify::listen_fds_with_names_and_unset_env;
use socket2::{Protocol, SockRef, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{FromRawFd, OwnedFd};

/// The name of the socket that clients and brokers connect to.
const REMOTING: &str = "remoting";
/// The name of the socket of the second port.
const ADMIN: &str = "admin";

/// The sockets with which the process was started.
#[derive(Debug, Default)]
pub(crate) struct PassedSockets {
    /// The socket for clients and brokers.
    pub(crate) remoting: Option<PassedSocket>,
    /// The socket of the second port.
    pub(crate) admin: Option<PassedSocket>,
}

/// A TCP socket that is already listening.
#[derive(Debug)]
pub(crate) struct PassedSocket {
    name: &'static str,
    socket: TcpListener,
}

/// Why a passed socket cannot be used: one line for the operator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ActivationError {
    #[error("LISTEN_FDS: {0}: start the server through its socket unit, or unset LISTEN_FDS")]
    Variables(io::Error),
    #[error(
        "LISTEN_FDNAMES: this server has no socket `{}`: write FileDescriptorName={REMOTING} or ={ADMIN}",
        .0.escape_debug()
    )]
    UnknownName(String),
    #[error("LISTEN_FDNAMES: there is more than one socket `{0}`: write one ListenStream= for each name")]
    Twice(&'static str),
    #[error("LISTEN_FDS: the socket `{0}` is not a listening TCP socket: write ListenStream=ADDRESS:PORT, Accept=no")]
    NotListening(&'static str),
    #[error("LISTEN_FDS: the socket `{name}` listens on {passed}, not on {configured} ({keys}): make both the same")]
    Elsewhere { name: &'static str, passed: SocketAddr, keys: &'static str, configured: String },
    #[error("LISTEN_FDS: there is a socket `{ADMIN}`, but adminListen is not set: set it to the address of the socket")]
    NoUse,
    #[error("LISTEN_FDS: the socket `{name}` cannot be used: {source}")]
    Socket { name: &'static str, source: io::Error },
}

impl PassedSockets {
    /// Takes the sockets, once. Child processes get neither the sockets nor the variables that announce them. Call it
    /// before this process has another thread.
    ///
    /// # Errors
    /// The variables are wrong, or this server cannot use a socket.
    pub(crate) fn take() -> Result<Self, ActivationError> {
        // SAFETY: no other thread that could read the environment runs yet.
        #[allow(unsafe_code, reason = "the environment is changed while there is one thread")]
        let passed = unsafe { listen_fds_with_names_and_unset_env() }.map_err(ActivationError::Variables)?;
        Self::of(passed.map(|(descriptor, name)| {
            // SAFETY: the descriptor is open, and the parent process left it to this code alone.
            #[allow(unsafe_code, reason = "descriptors are passed as numbers")]
            let socket = unsafe { OwnedFd::from_raw_fd(descriptor) };
            (socket, name)
        }))
    }

    fn of(passed: impl Iterator<Item = (OwnedFd, String)>) -> Result<Self, ActivationError> {
        let mut sockets = Self::default();
        for (socket, name) in passed {
            let (name, place) = match &*name {
                REMOTING => (REMOTING, &mut sockets.remoting),
                ADMIN => (ADMIN, &mut sockets.admin),
                _ => return Err(ActivationError::UnknownName(name)),
            };
            if place.is_some() {
                return Err(ActivationError::Twice(name));
            }
            // A descriptor that is not a socket has no such options.
            if !listens(&SockRef::from(&socket)).unwrap_or(false) {
                return Err(ActivationError::NotListening(name));
            }
            *place = Some(PassedSocket { name, socket: socket.into() });
        }
        Ok(sockets)
    }
}

impl PassedSocket {
    /// Returns the listeners for `listen`, all on this socket and non-blocking. `keys` are the keys that name the
    /// address.
    ///
    /// # Errors
    /// The socket listens on another address.
    pub(crate) fn listeners(
        self,
        listen: &Listen<'_>,
        keys: &'static str,
    ) -> Result<Vec<TcpListener>, ActivationError> {
        let Self { name, socket } = self;
        let failed = |source| ActivationError::Socket { name, source };
        let passed = socket.local_addr().map_err(failed)?;
        if !listen.is_at(passed).map_err(failed)? {
            let configured = format!("{}:{}", listen.address, listen.port);
            return Err(ActivationError::Elsewhere { name, passed, keys, configured });
        }
        listen.prepare(&SockRef::from(&socket)).map_err(failed)?;
        (0..listen.sockets).map(|_| socket.try_clone()).collect::<io::Result<_>>().map_err(failed)
    }
}

fn listens(socket: &SockRef<'_>) -> io::Result<bool> {
    Ok(socket.r#type()? == Type::STREAM && socket.protocol()? == Some(Protocol::TCP) && socket.is_listener()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address_families::AddressFamilies;
    use std::fs::File;
    use std::net::{TcpStream, UdpSocket};
    use std::os::unix::net::UnixListener;

    fn listener() -> TcpListener {
        TcpListener::bind("127.0.0.1:0").unwrap()
    }

    fn passed(sockets: Vec<(OwnedFd, &str)>) -> Result<PassedSockets, String> {
        PassedSockets::of(sockets.into_iter().map(|(socket, name)| (socket, name.to_owned())))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn what_cannot_be_used_is_refused_in_one_line() {
        let stream = TcpStream::connect(listener().local_addr().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let unix = UnixListener::bind(folder.path().join("socket")).unwrap();
        let no_listeners: [OwnedFd; 4] = [
            UdpSocket::bind("127.0.0.1:0").unwrap().into(),
            unix.into(),
            stream.unwrap().into(),
            File::open("/dev/null").unwrap().into(),
        ];
        for socket in no_listeners {
            let line = passed(vec![(socket, "remoting")]).unwrap_err();
            assert!(line.starts_with("LISTEN_FDS: the socket `remoting` is not a listening TCP socket: "), "{line}");
        }
        let line = passed(vec![(listener().into(), "na\u{7}me.socket")]).unwrap_err();
        assert!(line.starts_with("LISTEN_FDNAMES: this server has no socket `na\\u{7}me.socket`: "), "{line}");
        let line = passed(vec![(listener().into(), "admin"), (listener().into(), "admin")]).unwrap_err();
        assert!(line.starts_with("LISTEN_FDNAMES: there is more than one socket `admin`: "), "{line}");
    }

    #[test]
    fn a_socket_serves_all_threads_at_the_configured_address_alone() {
        let (families, socket) = (AddressFamilies::default(), listener());
        let address = socket.local_addr().unwrap();
        let here = Listen { address: "127.0.0.1", port: 0, families, sockets: 3, send_bytes: 0, receive_bytes: 0 };
        let pass = |socket: TcpListener| PassedSocket { name: REMOTING, socket };
        let listeners = pass(socket.try_clone().unwrap()).listeners(&here, "listenPort").unwrap();
        assert_eq!(listeners.len(), 3);
        assert!(listeners.iter().all(|listener| listener.local_addr().unwrap() == address));
        let would_block = listeners[0].accept().unwrap_err();
        assert_eq!(would_block.kind(), io::ErrorKind::WouldBlock);
    }
}
