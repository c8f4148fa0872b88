//! A mailbox of an I/O thread or a task: a queue of messages with a waker.

use crate::server::{Inbox, ToIo};
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Messages to one I/O thread or task.
///
/// This is not a channel, because a channel reserves memory; an empty mailbox owns none. The windows of the connections
/// bound its contents.
#[derive(Debug, Default)]
pub struct Mailbox(Mutex<State>);

/// Everything sent since the last call of [`Mailbox::take`].
#[derive(Debug, Default)]
pub struct Received {
    /// The messages, in order.
    pub messages: Vec<ToIo>,
    /// Whether the receiver was woken without a message, because something that it shares with others changed.
    pub is_woken: bool,
}

#[derive(Debug, Default)]
struct State {
    received: Received,
    /// Wakes the receiver.
    waker: Option<Waker>,
}

impl Mailbox {
    /// Wakes the receiver without a message.
    pub fn wake(&self) {
        self.change(|received| received.is_woken = true);
    }

    /// Takes everything sent since the last call.
    pub fn take(&self) -> Received {
        mem::take(&mut self.lock().received)
    }

    /// Whether there is nothing to take.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().received.is_empty()
    }

    /// Returns ready if there is something to take. Otherwise wakes the task once there is.
    pub fn poll(&self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if !state.received.is_empty() {
            return Poll::Ready(());
        }
        state.set_waker(context.waker());
        Poll::Pending
    }

    /// Sets the waker of the receiver. It is woken whenever the first message arrives.
    pub fn set_waker(&self, waker: &Waker) {
        self.lock().set_waker(waker);
    }

    fn change(&self, change: impl FnOnce(&mut Received)) {
        let mut state = self.lock();
        // The sender of the first message has woken the receiver, which will take all messages.
        let waker = if state.received.is_empty() { state.waker.clone() } else { None };
        change(&mut state.received);
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// No holder of this lock waits for anything.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn set_waker(&mut self, waker: &Waker) {
        match &mut self.waker {
            Some(own) => own.clone_from(waker),
            None => self.waker = Some(waker.clone()),
        }
    }
}

impl Received {
    const fn is_empty(&self) -> bool {
        self.messages.is_empty() && !self.is_woken
    }
}

impl Inbox for Mailbox {
    fn deliver(&self, message: ToIo) {
        self.change(|received| received.messages.push(message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;
    use std::time::Duration;

    /// Counts wake-ups.
    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Wakes {
        fn count(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    fn stop() -> ToIo {
        ToIo::Stop { within: Duration::ZERO }
    }

    #[test]
    fn only_the_first_message_wakes_the_receiver() {
        let (mailbox, wakes) = (Mailbox::default(), Arc::new(Wakes::default()));
        mailbox.set_waker(&Arc::clone(&wakes).into());
        mailbox.deliver(stop());
        mailbox.deliver(stop());
        mailbox.wake();
        assert_eq!(wakes.count(), 1);
        let received = mailbox.take();
        assert_eq!((received.messages.len(), received.is_woken), (2, true));
        mailbox.wake();
        assert_eq!(wakes.count(), 2, "the receiver may wait again");
    }

    #[test]
    fn a_task_waits_only_while_there_is_nothing_to_take() {
        let (mailbox, wakes) = (Mailbox::default(), Arc::new(Wakes::default()));
        let waker = Arc::clone(&wakes).into();
        let context = Context::from_waker(&waker);
        mailbox.deliver(stop());
        assert_eq!((mailbox.poll(&context), wakes.count()), (Poll::Ready(()), 0));
        mailbox.take();
        assert!(mailbox.poll(&context).is_pending() && mailbox.is_empty());
        mailbox.deliver(stop());
        assert_eq!((mailbox.poll(&context), wakes.count()), (Poll::Ready(()), 1));
    }

    #[test]
    fn the_waker_of_the_last_look_is_woken() {
        let (mailbox, first, second) = (Mailbox::default(), Arc::new(Wakes::default()), Arc::new(Wakes::default()));
        for wakes in [&first, &second] {
            let waker = Arc::clone(wakes).into();
            assert!(mailbox.poll(&Context::from_waker(&waker)).is_pending());
        }
        mailbox.wake();
        assert_eq!((first.count(), second.count()), (0, 1));
    }
}
