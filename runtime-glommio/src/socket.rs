//! One socket and the connection over it.

use futures_io::{AsyncRead, AsyncWrite};
use glommio::net::TcpStream;
use namesrv_core::connection::{Next, Ready};
use namesrv_core::time::Now;
use namesrv_shell::connection::Connection;
use namesrv_shell::shard::{self, Views};
use namesrv_shell::stack::Scratch;
use namesrv_shell::stream::IoStream;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, sendmsg};
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// One socket.
pub(crate) struct Socket {
    pub(crate) stream: TcpStream,
    pub(crate) connection: Connection,
    /// Wakes its task, once that has had its first step.
    pub(crate) waker: Option<Waker>,
}

/// The stream of a socket that is driven. It never waits: what would have to leaves the waker of the task with
/// io_uring.
struct Stream<'a, 'b> {
    stream: &'a mut TcpStream,
    context: &'a mut Context<'b>,
    /// Read what io_uring did not tell of yet.
    is_eager: bool,
}

impl Socket {
    /// Has its task drive it.
    pub(crate) fn wake(&self) {
        self.waker.iter().for_each(Waker::wake_by_ref);
    }

    /// Does one bounded step of work. It `is_eager` to read what io_uring did not tell of yet.
    pub(crate) fn drive(
        &mut self,
        context: &mut Context<'_>,
        is_eager: bool,
        scratch: &mut Scratch,
        views: &mut Views,
        now: Now,
    ) -> io::Result<Next> {
        self.waker.get_or_insert_with(|| context.waker().clone());
        // glommio knows what is ready, so asking it costs no system call, and it has to be asked to wake the task.
        *self.connection.ready() = Ready { readable: true, writable: true, read_closed: true };
        let mut stream = Stream { stream: &mut self.stream, context, is_eager };
        self.connection.drive(&mut stream, scratch, || views.load(), now)
    }
}

impl shard::Socket for Box<Socket> {
    fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Its task, which is woken, finds it gone and ends.
    fn end(&mut self, scratch: &mut Scratch, now: Now) {
        let mut context = Context::from_waker(Waker::noop());
        let mut stream = Stream { stream: &mut self.stream, context: &mut context, is_eager: true };
        self.connection.end(&mut stream, scratch, now);
        self.wake();
    }
}

impl Read for Stream<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match Pin::new(&mut *self.stream).poll_read(self.context, buffer) {
            Poll::Ready(read) => read,
            Poll::Pending if self.is_eager => Ok(recv(self.stream.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT)?),
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        }
    }
}

impl Write for Stream<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match Pin::new(&mut *self.stream).poll_write(self.context, bytes) {
            Poll::Ready(written) => written,
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        }
    }

    /// glommio has no vectored write, but it has to be asked when the socket takes nothing.
    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match sendmsg::<()>(self.stream.as_raw_fd(), slices, &[], MsgFlags::MSG_DONTWAIT, None) {
            Err(Errno::EAGAIN) => self.write(slices.first().map_or(&[], |slice| slice)),
            written => Ok(written?),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl IoStream for Stream<'_, '_> {
    /// What is read from now on is all there is.
    fn shut_down(&mut self) -> io::Result<()> {
        self.is_eager = true;
        // It fails when the client is gone already.
        let _ = Pin::new(&mut *self.stream).poll_close(self.context);
        Ok(())
    }
}
