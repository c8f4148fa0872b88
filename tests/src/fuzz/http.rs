//! HTTP of the second port: whatever arrives, in whatever pieces, is answered alike, and costs a bounded amount.

use namesrv_core::time::{Instant, Now};
use namesrv_shell::http::{Answer, Connection, HEAD_BYTES_MAX, Request, Response, Status};

/// The first byte says how long the pieces are that the rest arrives in; the answers do not depend on it.
pub(super) fn http(data: &[u8]) {
    let Some((piece, input)) = data.split_first() else { return };
    let whole = answers(input, HEAD_BYTES_MAX);
    let cut = answers(input, usize::from(*piece).max(1));
    assert_eq!(String::from_utf8_lossy(&cut), String::from_utf8_lossy(&whole));
    assert!(whole.is_empty() || whole.starts_with(b"HTTP/1.1 "), "{whole:?}");
}

/// What a client reads that sends all of `input` in pieces and takes every answer at once.
fn answers(mut input: &[u8], piece: usize) -> Vec<u8> {
    let mut connection = Connection::open(Instant::START);
    let mut answers = Vec::new();
    loop {
        let wanted = connection.wanted_bytes();
        assert!(wanted <= HEAD_BYTES_MAX);
        let (arrived, rest) = input.split_at(wanted.min(piece).min(input.len()));
        if !arrived.is_empty() {
            connection.handle_read(arrived, Instant::START);
        }
        input = rest;
        let question: Option<()> = connection.advance(echo, Now::default());
        assert_eq!(question, None, "nothing has to be found out");
        let output = connection.poll_transmit().to_vec();
        if output.is_empty() && arrived.is_empty() {
            return answers;
        }
        connection.handle_written(output.len(), Instant::START);
        answers.extend(output);
    }
}

/// Answers with what was understood, percent-encoded, so that answers can be told apart.
fn echo(request: &Request) -> Answer<()> {
    assert!(request.path.starts_with('/'));
    let name = request.name_after("/");
    let text = format!("{:?} {:?} {:?} {:?}", request.path, name, request.parameter("after"), request.host);
    Answer::Now(Response::text(Status::Ok, text))
}
