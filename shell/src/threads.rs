//! The threads of the shell.

use std::thread;

/// Builds a thread with a name, and with a stack that is large enough for name resolution and formatting.
pub(crate) fn named(name: &str) -> thread::Builder {
    thread::Builder::new().name(name.to_owned()).stack_size(512 * 1024)
}
