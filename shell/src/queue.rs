//! The queue in front of the registry thread. Requests are bounded in number and bytes; everything else always gets in.

use bytes::Bytes;
use namesrv_core::Peer;
use namesrv_core::node::Input;
use namesrv_core::quota::{Counter, QueueQuota};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

/// The end that the I/O threads, the saver and the signal handler hold.
#[derive(Clone, Debug)]
pub(crate) struct QueueSender {
    inputs: Sender<Input>,
    quota: Arc<QueueQuota<SharedCounter>>,
}

/// The end that the registry thread holds.
#[derive(Debug)]
pub(crate) struct QueueReceiver {
    inputs: Receiver<Input>,
    quota: Arc<QueueQuota<SharedCounter>>,
}

/// A queue that holds at most `requests_max` requests of `bytes_max` bytes in all.
pub(crate) fn queue(requests_max: usize, bytes_max: usize) -> (QueueSender, QueueReceiver) {
    let (sender, receiver) = mpsc::channel();
    let quota = Arc::new(QueueQuota::new(requests_max, bytes_max));
    (QueueSender { inputs: sender, quota: Arc::clone(&quota) }, QueueReceiver { inputs: receiver, quota })
}

impl QueueSender {
    /// Queues a request.
    ///
    /// # Errors
    /// The queue is full; the frame comes back.
    pub(crate) fn offer(&self, peer: Peer, frame: Bytes) -> Result<(), Bytes> {
        if !self.quota.try_reserve(frame.len()) {
            return Err(frame);
        }
        self.push(Input::Frame { peer, frame });
        Ok(())
    }

    /// Returns the number of requests that wait, or are in the batch that is worked on.
    pub(crate) fn requests(&self) -> usize {
        self.quota.requests()
    }

    /// Queues anything else. It always gets in; nobody receives it once the registry thread has ended.
    pub(crate) fn push(&self, input: Input) {
        let _ = self.inputs.send(input);
    }
}

impl QueueReceiver {
    /// Waits for the next input, for ever without a `timeout`. Returns `None` when none came in time.
    ///
    /// Without senders nothing can come any more: that is [`Input::Finish`].
    pub(crate) fn receive(&self, timeout: Option<Duration>) -> Option<Input> {
        match timeout {
            Some(timeout) => match self.inputs.recv_timeout(timeout) {
                Ok(input) => Some(input),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => Some(Input::Finish),
            },
            None => Some(self.inputs.recv().unwrap_or(Input::Finish)),
        }
    }

    /// The inputs that wait, without waiting for more.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = Input> {
        self.inputs.try_iter()
    }

    /// Gives places back that [`QueueSender::offer`] reserved.
    pub(crate) fn release(&self, requests: usize, bytes: usize) {
        self.quota.release(requests, bytes);
    }
}

/// A counter that threads share.
#[derive(Debug, Default)]
pub(crate) struct SharedCounter(AtomicUsize);

impl Counter for SharedCounter {
    fn try_add(&self, amount: usize, max: usize) -> bool {
        take(&self.0, amount, max)
    }

    fn add(&self, amount: usize) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    fn subtract(&self, amount: usize) {
        let before = self.0.fetch_sub(amount, Ordering::Relaxed);
        debug_assert!(amount <= before, "{amount} returned of {before}");
    }

    fn sum(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Adds to a counter unless that passes `max`.
pub(crate) fn take(counter: &AtomicUsize, amount: usize, max: usize) -> bool {
    let before = counter.fetch_add(amount, Ordering::Relaxed);
    let fits = before.checked_add(amount).is_some_and(|after| after <= max);
    if !fits {
        counter.fetch_sub(amount, Ordering::Relaxed);
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::*;
    use namesrv_core::ConnId;

    fn peer() -> Peer {
        Peer { conn: ConnId::new(0, 1), address: ([127, 0, 0, 1], 1).into() }
    }

    #[test]
    fn requests_keep_their_place_until_it_is_released() {
        let (sender, receiver) = queue(2, 10);
        let frame = Bytes::from_static(b"123456");
        assert_eq!(sender.offer(peer(), frame.clone()), Ok(()));
        assert_eq!(sender.offer(peer(), frame.clone()), Err(frame.clone()), "12 bytes");
        assert_eq!(sender.offer(peer(), Bytes::from_static(b"1234")), Ok(()));
        assert_eq!(receiver.waiting().count(), 2);
        assert_eq!(sender.offer(peer(), Bytes::new()), Err(Bytes::new()), "received, but not released");
        receiver.release(1, 6);
        assert_eq!(sender.offer(peer(), frame), Ok(()));
    }

    #[test]
    fn a_full_queue_still_takes_disconnects() {
        let (sender, receiver) = queue(1, 1);
        assert_eq!(sender.offer(peer(), Bytes::from_static(b"1")), Ok(()));
        sender.push(Input::Disconnected(peer().conn));
        assert!(matches!(receiver.receive(None), Some(Input::Frame { .. })));
        assert_eq!(receiver.receive(Some(Duration::ZERO)), Some(Input::Disconnected(peer().conn)));
        assert_eq!(receiver.receive(Some(Duration::ZERO)), None);
    }

    #[test]
    fn without_senders_the_server_ends() {
        let (sender, receiver) = queue(1, 1);
        drop(sender);
        assert_eq!(receiver.receive(None), Some(Input::Finish));
        assert_eq!(receiver.receive(Some(Duration::from_secs(1000))), Some(Input::Finish));
    }
}
