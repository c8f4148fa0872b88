//! A socket with a deadline, however many bytes arrive before it.

use crate::escape::escape;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// A socket with a deadline for all reads and writes.
#[derive(Debug)]
pub struct Timed {
    stream: TcpStream,
    until: Option<Instant>,
}

impl Timed {
    /// Connects to the first address of the name that accepts. The system's resolver has its own time limits.
    ///
    /// # Errors
    /// No server accepts in time, or the name has no address.
    pub fn connect(address: &str, until: Instant) -> io::Result<Self> {
        let mut result = Err(io::Error::new(ErrorKind::NotFound, "the name has no address"));
        for address in address.to_socket_addrs()? {
            result = TcpStream::connect_timeout(&address, left(until)?);
            if result.is_ok() {
                break;
            }
        }
        let stream = result?;
        // A request is one write, and then waits for its answer.
        stream.set_nodelay(true)?;
        Ok(Self::new(stream, until))
    }

    /// A socket that is already connected.
    #[must_use]
    pub const fn new(stream: TcpStream, until: Instant) -> Self {
        Self { stream, until: Some(until) }
    }

    /// Moves the deadline; `None` removes it.
    pub const fn set_deadline(&mut self, until: Option<Instant>) {
        self.until = until;
    }

    /// Returns the socket.
    #[must_use]
    pub const fn socket(&self) -> &TcpStream {
        &self.stream
    }

    fn left(&self) -> io::Result<Option<Duration>> {
        self.until.map(left).transpose()
    }
}

fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// Returns the option that may help against this error.
pub(crate) fn advice(error: &io::Error) -> Option<&'static str> {
    (error.kind() == ErrorKind::TimedOut).then_some("--timeout gives it more")
}

/// Says what went wrong with a socket.
pub(crate) fn in_words(error: &io::Error) -> String {
    if error.kind() == ErrorKind::TimedOut {
        "no answer in time".to_owned()
    } else if error.kind() == ErrorKind::UnexpectedEof {
        "the server closed the connection in the middle of its answer".to_owned()
    } else {
        escape(&error.to_string()).into_owned()
    }
}

/// A socket reports that it would block when its time limit passes.
fn timed_out(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::WouldBlock { ErrorKind::TimedOut.into() } else { error }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        self.stream.read(buffer).map_err(timed_out)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        self.stream.write(bytes).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
