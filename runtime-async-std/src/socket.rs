//! One socket and the connection over it.

use crate::inbox::{Messages, lock};
use crate::link::Link;
use crate::shard::Shard;
use async_io::{Async, Timer};
use async_std::task;
use namesrv_core::connection::Next;
use namesrv_core::time::Instant;
use namesrv_shell::connection::Scratch;
use namesrv_shell::shard::RETRY;
use std::cell::RefCell;
use std::future;
use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::task::{Context, Poll};

thread_local! {
    /// A step never waits, so one a thread is enough however many connections there are.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// One socket: what its task owns. What the reactor said is remembered, since each question to it is a system call.
pub(crate) struct Socket {
    serial: u64,
    shard: Arc<Shard>,
    link: Arc<Link>,
    stream: Async<TcpStream>,
    /// When the shard wakes it.
    armed: Option<Instant>,
}

/// What its task does next.
enum After {
    Yield,
    Wait,
    Sleep,
    End,
}

impl Socket {
    pub(crate) const fn new(serial: u64, shard: Arc<Shard>, link: Arc<Link>, stream: Async<TcpStream>) -> Self {
        Self { serial, shard, link, stream, armed: None }
    }

    /// Does steps until it is to be closed.
    pub(crate) async fn run(&mut self) {
        loop {
            match self.step() {
                After::Yield => task::yield_now().await,
                After::Wait => {
                    if future::poll_fn(|context| self.poll_event(context)).await.is_err() {
                        return;
                    }
                }
                After::Sleep => {
                    Timer::after(RETRY).await;
                }
                After::End => return,
            }
        }
    }

    /// Closes it.
    pub(crate) fn close(self) {
        let Self { serial, shard, link, stream, .. } = self;
        drop(lock(&link.connection).take());
        // The shard may wait for the descriptor.
        drop(stream);
        shard.remove(serial);
    }

    /// Handles what it was sent and does a bounded amount of work. Nothing waits in here, so a task that is dropped
    /// where it waits has lost nothing.
    fn step(&mut self) -> After {
        let messages = self.link.mailbox.take();
        if messages.is_woken {
            // Its deadline may have passed, but what the client sent comes first.
            self.armed = None;
        }
        // A socket that failed (most often: was reset) is closed without a log line.
        SCRATCH.with_borrow_mut(|scratch| self.try_step(scratch, messages)).unwrap_or(After::End)
    }

    fn try_step(&mut self, scratch: &mut Scratch, messages: Messages) -> io::Result<After> {
        let Self { shard, link, stream, .. } = self;
        let now = shard.shared.clock.now();
        let mut place = lock(&link.connection);
        let Some(connection) = place.as_mut() else { return Ok(After::End) };
        connection.ready.readable |= messages.is_woken;
        messages.list.into_iter().for_each(|message| connection.handle(message, now));
        let next = connection.drive(&mut stream.get_ref(), scratch, || shard.shared.views.load(), now)?;
        let expired = connection.handle_timeout(now).filter(|_| messages.is_woken);
        let after = match (next, expired) {
            (Next::Close(reason), _) => {
                connection.log_close(&reason, now);
                return Ok(After::End);
            }
            (Next::Again | Next::Rest | Next::Retry, Some(reason)) => {
                connection.log_close(&reason, now);
                connection.end(&mut stream.get_ref(), scratch, now);
                return Ok(After::End);
            }
            // Even to go on reading it waits for the reactor, which busy tasks keep waiting: others have been quiet.
            (Next::Rest | Next::Again, None) if link.mailbox.is_empty() && !connection.can_resume() => After::Wait,
            (Next::Rest | Next::Again, None) => After::Yield,
            (Next::Retry, None) => After::Sleep,
        };
        let deadline = connection.poll_timeout();
        drop(place);
        self.arm(deadline);
        Ok(after)
    }

    /// Has the shard wake it at the deadline, unless that happens earlier anyway.
    fn arm(&mut self, deadline: Option<Instant>) {
        if deadline.is_some_and(|deadline| self.armed.is_none_or(|armed| deadline < armed)) {
            self.shard.arm(self.serial, deadline);
            self.armed = deadline;
        }
    }

    /// Ready when there is something to do.
    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.link.mailbox.poll(context).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let mut place = lock(&self.link.connection);
        let Some(connection) = place.as_mut() else { return Poll::Ready(Ok(())) };
        if connection.wants_read()
            && let Poll::Ready(result) = self.stream.poll_readable(context)
        {
            connection.ready.readable = true;
            return Poll::Ready(result);
        }
        if connection.wants_write()
            && let Poll::Ready(result) = self.stream.poll_writable(context)
        {
            connection.ready.writable = true;
            return Poll::Ready(result);
        }
        Poll::Pending
    }
}
