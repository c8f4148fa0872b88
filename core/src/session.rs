//! One connection: bytes to frames, frames to answers or to the registry.

use crate::config::Limits;
use crate::connection::answer;
use crate::route::RouteView;
use crate::time::{Duration, Instant, Now};
use crate::wire::{FrameError, Framing, Request, next_frame};
use alloc::vec::Vec;

/// What a call of [`Session::handle_input`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The next `length` bytes of the input are a frame for the registry: move them there, advance the input by as
    /// much, then call again.
    Forward {
        /// Bytes of the frame.
        length: usize,
    },
    /// The input holds no complete frame: keep what is left of it and read on. The frame will take `bytes` in all.
    NeedInput {
        /// Bytes of the frame as far as that is known: 4 or 8 when even its lengths are not there yet.
        bytes: usize,
    },
    /// Too much is unanswered or unsent: keep what is left of the input, read no more until a reply came or output was
    /// written, then call again.
    Paused,
}

/// The state machine of one connection.
///
/// It never blocks and never looks at a clock: the driver reads, calls [`handle_input`](Session::handle_input) until it
/// asks for more input or a pause, and writes what is in `output`.
#[derive(Debug)]
pub struct Session {
    idle_max: Duration,
    last_activity: Instant,
    /// When the first byte of the frame arrived that is incomplete now.
    frame_since: Option<Instant>,
    frame_time_max: Duration,
    /// Bytes of it that were there at the last call: more of them are activity.
    frame_bytes: usize,
    forwarded: usize,
}

impl Session {
    /// A session of a connection that was accepted now; `idle_max` of silence closes it, zero never does.
    #[must_use]
    pub fn new(limits: &Limits, idle_max: Duration, now: Now) -> Self {
        Self {
            idle_max,
            last_activity: now.monotonic,
            frame_since: None,
            frame_time_max: limits.frame_time_max,
            frame_bytes: 0,
            forwarded: 0,
        }
    }

    /// Takes frames from the front of `input` and appends to `output` the answers that `view` has. Frames for the
    /// registry are left in the input (see [`Step::Forward`]).
    ///
    /// # Errors
    /// An error means: write what is in `output`, then close.
    pub fn handle_input(
        &mut self,
        input: &mut &[u8],
        view: &RouteView,
        output: &mut Vec<u8>,
        now: Now,
    ) -> Result<Step, FrameError> {
        let limits = &view.limits;
        loop {
            if output.len() >= limits.output_bytes_pause {
                return Ok(Step::Paused);
            }
            match next_frame(input, limits)? {
                Framing::Incomplete { bytes } => {
                    self.note_incomplete(input.len(), now);
                    return Ok(Step::NeedInput { bytes });
                }
                Framing::Complete { frame, length } => {
                    let request = Request::decode(frame, limits)?;
                    self.note_complete(now);
                    if answer(&request, view, output, now) {
                        *input = &input[length..];
                    } else if self.forwarded >= limits.forwarded_per_connection_max {
                        return Ok(Step::Paused);
                    } else {
                        self.forwarded += 1;
                        return Ok(Step::Forward { length });
                    }
                }
            }
        }
    }

    /// One forwarded request was answered: opens the window, counts as activity.
    pub const fn handle_reply(&mut self, now: Now) {
        self.forwarded = self.forwarded.saturating_sub(1);
        self.last_activity = now.monotonic;
    }

    /// The peer took some output: counts as activity.
    pub const fn handle_written(&mut self, now: Now) {
        self.last_activity = now.monotonic;
    }

    /// Forwarded requests that are not answered yet.
    #[must_use]
    pub const fn forwarded(&self) -> usize {
        self.forwarded
    }

    /// When this connection has to be closed for silence or for a frame that takes too long; never when absent.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let idle = (!self.idle_max.is_zero()).then(|| self.last_activity + self.idle_max);
        let frame = self.frame_since.map(|since| since + self.frame_time_max);
        [idle, frame].into_iter().flatten().min()
    }

    fn note_complete(&mut self, now: Now) {
        self.last_activity = now.monotonic;
        self.frame_since = None;
        self.frame_bytes = 0;
    }

    fn note_incomplete(&mut self, bytes: usize, now: Now) {
        if bytes == 0 {
            self.frame_since = None;
        } else {
            if bytes > self.frame_bytes {
                self.last_activity = now.monotonic;
            }
            self.frame_since.get_or_insert(now.monotonic);
        }
        self.frame_bytes = bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Configuration;
    use crate::initial_state::InitialState;
    use crate::kv::KvTable;
    use crate::registry::{Output, Registry};
    use crate::time::WallTime;
    use alloc::sync::Arc;

    const IDLE_MAX: Duration = Duration::from_millis(1000);
    const FRAME_TIME_MAX: Duration = Duration::from_millis(1500);

    fn at(millis: u64) -> Now {
        Now { monotonic: Instant::from_millis(millis), wall: WallTime::UNIX_EPOCH }
    }

    /// A session since 0, and the view of a server without brokers.
    fn session() -> (Session, Arc<RouteView>) {
        let limits = Limits { frame_time_max: FRAME_TIME_MAX, ..Limits::default() };
        let configuration = Configuration::default();
        let serialization = configuration.serialization();
        let initial = InitialState { secret: [0; 16], limits, configuration, kv: KvTable::default(), serialization };
        let mut registry = Registry::new(initial, at(0));
        registry.handle_timeout(at(0));
        let view = core::iter::from_fn(|| registry.poll_output())
            .find_map(|output| if let Output::Publish(view) = output { Some(view) } else { None });
        (Session::new(&limits, IDLE_MAX, at(0)), view.unwrap())
    }

    /// A question for the registry.
    fn frame() -> Vec<u8> {
        let header = br#"{"code":206,"opaque":1}"#;
        let header_length = header.len() as u32;
        [&(4 + header_length).to_be_bytes()[..], &header_length.to_be_bytes(), header].concat()
    }

    #[test]
    fn what_is_read_answered_and_written_is_activity() {
        let (mut session, view) = session();
        assert_eq!(session.poll_timeout(), Some(Instant::START + IDLE_MAX));
        let step = session.handle_input(&mut frame().as_slice(), &view, &mut Vec::new(), at(10));
        assert_eq!(step, Ok(Step::Forward { length: frame().len() }));
        assert_eq!(session.poll_timeout(), Some(Instant::from_millis(10) + IDLE_MAX));
        session.handle_reply(at(20));
        assert_eq!(session.poll_timeout(), Some(Instant::from_millis(20) + IDLE_MAX));
        session.handle_written(at(30));
        assert_eq!(session.poll_timeout(), Some(Instant::from_millis(30) + IDLE_MAX));
    }

    #[test]
    fn only_new_bytes_of_a_frame_are_activity_and_none_of_them_gives_it_more_time() {
        let (mut session, view) = session();
        let frame = frame();
        let mut input = |bytes: usize, millis: u64| {
            let step = session.handle_input(&mut &frame[..bytes], &view, &mut Vec::new(), at(millis));
            assert!(matches!(step, Ok(Step::NeedInput { .. })), "{step:?}");
            session.poll_timeout()
        };
        assert_eq!(input(5, 100), Some(Instant::from_millis(100) + IDLE_MAX));
        assert_eq!(input(5, 200), Some(Instant::from_millis(100) + IDLE_MAX), "nothing new");
        assert_eq!(input(6, 300), Some(Instant::from_millis(300) + IDLE_MAX));
        assert_eq!(input(7, 900), Some(Instant::from_millis(100) + FRAME_TIME_MAX), "the first byte came at 100");
    }

    #[test]
    fn silence_is_for_ever_where_it_is_allowed() {
        let (_, view) = session();
        let mut session = Session::new(view.limits(), Duration::ZERO, at(0));
        assert_eq!(session.poll_timeout(), None);
        session.handle_written(at(10));
        assert_eq!(session.poll_timeout(), None);
    }
}
