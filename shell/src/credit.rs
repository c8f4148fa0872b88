//! Returns credit for replies from the I/O threads to the registry thread.

use crate::queue::QueueSender;
use namesrv_core::node::Input;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Credit returns in pieces of at least this size, because an input for each reply would double the work of the queue.
/// The credit that is held back is small compared with what may be outstanding.
const PIECE: usize = 1024 * 1024;

/// Counts the bytes of replies that I/O threads have taken, and reports them to the registry thread.
#[derive(Debug)]
pub(crate) struct Credit {
    /// Taken, and not yet reported.
    bytes: AtomicUsize,
    queue: QueueSender,
}

impl Credit {
    /// Returns credit through `queue`.
    pub(crate) const fn new(queue: QueueSender) -> Self {
        Self { bytes: AtomicUsize::new(0), queue }
    }

    /// Notes that a reply of `bytes` bytes was taken or dropped.
    pub(crate) fn give_back(&self, bytes: usize) {
        if self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes < PIECE {
            return;
        }
        // Another thread may have reported all of it in the meantime.
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
