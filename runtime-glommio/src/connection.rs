//! One socket and the conversation over it.

use arc_swap::{ArcSwap, Cache};
use futures_io::{AsyncRead, AsyncWrite};
use glommio::net::TcpStream;
use namesrv_core::route::RouteView;
use namesrv_core::time::{Millis, Now};
use namesrv_shell::conversation::{Closing, Conversation, Progress};
use namesrv_shell::output::Written;
use nix::sys::socket::{MsgFlags, recv, sendmsg};
use std::io::{self, ErrorKind, IoSlice, Write};
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// Bytes of one read, and so the input that a connection may use in one turn.
const READ_BYTES_MAX: usize = 64 * 1024;
/// Room for answers that is kept between turns.
const ANSWER_BYTES_KEPT: usize = 1024 * 1024;
/// Reads that look for unread input before a connection is closed.
const DISCARDS_MAX: usize = 16;

/// One connection. A read or write that has to wait leaves the waker of its task with io_uring.
pub(crate) struct Connection {
    stream: TcpStream,
    pub(crate) conversation: Conversation,
    /// What the peer sent already is read once more, then nothing.
    stopping: bool,
    /// Wakes its task, once that had its first turn.
    waker: Option<Waker>,
    /// Its entry in the index of deadlines.
    pub(crate) armed: Option<Millis>,
}

/// What an executor lends to the connection whose turn it is.
pub(crate) struct Desk {
    pub(crate) views: Cache<Arc<ArcSwap<RouteView>>, Arc<RouteView>>,
    pub(crate) now: Now,
    scratch: Box<[u8]>,
    /// What of `scratch` was read and not dealt with.
    arrived: Range<usize>,
    answers: Vec<u8>,
}

/// What a turn came to.
pub(crate) enum Turn {
    /// There is more to do after the others had their turn.
    Again,
    /// Nothing to do until the socket or the registry says something.
    Rest,
    /// The registry's queue is full.
    Retry,
    /// Incomplete input has no room: close the connection that keeps most, then give this one its turn again at once.
    NoRoom,
    /// Close; the reason is missing when nothing has to be said about it.
    Close(Option<Closing>),
}

/// Writes without waiting. What is not taken wakes the task when there is room.
struct Sink<'a, 'b> {
    stream: &'a mut TcpStream,
    context: &'a mut Context<'b>,
}

impl Desk {
    pub(crate) fn new(views: Arc<ArcSwap<RouteView>>, now: Now) -> Self {
        Self {
            views: Cache::new(views),
            now,
            scratch: vec![0; READ_BYTES_MAX].into_boxed_slice(),
            arrived: 0..0,
            answers: Vec::new(),
        }
    }

    /// Forgets what the last connection left.
    pub(crate) fn clear(&mut self) {
        self.arrived = 0..0;
        self.answers.clear();
    }
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
        self.stopping = true;
    }

    /// Does a bounded amount of work: writes what waits, reads once, deals with it and writes the answers. After
    /// [`Turn::NoRoom`] it goes on with what was read.
    pub(crate) fn turn(&mut self, desk: &mut Desk, context: &mut Context<'_>) -> Turn {
        if self.waker.is_none() {
            self.waker = Some(context.waker().clone());
        }
        // A socket that failed (most often: was reset) is closed and not spoken of.
        self.try_turn(desk, context).unwrap_or(Turn::Close(None))
    }

    fn try_turn(&mut self, desk: &mut Desk, context: &mut Context<'_>) -> io::Result<Turn> {
        let resumed = !desk.arrived.is_empty();
        if !resumed {
            self.write(desk, context)?;
        }
        let mut waits_to_read = false;
        let go_on = resumed
            || self.conversation.may_go_on()
            || match self.read(desk, context)? {
                Poll::Ready(arrived) => arrived,
                Poll::Pending => {
                    waits_to_read = true;
                    false
                }
            };
        let progress = if go_on { self.handle_input(desk) } else { Progress::Read };
        let written = self.write(desk, context)?;
        if self.conversation.is_overfull() {
            return Ok(Turn::Close(Some(Closing::OutputFull)));
        }
        if self.conversation.is_done() {
            self.finish(desk, context)?;
            return Ok(Turn::Close(None));
        }
        let more = self.conversation.may_go_on()
            || (!waits_to_read && self.conversation.wants_input())
            || written == Written::More;
        Ok(match progress {
            Progress::NoRoom => Turn::NoRoom,
            Progress::Retry => Turn::Retry,
            Progress::Read | Progress::Wait if more => Turn::Again,
            Progress::Read | Progress::Wait => Turn::Rest,
        })
    }

    /// Reads once, if that is wanted; whether something is to be dealt with, the end of the stream included.
    fn read(&mut self, desk: &mut Desk, context: &mut Context<'_>) -> io::Result<Poll<bool>> {
        if !self.conversation.wants_input() {
            return Ok(Poll::Ready(false));
        }
        let mut read = Pin::new(&mut self.stream).poll_read(context, &mut desk.scratch);
        if self.stopping {
            if read.is_pending() {
                read = Poll::Ready(self.read_now(&mut desk.scratch));
            }
            self.conversation.handle_stop();
        }
        match read {
            Poll::Pending => return Ok(Poll::Pending),
            Poll::Ready(Ok(0)) => self.conversation.handle_end(),
            Poll::Ready(Ok(read)) => desk.arrived = 0..read,
            Poll::Ready(Err(error)) if error.kind() == ErrorKind::Interrupted => return Ok(Poll::Ready(false)),
            Poll::Ready(Err(error)) if error.kind() == ErrorKind::WouldBlock => {}
            Poll::Ready(Err(error)) => return Err(error),
        }
        Ok(Poll::Ready(true))
    }

    /// Reads what is there, even if io_uring did not tell of it yet.
    fn read_now(&self, scratch: &mut [u8]) -> io::Result<usize> {
        Ok(recv(self.stream.as_raw_fd(), scratch, MsgFlags::MSG_DONTWAIT)?)
    }

    fn handle_input(&mut self, desk: &mut Desk) -> Progress {
        let mut arrived = desk.scratch.get(desk.arrived.clone()).unwrap_or_default();
        let progress = self.conversation.handle_input(&mut arrived, desk.views.load(), &mut desk.answers, desk.now);
        desk.arrived.start = desk.arrived.end - arrived.len();
        progress
    }

    /// Writes what waits and what was answered now.
    fn write(&mut self, desk: &mut Desk, context: &mut Context<'_>) -> io::Result<Written> {
        let mut sink = Sink { stream: &mut self.stream, context };
        let written = self.conversation.write(&mut desk.answers, &mut sink, desk.now)?;
        desk.answers.shrink_to(ANSWER_BYTES_KEPT);
        Ok(written)
    }

    /// Ends the stream. What is unread is thrown away: with it, closing would reset the connection and destroy answers on
    /// their way.
    fn finish(&mut self, desk: &mut Desk, context: &mut Context<'_>) -> io::Result<()> {
        if let Poll::Ready(ended) = Pin::new(&mut self.stream).poll_close(context) {
            ended?;
        }
        for _ in 0..DISCARDS_MAX {
            if self.read_now(&mut desk.scratch)? == 0 {
                break;
            }
        }
        Ok(())
    }
}

impl Write for Sink<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match Pin::new(&mut *self.stream).poll_write(self.context, bytes) {
            Poll::Ready(written) => written,
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        }
    }

    /// glommio has no vectored write.
    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match sendmsg::<()>(self.stream.as_raw_fd(), slices, &[], MsgFlags::MSG_DONTWAIT, None).map_err(io::Error::from)
        {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.write(slices.first().map_or(&[], |slice| &**slice))
            }
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
