//! The queue in front of the registry: requests are bounded in number and bytes, everything else always gets in.

use bytes::Bytes;
use namesrv_core::registry::SaveTicket;
use namesrv_core::{ConnId, Peer};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

/// What the registry thread works on.
#[derive(Debug)]
pub(crate) enum Input {
    /// A forwarded frame.
    Frame(Peer, Bytes),
    /// A connection is gone.
    Disconnected(ConnId),
    /// A save ended.
    Saved(SaveTicket, Result<(), String>),
    /// The I/O threads can be reached and begin to accept.
    Attached,
    /// The operator wants the server to stop.
    Stop,
    /// All I/O threads are done: nothing comes after this.
    Finish,
}

/// The end that the I/O threads, the saver and the signal handler hold.
#[derive(Clone, Debug)]
pub(crate) struct QueueSender {
    inputs: Sender<Input>,
    load: Arc<Load>,
}

/// The end that the registry thread holds.
#[derive(Debug)]
pub(crate) struct QueueReceiver {
    inputs: Receiver<Input>,
    load: Arc<Load>,
}

/// What waits in the queue.
#[derive(Debug)]
struct Load {
    inputs: AtomicUsize,
    requests: AtomicUsize,
    bytes: AtomicUsize,
    requests_max: usize,
    bytes_max: usize,
}

/// A queue that holds at most so many requests and so many bytes of them.
pub(crate) fn queue(requests_max: usize, bytes_max: usize) -> (QueueSender, QueueReceiver) {
    let (sender, receiver) = mpsc::channel();
    let load = Arc::new(Load {
        inputs: AtomicUsize::new(0),
        requests: AtomicUsize::new(0),
        bytes: AtomicUsize::new(0),
        requests_max,
        bytes_max,
    });
    (QueueSender { inputs: sender, load: Arc::clone(&load) }, QueueReceiver { inputs: receiver, load })
}

impl QueueSender {
    /// Queues a request.
    ///
    /// # Errors
    /// There is no room; the frame comes back.
    pub(crate) fn offer(&self, peer: Peer, frame: Bytes) -> Result<(), Bytes> {
        let load = &self.load;
        if !take(&load.requests, 1, load.requests_max) {
            return Err(frame);
        }
        if !take(&load.bytes, frame.len(), load.bytes_max) {
            load.requests.fetch_sub(1, Ordering::Relaxed);
            return Err(frame);
        }
        self.push(Input::Frame(peer, frame));
        Ok(())
    }

    /// Queues anything else. It always gets in; nobody receives it once the registry thread is done.
    pub(crate) fn push(&self, input: Input) {
        self.load.inputs.fetch_add(1, Ordering::Relaxed);
        let _ = self.inputs.send(input);
    }
}

impl QueueReceiver {
    /// The next input; none when none came in time. Waits for ever without a timeout.
    pub(crate) fn receive(&self, timeout: Option<Duration>) -> Option<Input> {
        let input = match timeout {
            Some(Duration::ZERO) => self.inputs.try_recv().ok(),
            Some(timeout) => match self.inputs.recv_timeout(timeout) {
                Ok(input) => Some(input),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => Some(Input::Finish),
            },
            None => Some(self.inputs.recv().unwrap_or(Input::Finish)),
        }?;
        self.load.inputs.fetch_sub(1, Ordering::Relaxed);
        if let Input::Frame(_, frame) = &input {
            self.load.requests.fetch_sub(1, Ordering::Relaxed);
            self.load.bytes.fetch_sub(frame.len(), Ordering::Relaxed);
        }
        Some(input)
    }

    /// Inputs that wait now.
    pub(crate) fn waiting(&self) -> usize {
        self.load.inputs.load(Ordering::Relaxed)
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

    fn peer() -> Peer {
        Peer { conn: ConnId::new(0, 1), address: ([127, 0, 0, 1], 1).into() }
    }

    #[test]
    fn requests_are_bounded_in_number_and_bytes() {
        let (sender, receiver) = queue(2, 10);
        let frame = Bytes::from_static(b"123456");
        assert_eq!(sender.offer(peer(), frame.clone()), Ok(()));
        assert_eq!(sender.offer(peer(), frame.clone()), Err(frame.clone()), "12 bytes");
        assert_eq!(sender.offer(peer(), Bytes::from_static(b"1234")), Ok(()));
        assert_eq!(sender.offer(peer(), Bytes::new()), Err(Bytes::new()), "three requests");
        assert!(matches!(receiver.receive(None), Some(Input::Frame(..))));
        assert_eq!(sender.offer(peer(), frame), Ok(()), "room again");
    }

    #[test]
    fn a_full_queue_still_takes_disconnects() {
        let (sender, receiver) = queue(1, 1);
        assert_eq!(sender.offer(peer(), Bytes::from_static(b"1")), Ok(()));
        sender.push(Input::Disconnected(peer().conn));
        assert_eq!(receiver.waiting(), 2);
        assert!(matches!(receiver.receive(None), Some(Input::Frame(..))));
        assert!(matches!(receiver.receive(None), Some(Input::Disconnected(conn)) if conn == peer().conn));
        assert!(receiver.receive(Some(Duration::ZERO)).is_none());
        assert_eq!(receiver.waiting(), 0);
    }
}
