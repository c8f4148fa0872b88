//! The streams of connections, on top of the runtimes' sockets.

use namesrv_core::connection::{Read, Stream, Written};
use rustix::net::Shutdown;
use std::array;
use std::io::{self, ErrorKind, IoSlice};
use std::os::fd::AsFd;

/// The most slices of one vectored write. The core passes no more.
const SLICES_MAX: usize = 64;

/// A runtime's non-blocking socket. Every socket with a descriptor is one.
pub trait IoStream: io::Read + io::Write {
    /// Tells the client that nothing more follows.
    ///
    /// # Errors
    /// The client has left already.
    fn shut_down(&mut self) -> io::Result<()>;
}

impl<S: io::Read + io::Write + AsFd> IoStream for S {
    fn shut_down(&mut self) -> io::Result<()> {
        Ok(rustix::net::shutdown(self, Shutdown::Write)?)
    }
}

/// A non-blocking socket in the form that connections need.
///
/// All bytes between sockets and connections pass through here, so layers that decrypt them or remove a header wrap
/// this.
pub(crate) struct NonBlocking<'a, S>(pub(crate) &'a mut S);

impl<S: io::Read + io::Write> Stream for NonBlocking<'_, S> {
    type Error = io::Error;

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<Read<usize>> {
        Ok(match attempt(|| self.0.read(buffer))? {
            Some(0) => Read::Eof,
            Some(read) => Read::Bytes(read),
            None => Read::Nothing,
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<Written> {
        written(attempt(|| self.0.write(bytes))?)
    }

    fn write_vectored(&mut self, slices: &[&[u8]]) -> io::Result<Written> {
        let slices: [IoSlice<'_>; SLICES_MAX] =
            array::from_fn(|index| IoSlice::new(slices.get(index).copied().unwrap_or_default()));
        let filled = slices.iter().take_while(|slice| !slice.is_empty()).count();
        written(attempt(|| self.0.write_vectored(slices.get(..filled).unwrap_or_default()))?)
    }
}

/// Returns `None` when the socket would block.
fn attempt(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<Option<usize>> {
    loop {
        match call() {
            Ok(bytes) => return Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

fn written(bytes: Option<usize>) -> io::Result<Written> {
    match bytes {
        Some(0) => Err(ErrorKind::WriteZero.into()),
        Some(bytes) => Ok(Written::Bytes(bytes)),
        None => Ok(Written::Blocked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    /// Returns one result after the other, and records what is written.
    struct Socket(VecDeque<io::Result<usize>>, Vec<u8>);

    impl Socket {
        fn new(results: impl IntoIterator<Item = io::Result<usize>>) -> Self {
            Self(results.into_iter().collect(), Vec::new())
        }
    }

    impl io::Read for Socket {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            self.0.pop_front().unwrap()
        }
    }

    impl io::Write for Socket {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1.extend(bytes);
            self.0.pop_front().unwrap()
        }

        fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
            slices.iter().for_each(|slice| self.1.extend(&**slice));
            self.0.pop_front().unwrap()
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn failure<T>(kind: ErrorKind) -> io::Result<T> {
        Err(kind.into())
    }

    #[test]
    fn interruptions_are_not_seen_and_other_errors_are() {
        let mut socket = Socket::new([
            failure(ErrorKind::Interrupted),
            Ok(3),
            failure(ErrorKind::WouldBlock),
            Ok(0),
            failure(ErrorKind::ConnectionReset),
        ]);
        let mut stream = NonBlocking(&mut socket);
        let mut read = || stream.read(&mut [0; 8]);
        assert_eq!(read().unwrap(), Read::Bytes(3));
        assert_eq!(read().unwrap(), Read::Nothing);
        assert_eq!(read().unwrap(), Read::Eof);
        assert_eq!(read().unwrap_err().kind(), ErrorKind::ConnectionReset);
    }

    #[test]
    fn slices_are_written_at_once_and_in_order() {
        let mut socket = Socket::new([Ok(6), failure(ErrorKind::WouldBlock)]);
        let mut stream = NonBlocking(&mut socket);
        assert_eq!(stream.write_vectored(&[b"one", b"two"]).unwrap(), Written::Bytes(6));
        assert_eq!(stream.write(b"3").unwrap(), Written::Blocked);
        assert_eq!(socket.1, b"onetwo3");
    }

    #[test]
    fn a_socket_that_takes_nothing_without_an_error_has_failed() {
        let mut socket = Socket::new([Ok(0)]);
        assert_eq!(NonBlocking(&mut socket).write(b"x").unwrap_err().kind(), ErrorKind::WriteZero);
    }
}
