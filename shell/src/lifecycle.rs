//! How far the server is between its start and its end, for threads that only look.

use std::sync::atomic::{AtomicU8, Ordering};

/// How far the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The server reads files and starts threads.
    Starting,
    /// The server accepts connections.
    Serving,
    /// The server was told to stop.
    Draining,
    /// The I/O threads were told to stop, so threads end from now on.
    Ending,
    /// Everything is answered and saved.
    Stopped,
}

/// The stage that the server has reached.
#[derive(Debug, Default)]
pub(crate) struct Lifecycle(AtomicU8);

impl Stage {
    pub(crate) const ALL: [Self; 5] = [Self::Starting, Self::Serving, Self::Draining, Self::Ending, Self::Stopped];

    /// Whether the server was told to stop.
    pub(crate) const fn is_stopping(self) -> bool {
        match self {
            Self::Starting | Self::Serving => false,
            Self::Draining | Self::Ending | Self::Stopped => true,
        }
    }

    /// Whether threads are ending.
    pub(crate) const fn is_ending(self) -> bool {
        match self {
            Self::Starting | Self::Serving | Self::Draining => false,
            Self::Ending | Self::Stopped => true,
        }
    }
}

impl Lifecycle {
    /// Enters the stage. Returns false if it had begun already: a server never goes back to an earlier stage.
    pub(crate) fn enter(&self, stage: Stage) -> bool {
        self.0.fetch_max(stage as u8, Ordering::Relaxed) < stage as u8
    }

    /// Returns the current stage.
    pub(crate) fn stage(&self) -> Stage {
        let stage = self.0.load(Ordering::Relaxed);
        Stage::ALL.into_iter().find(|known| *known as u8 == stage).unwrap_or(Stage::Stopped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_never_goes_back() {
        let lifecycle = Lifecycle::default();
        assert_eq!(lifecycle.stage(), Stage::Starting);
        assert!(lifecycle.enter(Stage::Draining));
        assert!(!lifecycle.enter(Stage::Serving));
        assert!(!lifecycle.enter(Stage::Draining));
        assert_eq!(lifecycle.stage(), Stage::Draining, "a server may be stopped before it serves");
    }
}
