//! Frames that arrive byte by byte.

use super::limits::limits;
use namesrv_core::wire::{Framing, next_frame};

/// However much of the input is there, what is said about its front never changes once it is said.
pub(super) fn frame(data: &[u8]) {
    let limits = limits();
    let mut rest = data;
    while let Ok(Framing::Complete { frame, length }) = judge_every_cut(rest) {
        assert!(length <= limits.frame_bytes_max && frame.header.len() <= limits.header_bytes_max);
        assert_eq!(8 + frame.header.len() + frame.body.len(), length, "header and body fill the frame");
        rest = &rest[length..];
    }
}

fn judge_every_cut(input: &[u8]) -> Result<Framing<'_>, namesrv_core::wire::FrameError> {
    let limits = limits();
    let judged = next_frame(input, &limits);
    let mut asked = 0;
    for end in 0..=input.len() {
        match next_frame(&input[..end], &limits) {
            Ok(Framing::Incomplete { bytes }) => {
                assert!(end < bytes && bytes <= limits.frame_bytes_max, "asks for {bytes} bytes and has {end}");
                assert!(end < 4 || asked == 0 || end == 4 || bytes == asked, "asks for {bytes} bytes after {asked}");
                asked = bytes;
            }
            early => assert_eq!(early, judged, "after {end} of {} bytes", input.len()),
        }
    }
    judged
}
