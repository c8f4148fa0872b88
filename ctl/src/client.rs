//! One connection to the remoting port of a NameServer: sends questions, signed if there are keys, and reads their
//! answers within a time limit.

use crate::answer::Answer;
use crate::ask_error::AskError;
use crate::timed::Timed;
use crate::tools_file::Keys;
use namesrv_core::access::{ACCESS_KEY, SIGNATURE};
use namesrv_core::config::Limits;
use namesrv_core::wire::response::{Head, write_frame};
use namesrv_core::wire::{Framing, Serialization, next_frame};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::borrow::Cow;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The most bytes of the answers to one round of questions: more than the topic list of any server.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The most bytes of one read.
const READ_BYTES: usize = 64 * 1024;

/// How to reach a server.
#[derive(Clone, Debug)]
pub struct Way {
    /// The time limit for connecting, and for each round of questions.
    pub within: Duration,
    /// The deadline for everything; `None` if there is no other limit.
    pub until: Option<Instant>,
    /// The most bytes of the answers to one round of questions.
    pub answer_bytes_max: usize,
    /// What comes before everything else, for instance a PROXY header.
    pub first_bytes: &'static [u8],
    /// The configuration for the TLS handshake; `None` means plain text.
    pub tls: Option<Arc<ClientConfig>>,
    /// The keys that sign questions.
    pub keys: Option<Keys>,
}

/// A question: its code and its extension fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question<'a> {
    /// Request code.
    pub code: i32,
    /// Extension fields.
    pub fields: Vec<(&'a str, Cow<'a, str>)>,
}

/// One connection to a NameServer.
#[derive(Debug)]
pub struct Client {
    stream: Stream,
    way: Way,
    /// Bytes that have arrived but are not read yet.
    input: Vec<u8>,
    next_opaque: i32,
    has_answered: bool,
}

#[derive(Debug)]
enum Stream {
    Plain(Timed),
    Tls(Box<StreamOwned<ClientConnection, Timed>>),
}

impl Way {
    /// A way in plain text and without keys.
    #[must_use]
    pub const fn new(within: Duration) -> Self {
        Self { within, until: None, answer_bytes_max: ANSWER_BYTES_MAX, first_bytes: &[], tls: None, keys: None }
    }

    /// Returns the deadline for an operation that begins now.
    fn deadline(&self) -> Instant {
        let deadline = Instant::now() + self.within;
        self.until.map_or(deadline, |until| until.min(deadline))
    }
}

impl<'a> Question<'a> {
    /// A question without fields.
    #[must_use]
    pub const fn new(code: i32) -> Self {
        Self { code, fields: Vec::new() }
    }

    /// Adds a field.
    #[must_use]
    pub fn field(mut self, name: &'a str, value: impl Into<Cow<'a, str>>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// Signs the question: the values in the order of their names, then the body, which questions do not have (Java's
    /// `AclClientRPCHook`).
    fn sign(&mut self, keys: &Keys) {
        self.fields.push((ACCESS_KEY, keys.access_key.clone().into()));
        // All names are ASCII, so the order of bytes is the order in Java.
        self.fields.sort_by_key(|(name, _)| *name);
        let signature = keys.secret.sign(self.fields.iter().map(|(_, value)| value.as_bytes()));
        self.fields.push((SIGNATURE, signature.as_str().to_owned().into()));
    }
}

impl Client {
    /// Connects, and does the TLS handshake.
    ///
    /// # Errors
    /// No server accepts in time, or the handshake fails.
    pub fn connect(address: &str, way: &Way) -> Result<Self, AskError> {
        let mut timed = Timed::connect(address, way.deadline()).map_err(AskError::Connect)?;
        timed.write_all(way.first_bytes).map_err(AskError::Stream)?;
        let stream = match &way.tls {
            None => Stream::Plain(timed),
            Some(config) => {
                Stream::Tls(Box::new(handshake(timed, config).map_err(|error| AskError::stream(error, false))?))
            }
        };
        Ok(Self { stream, way: way.clone(), input: Vec::new(), next_opaque: 1, has_answered: false })
    }

    /// Asks one question.
    ///
    /// # Errors
    /// There is no answer in time, or it reports a failure.
    pub fn ask(&mut self, question: Question<'_>) -> Result<Answer, AskError> {
        let answer = self.ask_all(vec![question])?.pop().unwrap_or_default();
        if answer.code == 0 { Ok(answer) } else { Err(AskError::Code { code: answer.code, remark: answer.remark }) }
    }

    /// Sends all questions before reading the first answer. They must be few enough for the buffers of sockets. Returns
    /// the answers in the order of the questions.
    ///
    /// # Errors
    /// There is no answer to each of them in time. The caller must check the codes of the answers.
    pub fn ask_all(&mut self, questions: Vec<Question<'_>>) -> Result<Vec<Answer>, AskError> {
        self.set_deadline(self.way.deadline());
        let first = self.next_opaque;
        let mut frames = Vec::new();
        for mut question in questions {
            if let Some(keys) = &self.way.keys {
                question.sign(keys);
            }
            let head = Head::request(question.code, self.next_opaque).with_fields(&question.fields);
            write_frame(&mut frames, Serialization::Json, &head, |_| {});
            self.next_opaque = self.next_opaque.wrapping_add(1);
        }
        self.write(&frames).map_err(|error| AskError::stream(error, self.may_want_tls()))?;
        let mut answers = vec![None; usize::try_from(self.next_opaque.wrapping_sub(first)).unwrap_or_default()];
        let mut bytes_left = self.way.answer_bytes_max;
        // Java answers in any order.
        for _ in 0..answers.len() {
            let (answer, length) = self.read_answer(bytes_left)?;
            bytes_left = bytes_left.saturating_sub(length);
            let opaque = answer.opaque;
            let slot = usize::try_from(opaque.wrapping_sub(first)).ok().and_then(|index| answers.get_mut(index));
            match slot {
                Some(slot @ None) => *slot = Some(answer),
                Some(Some(_)) | None => return Err(AskError::Unasked { opaque }),
            }
        }
        Ok(answers.into_iter().flatten().collect())
    }

    /// Reads the next answer, whose frame may have at most `bytes_max` bytes. Returns it with the bytes of its frame.
    fn read_answer(&mut self, bytes_max: usize) -> Result<(Answer, usize), AskError> {
        let limits = Limits { frame_bytes_max: bytes_max, ..Limits::default() };
        let mut buffer = vec![0; READ_BYTES];
        loop {
            match next_frame(&self.input, &limits).map_err(AskError::frame)? {
                Framing::Complete { frame, length } => {
                    let answer = Answer::decode(frame, &limits)?;
                    self.input.drain(..length);
                    self.has_answered = true;
                    return Ok((answer, length));
                }
                Framing::Incomplete { .. } => {}
            }
            let read = self.read(&mut buffer).map_err(|error| AskError::stream(error, self.may_want_tls()))?;
            match buffer.get(..read) {
                Some([]) | None => return Err(AskError::Closed { may_want_tls: self.may_want_tls() }),
                Some(bytes) => self.input.extend_from_slice(bytes),
            }
        }
    }

    const fn may_want_tls(&self) -> bool {
        matches!(self.stream, Stream::Plain(_)) && !self.has_answered
    }

    fn set_deadline(&mut self, until: Instant) {
        match &mut self.stream {
            Stream::Plain(timed) => timed.set_deadline(Some(until)),
            Stream::Tls(tls) => tls.sock.set_deadline(Some(until)),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match &mut self.stream {
                Stream::Plain(timed) => timed.read(buffer),
                Stream::Tls(tls) => tls.read(buffer),
            };
            match read {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(timed) => timed.write_all(bytes),
            Stream::Tls(tls) => tls.write_all(bytes).and_then(|()| tls.flush()),
        }
    }
}

fn handshake(timed: Timed, config: &Arc<ClientConfig>) -> io::Result<StreamOwned<ClientConnection, Timed>> {
    // As with RocketMQ's own clients, the name is neither sent nor checked.
    let name = ServerName::IpAddress(timed.socket().peer_addr()?.ip().into());
    let connection = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
    let mut tls = StreamOwned::new(connection, timed);
    while tls.conn.is_handshaking() {
        tls.conn.complete_io(&mut tls.sock)?;
    }
    Ok(tls)
}

#[cfg(test)]
mod tests {
    use super::*;
    use namesrv_core::credentials::Secret;

    #[test]
    fn a_question_is_signed_as_mqadmin_signs_it() {
        let keys = Keys { access_key: "rocketmq2".to_owned(), secret: Secret::new("12345678") };
        let mut question = Question::new(101).field("namespace", "NS").field("key", "K");
        question.sign(&keys);
        assert_eq!(question.fields.last(), Some(&("Signature", "TT7N+tfYaWoJRyp0ysgsyFwWNKQ=".into())));
    }
}
