//! The way into a task: its mailbox.

use namesrv_shell::server::ToIo;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// The messages to one task. Not a channel of the runtime, which would reserve memory for a full window of replies for
/// each connection: the window itself bounds what can be in it. Empty, it owns no memory.
#[derive(Default)]
pub(crate) struct Mailbox(Mutex<Messages>);

/// What a task was sent.
#[derive(Default)]
pub(crate) struct Messages {
    pub(crate) list: Vec<ToIo>,
    /// It was woken, because something that it shares with others has changed.
    pub(crate) is_woken: bool,
    /// The task, if it waits.
    waker: Option<Waker>,
}

impl Mailbox {
    /// Sends the task a message.
    pub(crate) fn deliver(&self, message: ToIo) {
        self.change(|messages| messages.list.push(message));
    }

    /// Wakes the task without a message.
    pub(crate) fn wake(&self) {
        self.change(|messages| messages.is_woken = true);
    }

    /// Everything that was sent since the last call.
    pub(crate) fn take(&self) -> Messages {
        mem::take(&mut lock(&self.0))
    }

    /// Whether there is nothing to take.
    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.0).is_empty()
    }

    /// Ready when there is something to take.
    pub(crate) fn poll(&self, context: &Context<'_>) -> Poll<()> {
        let mut messages = lock(&self.0);
        if !messages.is_empty() {
            return Poll::Ready(());
        }
        messages.waker = Some(context.waker().clone());
        Poll::Pending
    }

    fn change(&self, change: impl FnOnce(&mut Messages)) {
        let mut messages = lock(&self.0);
        change(&mut messages);
        let waker = messages.waker.take();
        drop(messages);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Messages {
    const fn is_empty(&self) -> bool {
        self.list.is_empty() && !self.is_woken
    }
}

/// Locks for a moment: nothing that is locked here is held while a task waits.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
