//! Plain sockets whose other end speaks TLS to a server, so that any test over sockets runs over TLS as well.

use super::{Version, client};
use rustls::ClientConnection;
use socket2::SockRef;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Bytes that a relay moves at once.
const PIECE_BYTES: usize = 32 * 1024;

/// Does a handshake over `server` and returns a socket to what is said over it in plain text. The end of either side is
/// passed on, and so is a reset. A handshake that fails is an end.
pub fn relay(mut server: TcpStream, version: Version) -> TcpStream {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let plain = TcpStream::connect(listener.local_addr().expect("an address")).expect("it listens");
    let (mut inner, _) = listener.accept().expect("it was connected");
    plain.set_nodelay(true).expect("a socket");
    inner.set_nodelay(true).expect("a socket");
    let mut client = client(version);
    while client.is_handshaking() {
        if client.complete_io(&mut server).is_err() {
            return plain;
        }
    }
    let client = Arc::new(Mutex::new(client));
    let (mut to_server, mut to_inner) = (server.try_clone().expect("a handle"), inner.try_clone().expect("a handle"));
    let other = Arc::clone(&client);
    thread::spawn(move || {
        if send(&mut inner, &mut to_server, &other).is_err() {
            reset(&to_server);
            // Both a client that writes and the other direction may wait for ever for each other.
            let _ = inner.shutdown(Shutdown::Both);
        }
    });
    thread::spawn(move || match receive(&mut server, &mut to_inner, &client) {
        // The client may be gone.
        Ok(()) => drop(to_inner.shutdown(Shutdown::Write)),
        Err(_) => {
            reset(&to_inner);
            // The other direction may wait for ever for a server that does not read.
            reset(&server);
        }
    });
    plain
}

/// Encrypts what comes from `plain`, until it ends.
fn send(plain: &mut TcpStream, server: &mut TcpStream, client: &Mutex<ClientConnection>) -> io::Result<()> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = plain.read(&mut piece)?;
        let mut records = Vec::new();
        let mut locked = client.lock().unwrap_or_else(PoisonError::into_inner);
        match piece.get(..read).filter(|piece| !piece.is_empty()) {
            Some(piece) => locked.writer().write_all(piece)?,
            None => locked.send_close_notify(),
        }
        while locked.wants_write() {
            locked.write_tls(&mut records)?;
        }
        drop(locked);
        server.write_all(&records)?;
        if read == 0 {
            return Ok(());
        }
    }
}

/// Decrypts what comes from the server, until it ends TLS. An end of the stream alone is an error.
fn receive(server: &mut TcpStream, plain: &mut TcpStream, client: &Mutex<ClientConnection>) -> io::Result<()> {
    let mut piece = vec![0; PIECE_BYTES];
    server.set_read_timeout(None)?;
    loop {
        let read = server.read(&mut piece)?;
        let mut records = piece.get(..read).unwrap_or_default();
        let mut text = Vec::new();
        let mut is_over = false;
        let mut locked = client.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            locked.read_tls(&mut records)?;
            let state = locked.process_new_packets().map_err(io::Error::other)?;
            is_over |= state.peer_has_closed();
            let have = text.len();
            text.resize(have + state.plaintext_bytes_to_read(), 0);
            locked.reader().read_exact(text.get_mut(have..).unwrap_or_default())?;
            if records.is_empty() {
                break;
            }
        }
        drop(locked);
        plain.write_all(&text)?;
        if is_over {
            return Ok(());
        }
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn reset(socket: &TcpStream) {
    // Both fail when it is closed already.
    let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
    let _ = socket.shutdown(Shutdown::Both);
}
