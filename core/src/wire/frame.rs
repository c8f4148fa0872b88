//! Frames: a length word, a header length word, a header and a body (Java: `NettyDecoder.decode`).

use super::error::{ForeignProtocol, FrameError};
use crate::limits::Limits;
use crate::serialization::Serialization;

/// Bytes of the length word.
const LENGTH_BYTES: usize = 4;
/// Bytes of both words before the header, which are also the shortest frame.
const PREFIX_BYTES: usize = 8;

/// One complete frame, split into its parts. Its contents are not checked yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawFrame<'a> {
    /// How the header is encoded.
    pub serialization: Serialization,
    /// The header bytes.
    pub header: &'a [u8],
    /// The body bytes, possibly empty.
    pub body: &'a [u8],
}

/// What the front of an input buffer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing<'a> {
    /// An incomplete frame. It has `bytes` bytes in all, counted from the front of the input.
    Incomplete {
        /// Bytes of the whole frame, as far as known.
        bytes: usize,
    },
    /// A complete frame of `length` bytes.
    Complete {
        /// The frame.
        frame: RawFrame<'a>,
        /// Its bytes, including the length word.
        length: usize,
    },
}

/// Looks for one frame at the front of `input`.
///
/// # Errors
/// A frame that breaks a rule of the layout or exceeds a limit, as soon as the bytes that show it have arrived.
pub fn next_frame<'a>(input: &'a [u8], limits: &Limits) -> Result<Framing<'a>, FrameError> {
    let Some((first, after_length)) = input.split_first_chunk::<LENGTH_BYTES>() else {
        return Ok(Framing::Incomplete { bytes: PREFIX_BYTES });
    };
    let announced = u32::from_be_bytes(*first);
    let length = frame_length(announced, *first, limits)?;
    let Some(([kind, high, middle, low], content)) = after_length.split_first_chunk::<4>() else {
        return Ok(Framing::Incomplete { bytes: length });
    };
    let room = length - PREFIX_BYTES;
    let header_length = u32::from_be_bytes([0, *high, *middle, *low]) as usize;
    let serialization = match kind {
        0 => Serialization::Json,
        1 => Serialization::Binary,
        unknown => return Err(FrameError::UnknownSerialization(*unknown)),
    };
    if header_length > room {
        return Err(FrameError::HeaderPastFrame { header: header_length, room });
    }
    if header_length > limits.header_bytes_max {
        return Err(FrameError::HeaderTooLong { header: header_length, max: limits.header_bytes_max });
    }
    let Some(content) = content.get(..room) else {
        return Ok(Framing::Incomplete { bytes: length });
    };
    let (header, body) = content.split_at(header_length);
    Ok(Framing::Complete { frame: RawFrame { serialization, header, body }, length })
}

/// Returns the bytes of the whole frame. They fit into a `usize`, because they are within the limit.
#[allow(clippy::cast_possible_truncation, reason = "see above")]
fn frame_length(announced: u32, first: [u8; LENGTH_BYTES], limits: &Limits) -> Result<usize, FrameError> {
    let length = u64::from(announced) + LENGTH_BYTES as u64;
    if length > limits.frame_bytes_max as u64 {
        return Err(match ForeignProtocol::recognise(first) {
            Some(protocol) => FrameError::Foreign(protocol),
            None => FrameError::TooLong { length, max: limits.frame_bytes_max },
        });
    }
    if length < PREFIX_BYTES as u64 {
        return Err(FrameError::TooShort(announced));
    }
    Ok(length as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn limits() -> Limits {
        Limits::default()
    }

    /// Builds a frame from its parts, with these length words.
    fn frame(length: u32, kind: u8, header_length: u32, content: &[u8]) -> Vec<u8> {
        let word = u32::from(kind) << 24 | header_length;
        [&length.to_be_bytes()[..], &word.to_be_bytes(), content].concat()
    }

    #[test]
    fn splits_a_frame_and_leaves_what_follows() {
        let input = frame(4 + 5, 0, 3, b"{ }bbnext");
        let expected = Framing::Complete {
            frame: RawFrame { serialization: Serialization::Json, header: b"{ }", body: b"bb" },
            length: 13,
        };
        assert_eq!(next_frame(&input, &limits()), Ok(expected));
    }

    #[test]
    fn takes_frames_without_body_or_content() {
        let input = frame(4 + 2, 1, 2, b"hh");
        assert!(matches!(next_frame(&input, &limits()), Ok(Framing::Complete { length: 10, frame })
            if frame.body.is_empty() && frame.serialization == Serialization::Binary));
        assert!(matches!(next_frame(&frame(4, 0, 0, b""), &limits()), Ok(Framing::Complete { length: 8, .. })));
    }

    #[test]
    fn tells_how_many_bytes_it_waits_for() {
        let input = frame(4 + 5, 0, 3, b"{ }bb");
        for length in 0..input.len() {
            let bytes = if length < 4 { 8 } else { 13 };
            assert_eq!(next_frame(&input[..length], &limits()), Ok(Framing::Incomplete { bytes }), "{length} bytes");
        }
    }

    #[test]
    fn the_largest_frame_is_waited_for_and_one_byte_more_is_refused_at_once() {
        let largest = 16_777_212_u32.to_be_bytes();
        assert_eq!(next_frame(&largest, &limits()), Ok(Framing::Incomplete { bytes: 16 * 1024 * 1024 }));
        let error = FrameError::TooLong { length: 16_777_217, max: 16_777_216 };
        assert_eq!(next_frame(&16_777_213_u32.to_be_bytes(), &limits()), Err(error));
        let error = FrameError::TooLong { length: 0x1_0000_0003, max: 16_777_216 };
        assert_eq!(next_frame(&[0xff; 4], &limits()), Err(error));
    }

    #[test]
    fn refuses_what_breaks_the_layout_before_the_rest_arrives() {
        for announced in 0..4_u32 {
            assert_eq!(next_frame(&announced.to_be_bytes(), &limits()), Err(FrameError::TooShort(announced)));
        }
        let past = FrameError::HeaderPastFrame { header: 13, room: 12 };
        assert_eq!(next_frame(&frame(16, 0, 13, b""), &limits()), Err(past));
        for kind in 2..=255 {
            assert_eq!(next_frame(&frame(25, kind, 21, b""), &limits()), Err(FrameError::UnknownSerialization(kind)));
        }
    }

    #[test]
    fn refuses_a_header_over_its_own_limit() {
        let limits = Limits { header_bytes_max: 100, ..limits() };
        assert_eq!(next_frame(&frame(1000, 0, 100, b""), &limits), Ok(Framing::Incomplete { bytes: 1004 }));
        let error = FrameError::HeaderTooLong { header: 101, max: 100 };
        assert_eq!(next_frame(&frame(1000, 0, 101, b""), &limits), Err(error));
    }
}
