//! Signals: SIGTERM and SIGINT stop the server gracefully, a second one at once. SIGHUP is ignored: there is nothing to
//! read again, and a server must survive the terminal that it was started from. SIGXFSZ is ignored, so that a file that may
//! not grow is an error of its write.

use crate::queue::QueueSender;
use namesrv_core::node::Input;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;
use std::io;
use tracing::info;

/// Signals caught from now on, so that even a process 1, for which the kernel has no default, reacts to them.
#[derive(Debug)]
pub(crate) struct Caught(Signals);

/// Catches the signals; those that come before [`Caught::watch`] are kept.
///
/// # Errors
/// The operating system refuses.
pub(crate) fn catch() -> io::Result<Caught> {
    Ok(Caught(Signals::new([SIGTERM, SIGINT, SIGHUP, SIGXFSZ])?))
}

impl Caught {
    /// Passes them on from now on.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub(crate) fn watch(self, queue: QueueSender) -> io::Result<()> {
        crate::thread("signals").spawn(move || watch(self.0, &queue))?;
        Ok(())
    }
}

fn watch(mut signals: Signals, queue: &QueueSender) {
    let mut stopping = false;
    for signal in signals.forever() {
        if signal == SIGHUP {
            info!("SIGHUP ignored");
        } else if signal == SIGXFSZ {
            // Whoever wrote is told.
        } else if stopping {
            // As a shell reports a process that a signal ended.
            std::process::exit(128 + signal);
        } else {
            stopping = true;
            queue.push(Input::Stop);
        }
    }
}
