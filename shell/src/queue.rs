//! The queue in front of the registry thread. Requests are limited by number and bytes; other inputs are always
//! accepted.

use crate::quota::SharedQuotas;
use namesrv_core::node::Input;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

/// The end of the I/O threads, the saver and the signal handler.
#[derive(Clone, Debug)]
pub(crate) struct QueueSender {
    inputs: Sender<(Input, Instant)>,
}

/// The end of the registry thread.
#[derive(Debug)]
pub(crate) struct QueueReceiver {
    inputs: Receiver<(Input, Instant)>,
    quotas: Arc<SharedQuotas>,
    /// When the first request was queued of those received since the last call of `forget_oldest`.
    oldest: Cell<Option<Instant>>,
}

/// A queue whose requests are counted in `quotas`.
pub(crate) fn queue(quotas: &Arc<SharedQuotas>) -> (QueueSender, QueueReceiver) {
    let (sender, receiver) = mpsc::channel();
    (
        QueueSender { inputs: sender },
        QueueReceiver { inputs: receiver, quotas: Arc::clone(quotas), oldest: Cell::new(None) },
    )
}

impl QueueSender {
    /// Queues an input. The caller has reserved a place for a request (`Quotas::queue`); other inputs are always
    /// accepted. After the registry thread has ended, inputs are dropped.
    pub(crate) fn push(&self, input: Input) {
        let _ = self.inputs.send((input, Instant::now()));
    }
}

impl QueueReceiver {
    /// Waits for the next input, without limit if `timeout` is `None`. Returns `None` if none came in time.
    ///
    /// If all senders are gone, nothing can come any more, so this returns [`Input::Finish`].
    pub(crate) fn receive(&self, timeout: Option<Duration>) -> Option<Input> {
        match timeout {
            Some(timeout) => match self.inputs.recv_timeout(timeout) {
                Ok(queued) => Some(self.note(queued)),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => Some(Input::Finish),
            },
            None => Some(self.inputs.recv().map_or(Input::Finish, |queued| self.note(queued))),
        }
    }

    /// Returns the waiting inputs, without waiting for more.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = Input> {
        self.inputs.try_iter().map(|queued| self.note(queued))
    }

    /// Returns when the first request was queued of those received since the last
    /// [`forget_oldest`](Self::forget_oldest).
    pub(crate) const fn oldest(&self) -> Option<Instant> {
        self.oldest.get()
    }

    /// Notes that all received inputs have been handled.
    pub(crate) fn forget_oldest(&self) {
        self.oldest.set(None);
    }

    fn note(&self, (input, queued_at): (Input, Instant)) -> Input {
        if matches!(input, Input::Frame { .. }) {
            self.oldest.set(self.oldest.get().or(Some(queued_at)));
        }
        input
    }

    /// Returns the places of requests.
    pub(crate) fn release(&self, requests: usize, bytes: usize) {
        self.quotas.queue().release(requests, bytes);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use namesrv_core::ConnId;
    use namesrv_core::config::Limits;

    /// A queue with the default quotas.
    pub(crate) fn default_queue() -> (QueueSender, QueueReceiver) {
        queue(&SharedQuotas::shared(&Limits::default()))
    }

    #[test]
    fn requests_keep_their_place_until_it_is_released() {
        let limits = Limits { registry_queue_requests_max: 1, ..Limits::default() };
        let quotas = SharedQuotas::shared(&limits);
        let (_, receiver) = queue(&quotas);
        assert!(quotas.queue().try_reserve(6));
        assert!(!quotas.queue().try_reserve(6));
        receiver.release(1, 6);
        assert!(quotas.queue().try_reserve(6));
    }

    #[test]
    fn a_full_queue_still_takes_disconnects() {
        let limits = Limits { registry_queue_requests_max: 0, ..Limits::default() };
        let quotas = SharedQuotas::shared(&limits);
        let (sender, receiver) = queue(&quotas);
        assert!(!quotas.queue().try_reserve(0), "it has no room for a request");
        sender.push(Input::Disconnected(ConnId::new(0, 1)));
        assert_eq!(receiver.receive(None), Some(Input::Disconnected(ConnId::new(0, 1))));
    }

    #[test]
    fn inputs_arrive_in_order() {
        let (sender, receiver) = default_queue();
        sender.push(Input::Disconnected(ConnId::new(0, 1)));
        sender.push(Input::Stop);
        assert_eq!(receiver.receive(None), Some(Input::Disconnected(ConnId::new(0, 1))));
        assert_eq!(receiver.receive(Some(Duration::ZERO)), Some(Input::Stop));
        assert_eq!(receiver.receive(Some(Duration::ZERO)), None);
    }

    #[test]
    fn without_senders_the_server_ends() {
        let (sender, receiver) = default_queue();
        drop(sender);
        assert_eq!(receiver.receive(None), Some(Input::Finish));
        assert_eq!(receiver.receive(Some(Duration::from_secs(1000))), Some(Input::Finish));
    }
}
