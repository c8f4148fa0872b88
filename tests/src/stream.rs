//! Streams to servers, whose silence ends a test at some time.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::time::Duration;

/// How long a test waits for what has to happen.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Reads and writes of a connection fail after [`PATIENCE`], and small writes leave at once.
pub fn be_patient(stream: &TcpStream) {
    stream.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
    stream.set_write_timeout(Some(PATIENCE)).expect("a write timeout");
    stream.set_nodelay(true).expect("no delay");
}

/// Returns the next frame of a stream, or `None` at its end.
pub fn read_frame(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut frame = vec![0; 4];
    read_all(stream, &mut frame)?;
    let length = frame.first_chunk::<4>().map_or(0, |length| u32::from_be_bytes(*length)) as usize;
    frame.resize(4 + length, 0);
    read_all(stream, frame.get_mut(4..)?)?;
    Some(frame)
}

fn read_all(stream: &mut TcpStream, bytes: &mut [u8]) -> Option<()> {
    match stream.read_exact(bytes) {
        Ok(()) => Some(()),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            panic!("the server neither answers nor closes")
        }
        Err(_) => None,
    }
}
