//! One socket and the conversation over it.

use crate::inbox::{Mail, Mailbox, lock};
use crate::server::Lane;
use async_io::{Async, Timer};
use async_std::task;
use namesrv_core::time::{Instant, Now};
use namesrv_shell::conversation::{Closing, Conversation};
use namesrv_shell::server::ToIo;
use namesrv_shell::turn::{Desk, Readiness, Turn};
use std::cell::RefCell;
use std::future;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

/// How soon a frame is forwarded again that the registry had no room for.
const RETRY: Duration = Duration::from_millis(2);

thread_local! {
    /// A turn never waits, so one desk a thread is enough however many connections there are.
    static DESK: RefCell<Desk> = RefCell::default();
}

/// One connection: what its task owns. Its readiness is remembered, since each question to the reactor is a system call.
pub(crate) struct Connection {
    serial: u64,
    lane: Arc<Lane>,
    link: Arc<Link>,
    stream: Async<TcpStream>,
    readiness: Readiness,
    /// When the lane nudges it.
    armed: Option<Instant>,
}

/// What others reach of a connection.
pub(crate) struct Link {
    pub(crate) mailbox: Mailbox,
    /// None once it is closed. Locked for a turn, never while the task waits.
    conversation: Mutex<Option<Conversation>>,
}

/// What its task does next.
enum Next {
    Yield,
    Wait,
    Sleep,
    End,
}

impl Connection {
    pub(crate) fn new(serial: u64, lane: Arc<Lane>, link: Arc<Link>, stream: Async<TcpStream>) -> Self {
        Self { serial, lane, link, stream, readiness: Readiness::default(), armed: None }
    }

    /// Takes turns until it is to be closed.
    pub(crate) async fn run(&mut self) {
        loop {
            match self.turn() {
                Next::Yield => task::yield_now().await,
                Next::Wait => {
                    if future::poll_fn(|context| self.poll_event(context)).await.is_err() {
                        return;
                    }
                }
                Next::Sleep => {
                    Timer::after(RETRY).await;
                }
                Next::End => return,
            }
        }
    }

    /// Closes it.
    pub(crate) fn close(self) {
        let Self { serial, lane, link, stream, .. } = self;
        drop(lock(&link.conversation).take());
        // The lane may wait for the descriptor.
        drop(stream);
        lane.remove(serial);
    }

    /// Hears what it was told and does a bounded amount of work. Nothing waits in here, so a task that is dropped where it
    /// waits has lost nothing.
    fn turn(&mut self) -> Next {
        let mail = self.link.mailbox.take();
        if mail.nudged {
            // Its deadline may have passed, but what the peer sent comes first.
            self.armed = None;
            self.readiness.readable = true;
        }
        // A socket that failed (most often: was reset) is closed and not spoken of.
        DESK.with_borrow_mut(|desk| self.try_turn(desk, mail)).unwrap_or(Next::End)
    }

    fn try_turn(&mut self, desk: &mut Desk, mail: Mail) -> io::Result<Next> {
        let Self { lane, link, stream, readiness, .. } = self;
        let now = lane.clock.now();
        let mut socket = stream.get_ref();
        let mut place = lock(&link.conversation);
        if let Some(conversation) = place.as_mut() {
            mail.messages.into_iter().for_each(|message| hear(message, conversation, readiness, now));
        }
        let Some(conversation) = place.as_mut() else { return Ok(Next::End) };
        let turn = desk.turn(conversation, &mut socket, readiness, || lane.views.load(), now)?;
        let deadline = conversation.poll_timeout();
        let next = match turn {
            Turn::Done => {
                socket.shutdown(Shutdown::Write)?;
                desk.discard(&mut socket);
                return Ok(Next::End);
            }
            Turn::Close(closing) => {
                conversation.log_closing(closing, now);
                return Ok(Next::End);
            }
            // Even to go on reading it waits for the reactor, which busy tasks keep waiting: others have been quiet.
            Turn::Rest | Turn::Again if link.mailbox.is_empty() && !conversation.may_go_on() => Next::Wait,
            Turn::Rest | Turn::Again => Next::Yield,
            Turn::Retry => Next::Sleep,
        };
        if mail.nudged && deadline.is_some_and(|deadline| deadline <= now.monotonic) {
            conversation.log_closing(Closing::Silent, now);
            return Ok(Next::End);
        }
        drop(place);
        self.arm(deadline);
        Ok(next)
    }

    /// Asks the lane for a nudge at the deadline, unless one comes earlier anyway.
    fn arm(&mut self, deadline: Option<Instant>) {
        if deadline.is_some_and(|deadline| self.armed.is_none_or(|armed| deadline < armed)) {
            self.lane.arm(self.serial, deadline);
            self.armed = deadline;
        }
    }

    /// Ready when there is something to do.
    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.link.mailbox.poll(context).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let (input, output) = match &*lock(&self.link.conversation) {
            Some(conversation) => (conversation.wants_input(), !conversation.output().is_empty()),
            None => return Poll::Ready(Ok(())),
        };
        if input && let Poll::Ready(result) = self.stream.poll_readable(context) {
            self.readiness.readable = true;
            return Poll::Ready(result);
        }
        if output && let Poll::Ready(result) = self.stream.poll_writable(context) {
            self.readiness.writable = true;
            return Poll::Ready(result);
        }
        Poll::Pending
    }
}

impl Link {
    pub(crate) fn new(conversation: Conversation) -> Self {
        Self { mailbox: Mailbox::default(), conversation: Mutex::new(Some(conversation)) }
    }
}

fn hear(message: ToIo, conversation: &mut Conversation, readiness: &mut Readiness, now: Now) {
    match message {
        ToIo::Reply { reply, .. } => conversation.handle_reply(reply, now),
        ToIo::Close { reason, .. } => conversation.handle_close(reason, now),
        ToIo::Stop { .. } => {
            conversation.handle_stop();
            readiness.stopping = true;
        }
    }
}
