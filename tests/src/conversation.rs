//! Whole conversations with one connection, over a view that does not change.

use bytes::Bytes;
use namesrv_core::connection::{Answers, CloseReason, Connection, Paused, Read, Reading};
use namesrv_core::node::Input;
use namesrv_core::quota::Quotas;
use namesrv_core::route::RouteView;
use namesrv_core::time::{Instant, Now, WallTime};
use namesrv_core::{ConnId, Peer};
use std::cell::Cell;

const NOW: Now = Now { monotonic: Instant::from_millis(2_000_000), wall: WallTime::from_millis(1_750_001_000_000) };

/// What a whole conversation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Everything that was written.
    pub written: Vec<u8>,
    /// Requests for the node.
    pub forwarded: Vec<Vec<u8>>,
    /// Why it was closed.
    pub end: CloseReason,
}

/// Lets a connection read the input in pieces, and then the end of the stream. Replies to
/// what it forwards come at once, or not before it waits for them.
///
/// # Panics
/// The connection asks for what it cannot need, or keeps something of a quota.
pub fn converse<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, is_prompt: bool, view: &RouteView) -> Seen {
    let quotas = Quotas::<Cell<usize>>::shared(view.limits());
    let peer = Peer { conn: ConnId::new(0, 1), address: ([127, 0, 0, 1], 40_000).into() };
    let mut connection = Connection::open(peer, view, &quotas, NOW).expect("the first connection");
    let mut seen = Seen { written: Vec::new(), forwarded: Vec::new(), end: CloseReason::EndOfStream };
    let pieces = pieces.into_iter().filter(|piece| !piece.is_empty());
    for read in pieces.map(Read::Bytes).chain([Read::Eof]) {
        if let Some(end) = take(&mut connection, read, is_prompt, view, &quotas, &mut seen) {
            seen.end = end;
            break;
        }
    }
    drop(connection);
    assert!(quotas.is_unused(), "a connection keeps {quotas:?}");
    seen
}

/// Lets a connection deal with one piece, as far as it ever can. Returns why it closes.
fn take(
    connection: &mut Connection,
    read: Read<&[u8]>,
    is_prompt: bool,
    view: &RouteView,
    quotas: &Quotas<Cell<usize>>,
    seen: &mut Seen,
) -> Option<CloseReason> {
    let mut next = Some(read);
    let mut answers = Answers::default();
    while let Some(read) = next.take() {
        let reading = connection.handle_read(read, view, &mut answers, NOW);
        connection.handle_answers(&mut answers.bytes, 0, NOW);
        while let Some(input) = connection.poll_forward() {
            if let Input::Frame { frame, .. } = input {
                quotas.queue().release(1, frame.len());
                seen.forwarded.push(frame.into());
            }
            assert!(connection.unanswered() <= view.limits().forwarded_per_connection_max);
            if is_prompt && connection.unanswered() > 0 {
                connection.handle_reply(Bytes::new(), NOW);
            }
        }
        if reading == Reading::Paused(Paused::UntilReplied) {
            assert!(connection.unanswered() > 0, "nothing could end the pause");
        }
        seen.written.extend(transmit(connection, NOW));
        let is_over = connection.poll_close().is_some() || !connection.can_resume();
        if is_over || reading != Reading::Open {
            (0..connection.unanswered()).for_each(|_| connection.handle_reply(Bytes::new(), NOW));
        }
        next = connection.can_resume().then_some(Read::Nothing);
    }
    connection.poll_close()
}

/// Takes all that a connection has to write.
pub(crate) fn transmit(connection: &mut Connection, now: Now) -> Vec<u8> {
    let mut written = Vec::new();
    loop {
        let mut slices: [&[u8]; 8] = [&[]; 8];
        let filled = connection.poll_transmit(&mut slices);
        let bytes = slices[..filled].concat();
        if bytes.is_empty() {
            return written;
        }
        connection.handle_written(bytes.len(), now);
        written.extend(bytes);
    }
}
