//! Tells other threads that something is over, however it ends.

use std::sync::atomic::{AtomicBool, Ordering};

/// Sets a flag when it is dropped.
pub(crate) struct SetOnDrop<'a>(pub(crate) &'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
