//! The way into tasks: a mailbox for each, found by the connection's serial.

use crate::server::Lane;
use namesrv_shell::server::{Inbox, ToIo};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// The end that the registry thread and the signal handler deliver to: a lane and its connections.
pub(crate) struct Sender(pub(crate) Arc<Lane>);

/// What others tell one task. Not a channel of the runtime, which would reserve memory for a full window of replies for
/// each connection: the window itself bounds what can be in it. Empty, it owns no memory.
#[derive(Default)]
pub(crate) struct Mailbox(Mutex<Mail>);

/// What a task was told.
#[derive(Default)]
pub(crate) struct Mail {
    pub(crate) messages: Vec<ToIo>,
    /// It should look round, because something that it shares with others has changed.
    pub(crate) nudged: bool,
    /// The task, if it waits.
    waker: Option<Waker>,
}

impl Inbox for Sender {
    fn deliver(&self, message: ToIo) {
        match &message {
            ToIo::Reply { conn, .. } | ToIo::Close { conn, .. } => {
                if let Some(link) = self.0.link(conn.serial()) {
                    link.mailbox.deliver(message);
                }
            }
            ToIo::Stop { .. } => self.0.mailbox.deliver(message),
        }
    }
}

impl Mailbox {
    /// Tells the task something.
    pub(crate) fn deliver(&self, message: ToIo) {
        self.tell(|mail| mail.messages.push(message));
    }

    /// Makes the task look round.
    pub(crate) fn nudge(&self) {
        self.tell(|mail| mail.nudged = true);
    }

    /// Everything that was told since the last call.
    pub(crate) fn take(&self) -> Mail {
        mem::take(&mut lock(&self.0))
    }

    /// Whether there is nothing to take.
    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.0).is_empty()
    }

    /// Ready when there is something to take.
    pub(crate) fn poll(&self, context: &Context<'_>) -> Poll<()> {
        let mut mail = lock(&self.0);
        if !mail.is_empty() {
            return Poll::Ready(());
        }
        mail.waker = Some(context.waker().clone());
        Poll::Pending
    }

    fn tell(&self, tell: impl FnOnce(&mut Mail)) {
        let mut mail = lock(&self.0);
        tell(&mut mail);
        let waker = mail.waker.take();
        drop(mail);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Mail {
    const fn is_empty(&self) -> bool {
        self.messages.is_empty() && !self.nudged
    }
}

/// Locks for a moment: nothing that is locked here is held while a task waits.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
