//! The way back of credit for replies, from I/O threads to the registry thread.

use crate::queue::QueueSender;
use namesrv_core::node::Input;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Credit goes back in pieces of at least this size: an input for each reply would double the work of the queue. What
/// is not given back yet is small beside what may be out.
const PIECE: usize = 1024 * 1024;

/// Counts the bytes of replies that I/O threads have taken, and tells the registry thread.
#[derive(Debug)]
pub(crate) struct Credit {
    /// Taken, and not yet told.
    bytes: AtomicUsize,
    queue: QueueSender,
}

impl Credit {
    /// Gives back to the receiver of `queue`.
    pub(crate) const fn new(queue: QueueSender) -> Self {
        Self { bytes: AtomicUsize::new(0), queue }
    }

    /// A reply of `bytes` bytes was taken, or dropped.
    pub(crate) fn give_back(&self, bytes: usize) {
        if self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes < PIECE {
            return;
        }
        // Another thread may have told all of it meanwhile.
        let bytes = self.bytes.swap(0, Ordering::Relaxed);
        if bytes > 0 {
            self.queue.push(Input::ReplyTaken { bytes });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::tests::default_queue;
    use namesrv_core::node::REPLY_BYTES_MAX;
    use std::thread;

    #[test]
    fn credit_goes_back_in_pieces_and_none_is_lost() {
        let (sender, receiver) = default_queue();
        let credit = Credit::new(sender);
        thread::scope(|scope| {
            (0..4).for_each(|_| _ = scope.spawn(|| (0..1000).for_each(|_| credit.give_back(1000))));
        });
        let pieces: Vec<_> = receiver.waiting().collect();
        let told: usize =
            pieces.iter().map(|input| if let Input::ReplyTaken { bytes } = input { *bytes } else { 0 }).sum();
        assert!((1..=4).contains(&pieces.len()), "{pieces:?}");
        assert_eq!(told + credit.bytes.into_inner(), 4 * 1000 * 1000);
    }

    #[test]
    fn what_is_kept_back_never_stops_the_node() {
        let (sender, receiver) = default_queue();
        let credit = Credit::new(sender);
        (0..REPLY_BYTES_MAX).step_by(1000).for_each(|_| credit.give_back(1000));
        assert!(receiver.waiting().count() > 0);
        assert!(credit.bytes.into_inner() < PIECE, "the registry thread would wait for it");
    }
}
