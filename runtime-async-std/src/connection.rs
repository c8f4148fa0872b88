//! One socket and the conversation over it.

use crate::inbox::{Mailbox, lock};
use crate::server::Lane;
use async_io::{Async, Timer};
use async_std::task;
use namesrv_core::time::{Millis, Now};
use namesrv_shell::conversation::{Closing, Conversation, Progress};
use namesrv_shell::output::Written;
use namesrv_shell::server::ToIo;
use std::cell::RefCell;
use std::future;
use std::io::{self, ErrorKind, Read};
use std::net::{Shutdown, TcpStream};
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Bytes of one read, and so the input that a connection may use in one turn.
const READ_BYTES_MAX: usize = 64 * 1024;
/// Room for answers that is kept between turns.
const ANSWER_BYTES_KEPT: usize = 1024 * 1024;
/// Reads that look for unread input before a connection is closed.
const DISCARDS_MAX: usize = 16;
/// How soon a frame is forwarded again that the registry had no room for.
const RETRY: Duration = Duration::from_millis(2);

thread_local! {
    /// A turn never waits, so one desk a thread is enough however many connections there are.
    static DESK: RefCell<Desk> = RefCell::new(Desk::new());
}

/// One connection: what its task owns.
pub(crate) struct Connection {
    serial: u64,
    lane: Arc<Lane>,
    link: Arc<Link>,
    socket: Socket,
    /// When its lane will tell it that it may be silent for too long.
    armed: Option<Millis>,
}

/// What others reach of a connection.
pub(crate) struct Link {
    pub(crate) mailbox: Mailbox,
    /// None once it is closed. Locked for a turn, never while its task waits.
    conversation: Mutex<Option<Conversation>>,
}

/// The socket. Its readiness is remembered: to ask the reactor costs a system call.
struct Socket {
    stream: Async<TcpStream>,
    readable: bool,
    writable: bool,
    /// What the peer sent already is read once more, then nothing.
    stopping: bool,
}

/// What a thread lends to the connection whose turn it is.
struct Desk {
    scratch: Box<[u8]>,
    /// What of `scratch` was read and not dealt with.
    arrived: Range<usize>,
    answers: Vec<u8>,
}

/// What a turn came to.
enum Turn {
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

impl Connection {
    pub(crate) fn new(
        serial: u64,
        lane: Arc<Lane>,
        link: Arc<Link>,
        stream: Async<TcpStream>,
        armed: Option<Millis>,
    ) -> Self {
        // Nothing is there to be read yet, as a rule: the reactor says when.
        let socket = Socket { stream, readable: false, writable: true, stopping: false };
        Self { serial, lane, link, socket, armed }
    }

    /// Takes turns until it is closed.
    pub(crate) async fn run(mut self) {
        loop {
            match self.turn() {
                Turn::Again | Turn::NoRoom => task::yield_now().await,
                Turn::Rest => {
                    if future::poll_fn(|context| self.poll_event(context)).await.is_err() {
                        break;
                    }
                }
                Turn::Retry => {
                    Timer::after(RETRY).await;
                }
                Turn::Close(closing) => {
                    self.link.close(closing, self.lane.clock.now());
                    break;
                }
            }
        }
        let Self { serial, lane, link, socket, .. } = self;
        link.close(None, lane.clock.now());
        // Before the lane hears of it, which may wait for the descriptor.
        drop(socket);
        lane.remove(serial);
    }

    /// Does a bounded amount of work: see [`Socket::try_turn`].
    fn turn(&mut self) -> Turn {
        let now = self.lane.clock.now();
        let mail = self.link.mailbox.take();
        let mut messages = mail.messages.into_iter();
        if mail.nudged {
            // Its deadline may have passed, but what the peer sent comes first.
            self.armed = None;
            self.socket.readable = true;
        }
        DESK.with_borrow_mut(|desk| {
            desk.clear();
            loop {
                let mut place = lock(&self.link.conversation);
                let Some(conversation) = place.as_mut() else { return Turn::Close(None) };
                messages.by_ref().for_each(|message| self.socket.hear(message, conversation, now));
                // A socket that failed (most often: was reset) is closed and not spoken of.
                let turn = self.socket.try_turn(conversation, &self.lane, desk, now).unwrap_or(Turn::Close(None));
                if matches!(turn, Turn::NoRoom) {
                    drop(place);
                    self.lane.close_largest(now);
                    continue;
                }
                let deadline = conversation.poll_timeout();
                if matches!(turn, Turn::Close(_)) {
                    return turn;
                }
                if mail.nudged && deadline.is_some_and(|deadline| deadline <= now.monotonic) {
                    return Turn::Close(Some(Closing::Silent));
                }
                drop(place);
                self.arm(deadline);
                let told = matches!(turn, Turn::Rest) && !self.link.mailbox.is_empty();
                return if told { Turn::Again } else { turn };
            }
        })
    }

    /// Asks the lane to nudge it at the deadline, unless that happens earlier anyway.
    fn arm(&mut self, deadline: Option<Millis>) {
        if deadline.is_some_and(|deadline| self.armed.is_none_or(|armed| deadline < armed)) {
            self.lane.arm(self.serial, deadline);
            self.armed = deadline;
        }
    }

    /// Ready when there is something to do. Reads nothing, so nothing is lost with it.
    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.link.mailbox.poll(context).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let (input, output) = {
            let place = lock(&self.link.conversation);
            let Some(conversation) = place.as_ref() else { return Poll::Ready(Ok(())) };
            (conversation.wants_input(), !conversation.output().is_empty())
        };
        let socket = &mut self.socket;
        if input && let Poll::Ready(result) = socket.stream.poll_readable(context) {
            socket.readable = true;
            return Poll::Ready(result);
        }
        if output {
            let result = ready!(socket.stream.poll_writable(context));
            socket.writable = true;
            return Poll::Ready(result);
        }
        Poll::Pending
    }
}

impl Link {
    pub(crate) fn new(conversation: Conversation) -> Self {
        Self { mailbox: Mailbox::default(), conversation: Mutex::new(Some(conversation)) }
    }

    /// Bytes of memory that are kept for input.
    pub(crate) fn kept(&self) -> usize {
        lock(&self.conversation).as_ref().map_or(0, Conversation::kept)
    }

    /// Ends the conversation; its task closes the socket when it looks.
    pub(crate) fn close(&self, closing: Option<Closing>, now: Now) {
        if let Some(conversation) = lock(&self.conversation).take()
            && let Some(closing) = closing
        {
            conversation.log_closing(closing, now);
        }
    }
}

impl Desk {
    fn new() -> Self {
        Self { scratch: vec![0; READ_BYTES_MAX].into_boxed_slice(), arrived: 0..0, answers: Vec::new() }
    }

    /// Forgets what the last connection left.
    fn clear(&mut self) {
        self.arrived = 0..0;
        self.answers.clear();
    }
}

impl Socket {
    fn hear(&mut self, message: ToIo, conversation: &mut Conversation, now: Now) {
        match message {
            ToIo::Reply { frame, .. } => conversation.handle_reply(frame, now),
            ToIo::Close { reason, .. } => conversation.handle_close(reason, now),
            ToIo::Stop { .. } => self.stopping = true,
        }
    }

    /// Does a bounded amount of work: writes what waits, reads once, deals with it and writes the answers. After
    /// [`Turn::NoRoom`] it goes on with what was read.
    fn try_turn(
        &mut self,
        conversation: &mut Conversation,
        lane: &Lane,
        desk: &mut Desk,
        now: Now,
    ) -> io::Result<Turn> {
        let resumed = !desk.arrived.is_empty();
        if !resumed {
            self.write(conversation, desk, now)?;
        }
        let go_on = resumed || conversation.may_go_on();
        let progress = if go_on || self.read(conversation, desk)? {
            let mut arrived = desk.scratch.get(desk.arrived.clone()).unwrap_or_default();
            let progress = conversation.handle_input(&mut arrived, &lane.views.load(), &mut desk.answers, now);
            desk.arrived.start = desk.arrived.end - arrived.len();
            progress
        } else {
            Progress::Read
        };
        self.write(conversation, desk, now)?;
        if conversation.is_overfull() {
            return Ok(Turn::Close(Some(Closing::OutputFull)));
        }
        if conversation.is_done() {
            self.finish(desk)?;
            return Ok(Turn::Close(None));
        }
        let more = conversation.may_go_on()
            || self.may_read(conversation)
            || (self.writable && !conversation.output().is_empty());
        Ok(match progress {
            Progress::NoRoom => Turn::NoRoom,
            Progress::Retry => Turn::Retry,
            Progress::Read | Progress::Wait if more => Turn::Again,
            Progress::Read | Progress::Wait => Turn::Rest,
        })
    }

    /// Reads once, if that is wanted; whether something is to be dealt with, the end of the stream included.
    fn read(&mut self, conversation: &mut Conversation, desk: &mut Desk) -> io::Result<bool> {
        if !self.may_read(conversation) {
            return Ok(false);
        }
        let read = match self.stream.get_ref().read(&mut desk.scratch) {
            Ok(0) => {
                self.readable = false;
                conversation.handle_end();
                return Ok(true);
            }
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(false),
            Err(error) => return Err(error),
        };
        // A read that is not full was the last for now; an end of the stream behind it is told by the reactor.
        self.readable = read == desk.scratch.len();
        if self.stopping {
            conversation.handle_stop();
        }
        desk.arrived = 0..read;
        Ok(read > 0 || self.stopping)
    }

    fn may_read(&self, conversation: &Conversation) -> bool {
        (self.readable || self.stopping) && conversation.wants_input()
    }

    /// Writes what waits and what was answered now.
    fn write(&mut self, conversation: &mut Conversation, desk: &mut Desk, now: Now) -> io::Result<()> {
        if self.writable || !desk.answers.is_empty() {
            let written = conversation.write(&mut desk.answers, &mut self.stream.get_ref(), now)?;
            self.writable = written != Written::Blocked;
        }
        desk.answers.shrink_to(ANSWER_BYTES_KEPT);
        Ok(())
    }

    /// Ends the stream. What is unread is thrown away: with it, closing would reset the connection and destroy answers on
    /// their way.
    fn finish(&self, desk: &mut Desk) -> io::Result<()> {
        let mut stream = self.stream.get_ref();
        stream.shutdown(Shutdown::Write)?;
        for _ in 0..DISCARDS_MAX {
            if stream.read(&mut desk.scratch)? == 0 {
                break;
            }
        }
        Ok(())
    }
}
