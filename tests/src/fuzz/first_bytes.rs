//! Connections of peers that speak something else.

use super::session::view;
use crate::conversation::converse;
use namesrv_core::connection::CloseReason;
use namesrv_core::wire::{ForeignProtocol, FrameError};

/// What a peer of another protocol says first.
const OPENINGS: [(&[u8], Option<ForeignProtocol>); 12] = [
    (b"\x16\x03\x01", Some(ForeignProtocol::Tls)),
    (b"\x16\x03\x03\x02\x00\x01\x00\x01\xfc\x03\x03", Some(ForeignProtocol::Tls)),
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 40000 9876\r\n", Some(ForeignProtocol::Proxy)),
    (b"PROXY UNKNOWN\r\n", Some(ForeignProtocol::Proxy)),
    (b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c", Some(ForeignProtocol::Proxy)),
    (b"GET / HTTP/1.1\r\n", Some(ForeignProtocol::Http)),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Some(ForeignProtocol::Http)),
    (b"POST ", Some(ForeignProtocol::Http)),
    (b"SSH-2.0-", None),
    (b"\x16\x02", None),
    (b"PROF", None),
    (b"\xff\xff", None),
];

/// The first byte chooses an opening, the second how the bytes are cut. Whatever follows, such a connection is closed
/// for the right reason with its fourth byte, and nothing is written to it or handed on from it.
pub(super) fn first_bytes(data: &[u8]) {
    let Some(([choice, piece], rest)) = data.split_first_chunk::<2>() else { return };
    let (opening, protocol) = OPENINGS[usize::from(*choice) % OPENINGS.len()];
    let input = [opening, rest].concat();
    let seen = converse(input.chunks(usize::from(*piece).max(1)), true, view(0));
    assert_eq!((seen.written.as_slice(), seen.forwarded.len()), (b"".as_slice(), 0));
    match &seen.end {
        CloseReason::EndOfStream => assert!(input.len() < 4, "waits for more than {} bytes", input.len()),
        CloseReason::Malformed(FrameError::Foreign(found)) if protocol.is_some() => assert_eq!(Some(*found), protocol),
        CloseReason::Malformed(FrameError::Foreign(found)) => {
            assert!(opening.len() < 4, "takes {opening:?} for {found}")
        }
        CloseReason::Malformed(FrameError::TooLong { .. }) => assert_eq!(protocol.filter(|_| input.len() >= 4), None),
        CloseReason::Malformed(_)
        | CloseReason::Stopped
        | CloseReason::Registry(_)
        | CloseReason::OutputFull { .. }
        | CloseReason::InputFull { .. }
        | CloseReason::Idle
        | CloseReason::SlowFrame
        | CloseReason::SlowHandshake => panic!("{}", seen.end),
    }
}
