//! Streams to servers, whose silence ends a test at some time.

use rustix::io::Errno;
use socket2::{Domain, Socket, Type};
use std::io::{self, ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a test waits for what has to happen.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// No server sends a longer frame.
pub const FRAME_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Reads and writes of a connection fail after [`PATIENCE`], and small writes leave at once.
pub fn be_patient(stream: &TcpStream) {
    stream.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
    stream.set_write_timeout(Some(PATIENCE)).expect("a write timeout");
    stream.set_nodelay(true).expect("no delay");
}

/// Begins to connect and does not wait for it. The stream does not wait either.
///
/// # Errors
/// There are no sockets left, or the address is refused at once.
pub fn begin_to_connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    match socket.connect(&address.into()) {
        Err(error) if error.raw_os_error() != Some(Errno::INPROGRESS.raw_os_error()) => Err(error),
        Ok(()) | Err(_) => Ok(socket.into()),
    }
}

/// Returns the next frame of a stream, or `None` at its end.
pub fn read_frame(stream: &mut TcpStream) -> Option<Vec<u8>> {
    match try_read_frame(stream) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            panic!("the server neither answers nor closes")
        }
        frame => frame.ok(),
    }
}

/// Returns the next frame of a stream.
///
/// # Errors
/// The stream ends or is silent for too long, or the frame is longer than [`FRAME_BYTES_MAX`].
pub fn try_read_frame(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut frame = length.to_vec();
    let bytes = u32::from_be_bytes(length) as usize;
    if bytes > FRAME_BYTES_MAX {
        return Err(io::Error::new(ErrorKind::InvalidData, format!("a frame of {bytes} bytes")));
    }
    frame.resize(4 + bytes, 0);
    stream.read_exact(&mut frame[4..])?;
    Ok(frame)
}
