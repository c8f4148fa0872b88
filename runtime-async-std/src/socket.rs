//! One socket and the connection over it.

use crate::shard::{Link, Shard};
use async_io::{Async, Timer};
use async_std::task;
use namesrv_core::connection::Next;
use namesrv_core::time::Instant;
use namesrv_shell::mailbox::Received;
use namesrv_shell::shard::RETRY;
use namesrv_shell::stack::Scratch;
use std::cell::RefCell;
use std::future;
use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::task::{Context, Poll};

thread_local! {
    /// A step never waits, so one for each thread is enough, however many connections there are.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// The part of a socket that its task owns. It remembers what the reactor reported, because each question to the
/// reactor is a system call.
pub(crate) struct Socket {
    serial: u64,
    shard: Arc<Shard>,
    link: Arc<Link>,
    stream: Async<TcpStream>,
    /// When the shard will wake it.
    armed: Option<Instant>,
}

impl Socket {
    pub(crate) const fn new(serial: u64, shard: Arc<Shard>, link: Arc<Link>, stream: Async<TcpStream>) -> Self {
        Self { serial, shard, link, stream, armed: None }
    }

    /// Takes steps until the connection is done, and closes it.
    pub(crate) async fn run(mut self) {
        loop {
            match self.step() {
                Some(Next::Again) => task::yield_now().await,
                Some(Next::Rest) => {
                    if future::poll_fn(|context| self.poll_event(context)).await.is_err() {
                        break;
                    }
                }
                Some(Next::Retry) => _ = Timer::after(RETRY).await,
                Some(Next::Close(_)) | None => break,
            }
        }
        let Self { serial, shard, link, stream, .. } = self;
        drop(link.connection().take());
        // The shard may be waiting for a free descriptor.
        drop(stream);
        shard.remove(serial);
    }

    /// Handles its messages, and does a bounded amount of work. Nothing waits in here, so a task that is dropped while
    /// it waits loses nothing. Returns `None` if the connection is closed.
    fn step(&mut self) -> Option<Next> {
        let received = self.link.mailbox.take();
        if received.is_woken {
            // The deadline may have passed, but what the client sent comes first.
            self.armed = None;
        }
        // A socket that failed (most often because the client reset it) is closed without a log line.
        SCRATCH.with_borrow_mut(|scratch| self.try_step(scratch, received)).ok().flatten()
    }

    fn try_step(&mut self, scratch: &mut Scratch, received: Received) -> io::Result<Option<Next>> {
        let Self { shard, link, stream, .. } = self;
        let now = shard.shared.clock.now();
        let mut place = link.connection();
        let Some(connection) = place.as_mut() else { return Ok(None) };
        connection.ready().readable |= received.is_woken;
        received.messages.into_iter().for_each(|message| connection.handle(message, now));
        let next = connection.drive(&mut stream.get_ref(), scratch, || shard.shared.views.load(), now)?;
        let expired = connection.handle_timeout(now).filter(|_| received.is_woken);
        let next = match (next, expired) {
            (Next::Close(reason), _) => {
                connection.log_close(&reason, now);
                return Ok(None);
            }
            (Next::Again | Next::Rest | Next::Retry, Some(reason)) => {
                connection.log_close(&reason, now);
                connection.end(&mut stream.get_ref(), scratch, now);
                return Ok(None);
            }
            // Waits for the reactor even if there is more to read: busy tasks would keep the reactor from reporting
            // other sockets.
            (Next::Rest | Next::Again, None) if link.mailbox.is_empty() && !connection.can_resume() => Next::Rest,
            (Next::Rest | Next::Again, None) => Next::Again,
            (Next::Retry, None) => Next::Retry,
        };
        let deadline = connection.poll_timeout();
        drop(place);
        // The shard wakes it at the deadline, unless it already wakes it earlier.
        if deadline.is_some_and(|deadline| self.armed.is_none_or(|armed| deadline < armed)) {
            self.shard.sockets().arm(self.serial, deadline);
            self.armed = deadline;
        }
        Ok(Some(next))
    }

    /// Returns ready if there is something to do.
    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.link.mailbox.poll(context).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let mut place = self.link.connection();
        let Some(connection) = place.as_mut() else { return Poll::Ready(Ok(())) };
        if connection.wants_read()
            && let Poll::Ready(result) = self.stream.poll_readable(context)
        {
            connection.ready().readable = true;
            return Poll::Ready(result);
        }
        if connection.wants_write()
            && let Poll::Ready(result) = self.stream.poll_writable(context)
        {
            connection.ready().writable = true;
            return Poll::Ready(result);
        }
        Poll::Pending
    }
}
