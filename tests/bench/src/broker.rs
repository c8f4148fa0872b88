//! Simulated brokers: they fill a server's table, stay connected and repeat their registrations.

use crate::question::{topic_name, topic_queues};
use crate::workload::{CHANGED_TOPICS, Table};
use anyhow::{Context, Result, bail, ensure};
use namesrv_tests::answer::Answer;
use namesrv_tests::registration::{Registration, Topic, Version};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// Topics of one registration: as many as fit into a frame that every server takes.
const CHUNK_TOPICS: usize = 10_000;
/// Topics of the registration that is repeated during a run.
const REPEATED_TOPICS: usize = 100;
/// How often each broker repeats it. Real brokers do so every 30 s.
pub const REPEAT_EVERY: Duration = Duration::from_secs(1);
/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long brokers may be silent: longer than any comparison.
const SILENCE_MILLIS: i64 = 86_400_000;
/// Bytes written in one turn, so that queries are not held up by a large registration.
const TURN_BYTES_MAX: usize = 64 * 1024;

/// One broker and its connection.
#[derive(Debug)]
pub struct Broker {
    pub(crate) stream: TcpStream,
    name: String,
    /// The one it advertises.
    address: String,
    version: i64,
    /// What it sends when it has nothing else to say.
    repeated: Arc<Vec<u8>>,
    /// What is on its way, from `written` on.
    sending: Option<Arc<Vec<u8>>>,
    written: usize,
    received: Vec<u8>,
    /// Registrations without an answer.
    unanswered: usize,
    /// Sent one after the other, each when it is due.
    changes: Vec<Arc<Vec<u8>>>,
    next_due: Option<Duration>,
    every: Duration,
    /// When the last registration was begun, since the start of the run.
    begun: Duration,
    /// How long each registration of this run took to be answered.
    answered_in: Vec<Duration>,
}

impl Broker {
    /// Connects and registers as one of the brokers of a table, with all its topics.
    ///
    /// # Errors
    /// The server does not admit it.
    pub fn of_table(address: SocketAddr, table: Table, number: usize) -> Result<Self> {
        let mut broker = Self::connect(address, format!("broker-{number:02}"), 10 + number)?;
        let topics: Vec<usize> = (0..table.topics).collect();
        for chunk in topics.chunks(CHUNK_TOPICS) {
            let frame = broker.registration(chunk.iter().map(|topic| (topic_name(*topic), topic_queues(*topic))));
            broker.exchange(&frame)?;
        }
        // The same version again is what a broker repeats: nothing changed.
        let last = topics.chunks(REPEATED_TOPICS).next().unwrap_or_default();
        let repeated = broker.registration(last.iter().map(|topic| (topic_name(*topic), topic_queues(*topic))));
        broker.exchange(&repeated)?;
        broker.repeated = Arc::new(repeated);
        Ok(broker)
    }

    /// Connects and registers the topics that change.
    ///
    /// # Errors
    /// The server does not admit it.
    pub fn of_changes(address: SocketAddr) -> Result<Self> {
        let mut broker = Self::connect(address, "broker-changing".to_owned(), 9)?;
        let first = broker.change();
        broker.exchange(&first)?;
        Ok(broker)
    }

    fn connect(address: SocketAddr, name: String, host: usize) -> Result<Self> {
        let stream = TcpStream::connect(address).context("cannot connect")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream,
            name,
            address: format!("10.0.0.{host}:10911"),
            version: 0,
            repeated: Arc::default(),
            sending: None,
            written: 0,
            received: Vec::new(),
            unanswered: 0,
            changes: Vec::new(),
            next_due: None,
            every: REPEAT_EVERY,
            begun: Duration::ZERO,
            answered_in: Vec::new(),
        })
    }

    /// A registration with the next version.
    fn registration(&mut self, topics: impl Iterator<Item = (String, i32)>) -> Vec<u8> {
        self.version += 1;
        let mut registration = Registration::new(&self.name, 0);
        registration.address = Some(self.address.clone());
        registration.timeout = Some(SILENCE_MILLIS);
        registration.version = Some(Version::counter(self.version));
        registration.topics = Some(
            topics
                .map(|(name, queues)| Topic { read_queues: queues, write_queues: queues, ..Topic::new(&name) })
                .collect(),
        );
        registration.request().encode()
    }

    /// A registration in which every topic has other queues than in the one before.
    fn change(&mut self) -> Vec<u8> {
        let queues = 4 + (self.version % 2) as i32;
        self.registration((0..CHANGED_TOPICS).map(|topic| (format!("changing-{topic:07}"), queues)))
    }

    /// Prepares a run that lasts so long: the first registration is due after `first`, then one every `every`. With `changes`
    /// each of them changes all topics.
    pub fn prepare(&mut self, first: Duration, every: Duration, lasts: Duration, changes: bool) {
        let count = if changes { lasts.saturating_sub(first).div_duration_f64(every) as usize + 1 } else { 0 };
        self.changes = (0..count).map(|_| Arc::new(self.change())).rev().collect();
        self.every = every;
        self.answered_in.clear();
        self.next_due = (changes || !self.repeated.is_empty()).then_some(first);
    }

    fn exchange(&mut self, frame: &[u8]) -> Result<()> {
        self.stream.write_all(frame).context("cannot register")?;
        let mut answer = vec![0; 4];
        self.stream.read_exact(&mut answer).context("no answer to a registration")?;
        let length = answer.first_chunk::<4>().map_or(0, |length| u32::from_be_bytes(*length)) as usize;
        ensure!(length < TURN_BYTES_MAX, "an answer of {length} bytes to a registration");
        answer.resize(4 + length, 0);
        self.stream.read_exact(answer.get_mut(4..).unwrap_or_default()).context("no answer to a registration")?;
        admitted(&answer)
    }

    /// How long each registration of the last run took to be answered.
    pub(crate) fn answered_in(&self) -> &[Duration] {
        &self.answered_in
    }

    /// When it sends next, since the start of the run.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.next_due
    }

    /// Whether nothing is on its way in either direction.
    pub(crate) fn is_idle(&self) -> bool {
        self.sending.is_none() && self.unanswered == 0
    }

    /// Starts what is due, unless the one before is still on its way; whether there is something to write.
    pub(crate) fn start_due(&mut self, now: Duration) -> bool {
        let Some(due) = self.next_due.filter(|due| *due <= now && self.is_idle()) else { return false };
        self.next_due = Some(due + self.every);
        self.begun = now;
        self.sending = match self.changes.pop() {
            Some(change) => Some(change),
            None if self.repeated.is_empty() => None,
            None => Some(Arc::clone(&self.repeated)),
        };
        self.unanswered += usize::from(self.sending.is_some());
        self.sending.is_some()
    }

    /// Writes a part; whether everything is written.
    pub(crate) fn flush(&mut self) -> Result<bool> {
        let Some(frame) = &self.sending else { return Ok(true) };
        let rest = frame.get(self.written..).unwrap_or_default();
        match self.stream.write(rest.get(..TURN_BYTES_MAX).unwrap_or(rest)) {
            Ok(written) => self.written += written,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error).context("cannot register"),
        }
        if self.written == frame.len() {
            self.sending = None;
            self.written = 0;
        }
        Ok(self.sending.is_none())
    }

    /// Reads once and checks complete answers.
    pub(crate) fn receive(&mut self, scratch: &mut [u8], now: Duration) -> Result<()> {
        match self.stream.read(scratch) {
            Ok(0) => bail!("the server closed the connection of {}", self.name),
            Ok(read) => self.received.extend_from_slice(scratch.get(..read).unwrap_or_default()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error).context("cannot read from the server"),
        }
        while let Some(length) = self.received.first_chunk::<4>() {
            let length = 4 + u32::from_be_bytes(*length) as usize;
            let Some(frame) = self.received.get(..length) else { break };
            admitted(frame)?;
            self.unanswered = self.unanswered.checked_sub(1).context("an answer that nobody asked for")?;
            self.received.drain(..length);
            self.answered_in.push(now.saturating_sub(self.begun));
        }
        Ok(())
    }
}

fn admitted(answer: &[u8]) -> Result<()> {
    let answer = Answer::decode(answer).map_err(anyhow::Error::msg)?;
    ensure!(answer.code == 0, "a registration is refused: code {}, {:?}", answer.code, answer.remark);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn broker() -> Broker {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        Broker::connect(listener.local_addr().unwrap(), "broker".to_owned(), 9).unwrap()
    }

    #[test]
    fn changes_are_due_one_after_the_other() {
        let mut broker = broker();
        let (first, every) = (Duration::from_millis(10), Duration::from_millis(100));
        broker.prepare(first, every, Duration::from_millis(215), true);
        assert_eq!(broker.changes.len(), 3);
        assert_eq!(broker.next_due(), Some(first));
        assert!(!broker.start_due(Duration::from_millis(9)));
        assert!(broker.start_due(first));
        assert!(!broker.is_idle());
        assert_eq!(broker.next_due(), Some(first + every));
    }

    #[test]
    fn refusals_are_errors() {
        let answer = |code: i32| {
            let header = format!(r#"{{"code":{code},"flag":1,"opaque":1}}"#);
            namesrv_tests::request::frame(0, header.as_bytes(), &[])
        };
        assert!(admitted(&answer(0)).is_ok());
        assert!(admitted(&answer(1)).is_err());
    }
}
