//! One connection of the second port: handles requests one after the other, with time limits.

use super::request::{HEAD_BYTES_MAX, Method, Parsed, Refusal, Request, parse};
use super::response::Response;
use namesrv_core::time::{Duration, Instant, Now};

/// How long a head may take to arrive after its first byte.
pub const HEAD_WITHIN: Duration = Duration::from_secs(5);
/// How long a client may be silent between two requests, or take to read one answer.
pub const IDLE_MAX: Duration = Duration::from_secs(30);
/// How long unread input is discarded after the last answer: closing with unread input would destroy the answer on its
/// way.
const LINGER: Duration = Duration::from_secs(1);

/// A page's answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<Q> {
    /// The complete answer.
    Now(Response),
    /// The page needs these results first.
    After(Q),
    /// An answer that continues until the client leaves, and the source of what follows.
    Endless(Response, Q),
}

/// One connection. It owns no buffers between requests.
#[derive(Debug)]
pub struct Connection {
    /// Bytes of the next requests, at most [`HEAD_BYTES_MAX`].
    input: Vec<u8>,
    /// The answer, and how much of it has been sent.
    output: Vec<u8>,
    sent: usize,
    phase: Phase,
    /// Whether input arrived before the last answer was written, so the socket will not report it again.
    has_more: bool,
    /// When this phase began, or the last request was answered.
    since: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Between two requests.
    Idle,
    /// A head is arriving.
    Reading,
    /// A request waits for results.
    Waiting,
    /// An answer is being written.
    Writing {
        is_last: bool,
    },
    /// An answer continues. Further input is discarded.
    Streaming,
    /// The last answer is written. Further input is discarded.
    Lingering,
    Closed,
}

impl Connection {
    /// A connection that was just accepted.
    #[must_use]
    pub const fn open(now: Instant) -> Self {
        Self { input: Vec::new(), output: Vec::new(), sent: 0, phase: Phase::Idle, has_more: false, since: now }
    }

    /// Handles the bytes of a read: at most [`wanted_bytes`](Self::wanted_bytes), or none at the end of the stream.
    pub fn handle_read(&mut self, bytes: &[u8], now: Instant) {
        match self.phase {
            Phase::Idle | Phase::Reading if bytes.is_empty() => self.enter(Phase::Closed, now),
            Phase::Streaming | Phase::Lingering if bytes.is_empty() => self.enter(Phase::Closed, now),
            Phase::Idle => {
                self.enter(Phase::Reading, now);
                self.input.extend_from_slice(bytes);
            }
            Phase::Reading => self.input.extend_from_slice(bytes),
            Phase::Waiting | Phase::Writing { .. } | Phase::Streaming | Phase::Lingering | Phase::Closed => {}
        }
    }

    /// Calls `respond` for the next request, if one is complete and no answer is pending. Returns what the page needs
    /// first (call this again with the results), or the source of an answer that continues, for which
    /// [`wants_more`](Self::wants_more) says when to send more.
    pub fn advance<Q>(&mut self, respond: impl FnOnce(&Request) -> Answer<Q>, now: Now) -> Option<Q> {
        if !matches!(self.phase, Phase::Reading | Phase::Waiting) {
            return None;
        }
        self.has_more = false;
        match parse(&self.input) {
            Ok(Parsed::Incomplete) => {}
            Ok(Parsed::Complete { request, length }) => match respond(&request) {
                Answer::Now(response) => {
                    self.input.drain(..length);
                    self.answer(&response, request.method, request.keeps_alive, now);
                }
                Answer::After(question) => {
                    self.enter(Phase::Waiting, now.monotonic);
                    return Some(question);
                }
                Answer::Endless(response, _) if request.method == Method::Head => {
                    self.input = Vec::new();
                    self.output = response.encode_endless(Method::Head, now.wall);
                    self.enter(Phase::Writing { is_last: true }, now.monotonic);
                }
                Answer::Endless(response, rest) => {
                    self.input = Vec::new();
                    self.output = response.encode_endless(Method::Get, now.wall);
                    self.enter(Phase::Streaming, now.monotonic);
                    return Some(rest);
                }
            },
            Err(refusal) => self.refuse(refusal, now),
        }
        None
    }

    /// Returns the bytes for the socket.
    #[must_use]
    pub fn poll_transmit(&self) -> &[u8] {
        self.output.get(self.sent..).unwrap_or_default()
    }

    /// Notes that the socket accepted this many bytes. Returns true if nothing more will be written: end the stream
    /// then.
    pub fn handle_written(&mut self, bytes: usize, now: Instant) -> bool {
        let is_last = match self.phase {
            Phase::Writing { is_last } => is_last,
            Phase::Streaming => false,
            Phase::Idle | Phase::Reading | Phase::Waiting | Phase::Lingering | Phase::Closed => return false,
        };
        self.sent += bytes;
        if self.sent < self.output.len() {
            return false;
        }
        (self.output, self.sent) = (Vec::new(), 0);
        if self.phase == Phase::Streaming {
            self.since = now;
            return false;
        }
        if is_last {
            self.enter(Phase::Lingering, now);
        } else if self.input.is_empty() {
            self.input = Vec::new();
            self.enter(Phase::Idle, now);
        } else {
            self.has_more = true;
            self.enter(Phase::Reading, now);
        }
        is_last
    }

    /// Whether an answer continues and everything before is written. So for a client that reads slowly, never more
    /// waits than was handed in at once.
    #[must_use]
    pub const fn wants_more(&self) -> bool {
        matches!(self.phase, Phase::Streaming) && self.output.is_empty()
    }

    /// Continues an answer with these bytes. Call it only while [`wants_more`](Self::wants_more) is true.
    pub fn handle_more(&mut self, bytes: Vec<u8>, now: Instant) {
        if self.wants_more() {
            self.output = bytes;
            self.since = now;
        }
    }

    /// Handles a failure of the socket.
    pub fn handle_failure(&mut self, now: Instant) {
        self.enter(Phase::Closed, now);
    }

    /// Gives up on whatever takes too long.
    pub fn handle_timeout(&mut self, now: Now) {
        if self.poll_timeout().is_none_or(|deadline| deadline > now.monotonic) {
            return;
        }
        match self.phase {
            Phase::Reading => self.refuse(Refusal::Slow, now),
            Phase::Idle | Phase::Writing { .. } | Phase::Streaming | Phase::Lingering => {
                self.enter(Phase::Closed, now.monotonic);
            }
            Phase::Waiting | Phase::Closed => {}
        }
    }

    /// Returns when to call [`handle_timeout`](Self::handle_timeout). For a waiting request there is no time: whoever
    /// fetches the results limits it.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Idle | Phase::Writing { .. } => Some(self.since + IDLE_MAX),
            Phase::Reading => Some(self.since + HEAD_WITHIN),
            Phase::Streaming => (!self.output.is_empty()).then_some(self.since + IDLE_MAX),
            Phase::Lingering => Some(self.since + LINGER),
            Phase::Waiting | Phase::Closed => None,
        }
    }

    /// Returns how many bytes to read at most; 0 while a request is being answered.
    #[must_use]
    pub const fn wanted_bytes(&self) -> usize {
        match self.phase {
            Phase::Idle | Phase::Reading => HEAD_BYTES_MAX.saturating_sub(self.input.len()),
            Phase::Streaming | Phase::Lingering => HEAD_BYTES_MAX,
            Phase::Waiting | Phase::Writing { .. } | Phase::Closed => 0,
        }
    }

    /// Whether [`advance`](Self::advance) has work although nothing arrived.
    #[must_use]
    pub const fn can_advance(&self) -> bool {
        self.has_more
    }

    /// Whether to close the connection.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed)
    }

    /// When the current phase began. Among many connections, give up the one with the earliest.
    #[must_use]
    pub const fn since(&self) -> Instant {
        self.since
    }

    fn refuse(&mut self, refusal: Refusal, now: Now) {
        self.input = Vec::new();
        self.answer(&Response::refused(refusal), Method::Get, false, now);
    }

    fn answer(&mut self, response: &Response, method: Method, keeps_alive: bool, now: Now) {
        self.output = response.encode(method, keeps_alive, now.wall);
        self.enter(Phase::Writing { is_last: !keeps_alive }, now.monotonic);
    }

    fn enter(&mut self, phase: Phase, now: Instant) {
        self.phase = phase;
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Status;

    const START: Instant = Instant::START;
    const HEAD: &[u8] = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n";

    fn at(monotonic: Instant) -> Now {
        Now { monotonic, ..Now::default() }
    }

    fn path(request: &Request) -> Answer<()> {
        Answer::Now(Response::text(Status::Ok, request.path.clone()))
    }

    /// Reads, answers and writes until nothing is left to do.
    fn talk(connection: &mut Connection, mut bytes: &[u8]) -> String {
        let mut answers = Vec::new();
        loop {
            let (read, rest) = bytes.split_at(connection.wanted_bytes().min(bytes.len()));
            if !read.is_empty() {
                connection.handle_read(read, START);
            }
            bytes = rest;
            assert_eq!(connection.advance(path, at(START)), None);
            let output = connection.poll_transmit().to_vec();
            if output.is_empty() {
                return String::from_utf8(answers).unwrap();
            }
            answers.extend_from_slice(&output);
            connection.handle_written(output.len(), START);
        }
    }

    #[test]
    fn requests_are_answered_in_order_however_they_arrive() {
        let both = [HEAD, b"GET /b HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
        let mut whole = Connection::open(START);
        let expected = talk(&mut whole, &both);
        let place = |text| expected.find(text).unwrap();
        assert!(place("\r\n\r\n/a\n") < place("\r\n\r\n/b\n"), "{expected}");
        let mut cut = Connection::open(START);
        let answers: String = both.iter().map(|byte| talk(&mut cut, &[*byte])).collect();
        assert_eq!(answers, expected);
        assert_eq!(cut.input.capacity(), 0, "an idle connection owns no buffers");
    }

    #[test]
    fn the_next_request_waits_until_the_answer_is_written() {
        let mut connection = Connection::open(START);
        connection.handle_read(&[HEAD, HEAD].concat(), START);
        connection.advance(path, at(START));
        let first = connection.poll_transmit().len();
        assert_eq!(connection.wanted_bytes(), 0);
        connection.advance(path, at(START));
        assert_eq!(connection.poll_transmit().len(), first);
        connection.handle_written(first - 1, START);
        assert_eq!(connection.poll_transmit(), b"\n");
    }

    #[test]
    fn a_question_is_asked_once_and_answered_later() {
        let mut connection = Connection::open(START);
        connection.handle_read(HEAD, START);
        assert_eq!(connection.advance(|_| Answer::After(7), at(START)), Some(7));
        assert_eq!((connection.wanted_bytes(), connection.poll_timeout()), (0, None));
        assert_eq!(connection.advance(path, at(START)), None);
        assert!(connection.poll_transmit().ends_with(b"/a\n"));
    }

    #[test]
    fn an_answer_goes_on_until_the_client_leaves_or_does_not_read() {
        let endless = || {
            let mut connection = Connection::open(START);
            connection.handle_read(HEAD, START);
            let response = Response::text(Status::Ok, "a");
            assert_eq!(connection.advance(|_| Answer::Endless(response, 7), at(START)), Some(7));
            let head = String::from_utf8(connection.poll_transmit().to_vec()).unwrap();
            assert!(head.contains("\r\nConnection: close\r\n") && head.ends_with("\r\n\r\na\n"), "{head}");
            assert!(!head.contains("Content-Length") && !connection.wants_more(), "{head}");
            assert!(!connection.handle_written(head.len(), START));
            connection
        };
        let mut leaves = endless();
        assert_eq!((leaves.wants_more(), leaves.poll_timeout()), (true, None));
        leaves.handle_more(b"b\n".to_vec(), START);
        assert_eq!((leaves.poll_transmit(), leaves.wants_more()), (&b"b\n"[..], false));
        leaves.handle_written(2, START);
        leaves.handle_read(HEAD, START);
        assert_eq!(leaves.advance(path, at(START)), None, "there is no next request");
        leaves.handle_read(b"", START);
        assert!(leaves.is_closed());

        let mut silent = endless();
        let later = START + Duration::from_secs(3600);
        silent.handle_more(b"bb".to_vec(), later);
        silent.handle_written(1, later + Duration::from_secs(29));
        silent.handle_timeout(at(later + IDLE_MAX));
        assert!(silent.is_closed());

        let mut head = Connection::open(START);
        head.handle_read(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", START);
        assert_eq!(head.advance(|_| Answer::Endless(Response::text(Status::Ok, "a"), 7), at(START)), None);
        let only_head = String::from_utf8(head.poll_transmit().to_vec()).unwrap();
        assert!(only_head.ends_with("\r\n\r\n") && !only_head.contains("Content-Length"), "{only_head}");
        assert!(head.handle_written(only_head.len(), START), "it has no body that could go on");
    }

    #[test]
    fn a_refused_request_is_the_last() {
        let mut connection = Connection::open(START);
        let answer = talk(&mut connection, &[b"PUT / HTTP/1.1\r\n\r\n", HEAD].concat());
        assert!(answer.starts_with("HTTP/1.1 405 ") && answer.matches("HTTP/1.1").count() == 1, "{answer}");
        assert_eq!(connection.phase, Phase::Lingering);
        assert!(connection.wanted_bytes() > 0, "the rest is thrown away");
        connection.handle_timeout(at(START + LINGER));
        assert!(connection.is_closed());
    }

    #[test]
    fn slow_heads_are_told_so_and_silent_clients_are_closed() {
        let mut slow = Connection::open(START);
        let begins = START + Duration::from_secs(20);
        slow.handle_read(b"GET", begins);
        slow.handle_timeout(at(begins + Duration::from_millis(4999)));
        assert!(slow.poll_transmit().is_empty());
        slow.handle_timeout(at(begins + HEAD_WITHIN));
        assert!(slow.poll_transmit().starts_with(b"HTTP/1.1 408 "));

        let mut silent = Connection::open(START);
        assert_eq!(silent.poll_timeout(), Some(START + IDLE_MAX));
        silent.handle_timeout(at(START + IDLE_MAX));
        assert!(silent.is_closed());

        let mut unread = Connection::open(START);
        unread.handle_read(HEAD, START);
        unread.advance(path, at(START));
        unread.handle_written(1, START + Duration::from_secs(29));
        unread.handle_timeout(at(START + IDLE_MAX));
        assert!(unread.is_closed(), "an answer that is read byte by byte must not last for ever");
    }
}
