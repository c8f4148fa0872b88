//! One socket and the conversation over it.

use arc_swap::{ArcSwap, Cache};
use mio::event::Event;
use mio::net::TcpStream;
use namesrv_core::route::RouteView;
use namesrv_core::time::{Millis, Now};
use namesrv_shell::conversation::{Closing, Conversation, Progress};
use namesrv_shell::output::Written;
use std::io::{self, ErrorKind, Read};
use std::net::Shutdown;
use std::ops::Range;
use std::sync::Arc;

/// Bytes of one read, and so the input that a connection may use in one turn.
const READ_BYTES_MAX: usize = 64 * 1024;
/// Room for answers that is kept between turns.
const ANSWER_BYTES_KEPT: usize = 1024 * 1024;
/// Reads that look for unread input before a connection is closed.
const DISCARDS_MAX: usize = 16;

/// One connection. Its readiness is remembered, since epoll tells of each change once.
pub(crate) struct Connection {
    stream: TcpStream,
    pub(crate) conversation: Conversation,
    readable: bool,
    writable: bool,
    /// The peer ended its stream, so a read that is not full does not mean that everything was read.
    read_closed: bool,
    /// What the peer sent already is read once more, then nothing.
    stopping: bool,
    /// Whether it is in the queue of those that have something to do.
    pub(crate) queued: bool,
    /// Its entry in the index of deadlines.
    pub(crate) armed: Option<Millis>,
}

/// What an I/O thread lends to the connection whose turn it is.
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

    /// Bytes that were read and not dealt with.
    pub(crate) fn arrived_bytes(&self) -> usize {
        self.arrived.len()
    }

    /// Forgets what the last connection left.
    pub(crate) fn clear(&mut self) {
        self.arrived = 0..0;
        self.answers.clear();
    }
}

impl Connection {
    pub(crate) const fn new(stream: TcpStream, conversation: Conversation) -> Self {
        Self {
            stream,
            conversation,
            readable: false,
            writable: true,
            read_closed: false,
            stopping: false,
            queued: false,
            armed: None,
        }
    }

    /// Notes what epoll said.
    pub(crate) fn note(&mut self, event: &Event) {
        self.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
        self.writable |= event.is_writable() || event.is_write_closed();
        self.read_closed |= event.is_read_closed() || event.is_error();
    }

    /// The server stops.
    pub(crate) const fn stop(&mut self) {
        self.conversation.handle_stop();
        self.stopping = true;
    }

    /// Does a bounded amount of work: writes what waits, reads once, deals with it and writes the answers. After
    /// [`Turn::NoRoom`] it goes on with what was read.
    pub(crate) fn turn(&mut self, desk: &mut Desk) -> Turn {
        // A socket that failed (most often: was reset) is closed and not spoken of.
        self.try_turn(desk).unwrap_or(Turn::Close(None))
    }

    fn try_turn(&mut self, desk: &mut Desk) -> io::Result<Turn> {
        let resumed = !desk.arrived.is_empty();
        if !resumed {
            self.write(desk)?;
        }
        let go_on = resumed || self.conversation.may_go_on();
        let progress = if go_on || self.read(desk)? { self.handle_input(desk) } else { Progress::Read };
        self.write(desk)?;
        if self.conversation.is_overfull() {
            return Ok(Turn::Close(Some(Closing::OutputFull)));
        }
        if self.conversation.is_done() {
            self.finish(desk)?;
            return Ok(Turn::Close(None));
        }
        let more = self.conversation.may_go_on()
            || self.may_read()
            || (self.writable && !self.conversation.output().is_empty());
        Ok(match progress {
            Progress::NoRoom => Turn::NoRoom,
            Progress::Retry => Turn::Retry,
            Progress::Read | Progress::Wait if more => Turn::Again,
            Progress::Read | Progress::Wait => Turn::Rest,
        })
    }

    /// Reads once, if that is wanted; whether something is to be dealt with, the end of the stream included.
    fn read(&mut self, desk: &mut Desk) -> io::Result<bool> {
        if !self.may_read() {
            return Ok(false);
        }
        let read = match self.stream.read(&mut desk.scratch) {
            Ok(0) => {
                self.readable = false;
                self.conversation.handle_end();
                return Ok(true);
            }
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.readable = false;
                0
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(false),
            Err(error) => return Err(error),
        };
        self.readable &= self.read_closed || read == desk.scratch.len();
        if self.stopping {
            self.conversation.handle_end();
        }
        desk.arrived = 0..read;
        Ok(read > 0 || self.stopping)
    }

    fn may_read(&self) -> bool {
        (self.readable || self.stopping) && self.conversation.wants_input()
    }

    fn handle_input(&mut self, desk: &mut Desk) -> Progress {
        let mut arrived = desk.scratch.get(desk.arrived.clone()).unwrap_or_default();
        let progress = self.conversation.handle_input(&mut arrived, desk.views.load(), &mut desk.answers, desk.now);
        desk.arrived.start = desk.arrived.end - arrived.len();
        progress
    }

    /// Writes what waits and what was answered now.
    fn write(&mut self, desk: &mut Desk) -> io::Result<()> {
        if self.writable || !desk.answers.is_empty() {
            let written = self.conversation.write(&mut desk.answers, &mut self.stream, desk.now)?;
            self.writable = written != Written::Blocked;
        }
        desk.answers.shrink_to(ANSWER_BYTES_KEPT);
        Ok(())
    }

    /// Ends the stream. What is unread is thrown away: with it, closing would reset the connection and destroy answers on
    /// their way.
    fn finish(&mut self, desk: &mut Desk) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)?;
        for _ in 0..DISCARDS_MAX {
            if self.stream.read(&mut desk.scratch)? == 0 {
                break;
            }
        }
        Ok(())
    }
}
