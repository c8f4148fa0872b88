//! The way into one I/O thread: a queue and a waker.

use mio::Waker;
use namesrv_shell::server::{Inbox, ToIo};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The end that the registry thread and the signal handler deliver to.
pub(crate) struct Sender {
    queue: Queue,
    waker: Waker,
}

/// The end that the I/O thread takes from.
#[derive(Clone, Default)]
pub(crate) struct Queue(Arc<Mutex<Vec<ToIo>>>);

impl Sender {
    /// Delivers to `queue` and wakes the thread that `waker` belongs to.
    pub(crate) const fn new(queue: Queue, waker: Waker) -> Self {
        Self { queue, waker }
    }
}

impl Inbox for Sender {
    fn deliver(&self, message: ToIo) {
        let mut queue = self.queue.lock();
        queue.push(message);
        // Whoever made it non-empty has woken the thread, which takes all there is.
        let first = queue.len() == 1;
        drop(queue);
        if first && let Err(error) = self.waker.wake() {
            tracing::error!(%error, "cannot wake an I/O thread");
        }
    }
}

impl Queue {
    /// Everything that was delivered since the last call.
    pub(crate) fn take(&self) -> Vec<ToIo> {
        mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<ToIo>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
