//! One connection: bytes to frames, frames to answers or to the registry.

use crate::config::Limits;
use crate::route::RouteView;
use crate::time::{Millis, Now};
use crate::wire::FrameError;

/// What a call of [`Session::handle_input`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Frames were answered and there may be more: write the output, then call again.
    Replied,
    /// The next `length` bytes of the input are a frame for the registry: move them there, then call again.
    Forward {
        /// Bytes of the frame.
        length: usize,
    },
    /// The input holds no complete frame: keep what is left of it and read on. The frame will take `bytes` in all.
    NeedInput {
        /// Bytes of the frame as far as that is known.
        bytes: usize,
    },
    /// Too much is unanswered or unsent: read no more until a reply came or output was written, then call again.
    Paused,
}

/// The state machine of one connection.
#[derive(Debug)]
pub struct Session {
    limits: Limits,
}

impl Session {
    /// A session of a connection that was accepted now; `idle_max` of silence closes it, zero never.
    #[must_use]
    pub fn new(limits: Limits, _idle_max: Millis, _now: Now) -> Self {
        Self { limits }
    }

    /// Takes frames from the front of `input` and answers into `output` what the view answers.
    ///
    /// # Errors
    /// An error means: write what is in `output`, then close.
    pub fn handle_input(
        &mut self,
        _input: &mut &[u8],
        _view: &RouteView,
        _output: &mut alloc::vec::Vec<u8>,
        _now: Now,
    ) -> Result<Step, FrameError> {
        let _ = self.limits;
        todo!()
    }

    /// One forwarded request was answered: opens the window, counts as activity.
    pub fn handle_reply(&mut self, _now: Now) {
        todo!()
    }

    /// When this connection has to be closed for silence or for a frame that takes too long; never when absent.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Millis> {
        todo!()
    }
}
