//! Sockets that a server is started with, as systemd starts a service that has a socket unit.

use super::Target;
use super::peer::{Peer, broker, route};
use crate::admin_port::{ADMIN, address, get};
use crate::process::Folder;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;

/// Clients that connect while no server runs are answered by the next one: before the first start, and between any two.
pub(super) fn clients_wait_for_the_next_server(target: &Target) {
    let (socket, address) = listener();
    let mut early = waiting(address);
    let folder = Folder::new(&[("ioThreads", "3")]).with_sockets(vec![("remoting", socket)]);
    let mut server = folder.start(target.binary());
    assert_eq!(server.address(), address);
    assert_eq!(early.answer().code, 17);
    let _broker = Peer::register(&server, &broker("broker-a", 0, &["T"]));
    let clients: Vec<_> = (0..64).map(|_| waiting(address)).collect();
    clients.into_iter().for_each(|mut client| assert!(client.answer().text().contains("broker-a")));
    for _ in 0..8 {
        server.terminate();
        assert!(server.wait().success());
        let between: Vec<_> = (0..8).map(|_| waiting(address)).collect();
        server = server.restart(target.binary());
        assert_eq!(server.address(), address);
        let is_known = |mut client: Peer| client.answer().text().contains("broker-a");
        assert!(between.into_iter().all(is_known), "the routes that were saved");
    }
}

/// The socket of the second port is told from the other by its name, whatever their order is.
pub(super) fn the_second_port_can_be_passed(target: &Target) {
    let ((admin, admin_address), (remoting, remoting_address)) = (listener(), listener());
    let folder = Folder::new(&[ADMIN]).with_sockets(vec![("admin", admin), ("remoting", remoting)]);
    let server = folder.start(target.binary());
    assert_eq!((address(&server), server.address()), (admin_address, remoting_address));
    assert_eq!(get(admin_address, "/livez").status, 200);
}

/// A socket that is not what the configuration asks for stops the start in one line, and so do variables that say what
/// is not so.
pub(super) fn sockets_that_stop_the_start(target: &Target) {
    let refused = |folder: Folder, words: &str| {
        let refusal = folder.refusal(target.binary());
        let line = refusal.stderr.lines().last().unwrap_or_default();
        assert!(refusal.code == Some(255) && line.contains(words), "{words}: {}", refusal.stderr);
    };
    let folder = |sockets| Folder::new(&[("logLevel", "warn")]).with_sockets(sockets);
    let socket = || listener().0;

    let (here, address) = listener();
    let elsewhere = folder(vec![("remoting", here)]).with_property("listenPort", "1");
    refused(
        elsewhere,
        &format!("the socket `remoting` listens on {address}, not on 127.0.0.1:1 (bindAddress, listenPort): "),
    );
    let (here, address) = listener();
    let elsewhere = folder(vec![("admin", here)]).with_property("adminListen", "127.0.0.1:1");
    refused(elsewhere, &format!("the socket `admin` listens on {address}, not on 127.0.0.1:1 (adminListen): "));
    refused(folder(vec![("admin", socket())]), "there is a socket `admin`, but adminListen is not set: ");
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    refused(folder(vec![("remoting", udp.into())]), "the socket `remoting` is not a listening TCP socket: ");
    refused(folder(vec![("web", socket())]), "this server has no socket `web`: ");
    refused(folder(vec![("remoting", socket()), ("remoting", socket())]), "more than one socket `remoting`: ");
    refused(folder(vec![("remoting:admin", socket())]), "LISTEN_FDS: invalid LISTEN_FDNAMES: ");
    let nothing = Folder::new(&[("logLevel", "warn")]);
    refused(nothing.with_prelude("export LISTEN_PID=$$ LISTEN_FDS=9; exec 3>&-"), "LISTEN_FDS: Bad file descriptor ");
}

fn listener() -> (OwnedFd, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a listener has an address");
    (listener.into(), address)
}

/// A client that has asked for the route of a topic.
fn waiting(address: SocketAddr) -> Peer {
    let mut peer = Peer::begin_to_connect(address);
    peer.send(&route("T"));
    peer
}
