//! One socket and the conversation over it.

use futures_io::{AsyncRead, AsyncWrite};
use glommio::net::TcpStream;
use namesrv_core::time::Instant;
use namesrv_shell::conversation::Conversation;
use namesrv_shell::turn::Readiness;
use nix::sys::socket::{MsgFlags, recv, sendmsg};
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// One connection.
pub(crate) struct Connection {
    stream: TcpStream,
    pub(crate) conversation: Conversation,
    stopping: bool,
    /// Wakes its task, once that had its first turn.
    waker: Option<Waker>,
    /// Its entry in the index of deadlines.
    pub(crate) armed: Option<Instant>,
}

/// The socket of a connection whose turn it is. It never waits: what would have to leaves the waker of the task with
/// io_uring.
pub(crate) struct Socket<'a, 'b> {
    stream: &'a mut TcpStream,
    context: &'a mut Context<'b>,
    /// Read what io_uring did not tell of yet.
    eager: bool,
}

impl Connection {
    pub(crate) const fn new(stream: TcpStream, conversation: Conversation) -> Self {
        Self { stream, conversation, stopping: false, waker: None, armed: None }
    }

    /// Has a turn given to it.
    pub(crate) fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    /// The server stops.
    pub(crate) const fn stop(&mut self) {
        self.conversation.handle_stop();
        self.stopping = true;
    }

    /// What a turn needs.
    pub(crate) fn parts<'a, 'b>(
        &'a mut self,
        context: &'a mut Context<'b>,
    ) -> (&'a mut Conversation, Socket<'a, 'b>, Readiness) {
        if self.waker.is_none() {
            self.waker = Some(context.waker().clone());
        }
        // glommio knows what is ready, so asking it costs no system call, and it has to be asked to wake the task.
        let readiness = Readiness { readable: true, writable: true, read_closed: true, stopping: self.stopping };
        (&mut self.conversation, Socket { stream: &mut self.stream, context, eager: self.stopping }, readiness)
    }
}

impl Socket<'_, '_> {
    /// Ends the stream. What is read from now on is all there is.
    pub(crate) fn finish(&mut self) {
        self.eager = true;
        // It fails when the peer is gone already.
        let _ = Pin::new(&mut *self.stream).poll_close(self.context);
    }
}

impl Read for Socket<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match Pin::new(&mut *self.stream).poll_read(self.context, buffer) {
            Poll::Ready(read) => read,
            Poll::Pending if self.eager => Ok(recv(self.stream.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT)?),
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        }
    }
}

impl Write for Socket<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match Pin::new(&mut *self.stream).poll_write(self.context, bytes) {
            Poll::Ready(written) => written,
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        }
    }

    /// glommio has no vectored write, but it has to be asked when there is no room.
    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let written = sendmsg::<()>(self.stream.as_raw_fd(), slices, &[], MsgFlags::MSG_DONTWAIT, None);
        match written.map_err(io::Error::from) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.write(slices.first().map_or(&[], |slice| slice))
            }
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
