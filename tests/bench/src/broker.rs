//! Simulated brokers: they fill a server's table, stay connected and repeat their registrations.

use crate::announcement::{Announcement, Outgoing, Topics};
use crate::workload::{CHANGED_TOPICS, Table};
use anyhow::{Context, Result, bail, ensure};
use namesrv_tests::answer::Answer;
use namesrv_tests::stream::try_read_frame;
use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Topics in one registration: as many as fit into a frame that every server accepts.
const CHUNK_TOPICS: usize = 10_000;
/// Topics in the registration that is repeated while clients query routes.
const REPEATED_TOPICS: usize = 100;
/// One of this many registrations of a cluster changes something.
pub const CHANGE_ONE_IN: usize = 100;
/// Which of them it is: an early one, so that even a short run has a change.
const CHANGE_AT: usize = 8;
/// How long the server may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);
/// Bytes written per turn, so that a large registration does not delay queries.
const TURN_BYTES_MAX: usize = 64 * 1024;

/// One broker and its connection.
#[derive(Debug)]
pub struct Broker {
    pub(crate) stream: TcpStream,
    announcement: Announcement,
    says: Says,
    /// The frame that is being sent.
    sending: Option<Outgoing>,
    received: Vec<u8>,
    /// Number of registrations that are not answered yet.
    unanswered: usize,
    next_due: Option<Duration>,
    /// `None` if it registers only once.
    every: Option<Duration>,
    /// When the last registration was started, measured from the start of the run.
    begun: Duration,
    /// How long the server took to answer each registration of this run.
    answered_in: Vec<Duration>,
}

/// What a broker registers when the next registration is due.
#[derive(Debug)]
enum Says {
    /// Repeats the last registration.
    Same(Topics),
    /// Alternates the numbers of queues of all topics.
    Changes([Topics; 2]),
    /// Repeats the topics of its cluster; a few registrations of the cluster change something.
    Cluster {
        topics: Topics,
        /// The number of its next registration among those of all brokers.
        turn: usize,
        brokers: usize,
    },
}

impl Broker {
    /// Connects and registers as one of the brokers of a table, with all its topics.
    ///
    /// # Errors
    /// The server refuses the registration.
    pub fn of_table(address: SocketAddr, table: Table, number: usize) -> Result<Self> {
        let repeated = Topics::of_table(0..table.topics.min(REPEATED_TOPICS))?;
        let mut broker = Self::connect(address, number, Says::Same(repeated.clone()))?;
        for start in (0..table.topics).step_by(CHUNK_TOPICS) {
            let topics = Topics::of_table(start..(start + CHUNK_TOPICS).min(table.topics))?;
            broker.register(&topics, true)?;
        }
        // A broker that repeats its version says that nothing changed.
        broker.register(&repeated, true)?;
        Ok(broker)
    }

    /// Connects and registers the topics that change.
    ///
    /// # Errors
    /// The server refuses the registration.
    pub fn of_changes(address: SocketAddr) -> Result<Self> {
        let [one, other] = [4, 5].map(changing_topics);
        let (one, other) = (one?, other?);
        let mut broker = Self::connect(address, usize::from(u8::MAX), Says::Changes([one.clone(), other]))?;
        broker.register(&one, true)?;
        Ok(broker)
    }

    /// Connects as one of the brokers of a cluster, and registers nothing yet.
    ///
    /// # Errors
    /// The server does not accept the connection.
    pub fn of_cluster(address: SocketAddr, brokers: usize, number: usize, topics: Topics) -> Result<Self> {
        Self::connect(address, number, Says::Cluster { topics, turn: number, brokers })
    }

    fn connect(address: SocketAddr, number: usize, says: Says) -> Result<Self> {
        let stream = TcpStream::connect(address).context("cannot connect")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
        let host = 10 + number;
        let advertised = format!("10.0.{}.{}:10911", host / 250, host % 250);
        Ok(Self {
            stream,
            announcement: Announcement::new(&format!("broker-{number:02}"), &advertised),
            says,
            sending: None,
            received: Vec::new(),
            unanswered: 0,
            next_due: None,
            every: None,
            begun: Duration::ZERO,
            answered_in: Vec::new(),
        })
    }

    /// Registers, waits for the answer, and returns how long both took.
    ///
    /// # Errors
    /// The server refuses the registration.
    pub fn register(&mut self, topics: &Topics, changed: bool) -> Result<Duration> {
        if changed {
            self.announcement.change();
        }
        let mut frame = self.announcement.next(topics)?;
        let began = Instant::now();
        while !frame.is_done() {
            frame.write(&mut self.stream, usize::MAX).context("cannot register")?;
        }
        admitted(&try_read_frame(&mut self.stream).context("no answer to a registration")?)?;
        Ok(began.elapsed())
    }

    /// Prepares a run: the first registration is due after `first`, the next ones `every` so often.
    pub fn prepare(&mut self, first: Duration, every: Option<Duration>) {
        self.every = every;
        self.answered_in.clear();
        self.next_due = Some(first);
    }

    /// Whether each of its registrations changes all of its topics.
    pub(crate) const fn changes(&self) -> bool {
        matches!(self.says, Says::Changes(_))
    }

    /// Returns how long the server took to answer each registration of the last run.
    pub(crate) fn answered_in(&self) -> &[Duration] {
        &self.answered_in
    }

    /// Returns when the next registration is due, measured from the start of the run.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.next_due
    }

    /// Whether nothing is being sent and no answer is missing.
    pub(crate) fn is_idle(&self) -> bool {
        self.sending.is_none() && self.unanswered == 0
    }

    /// Starts a registration that is due, unless the last one is not done. Returns whether there is something to write.
    pub(crate) fn start_due(&mut self, now: Duration) -> Result<bool> {
        let Some(due) = self.next_due.filter(|due| *due <= now && self.is_idle()) else { return Ok(false) };
        self.next_due = self.every.map(|every| due + every);
        self.begun = now;
        let topics = match &mut self.says {
            Says::Same(topics) => topics,
            Says::Changes(both) => {
                self.announcement.change();
                both.swap(0, 1);
                let [next, _] = both;
                next
            }
            Says::Cluster { topics, turn, brokers } => {
                if *turn % CHANGE_ONE_IN == CHANGE_AT {
                    self.announcement.change();
                }
                *turn += *brokers;
                topics
            }
        };
        self.sending = Some(self.announcement.next(topics)?);
        self.unanswered += 1;
        Ok(true)
    }

    /// Writes one part. Returns whether the whole frame is written.
    pub(crate) fn flush(&mut self) -> Result<bool> {
        let Some(frame) = &mut self.sending else { return Ok(true) };
        match frame.write(&mut self.stream, TURN_BYTES_MAX) {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error).context("cannot register"),
        }
        if frame.is_done() {
            self.sending = None;
        }
        Ok(self.sending.is_none())
    }

    /// Reads once and checks complete answers.
    pub(crate) fn receive(&mut self, scratch: &mut [u8], now: Duration) -> Result<()> {
        match self.stream.read(scratch) {
            Ok(0) => bail!("the server closed the connection of {}", self.announcement.name()),
            Ok(read) => self.received.extend_from_slice(scratch.get(..read).unwrap_or_default()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error).context("cannot read from the server"),
        }
        while let Some(length) = self.received.first_chunk::<4>() {
            let length = 4 + u32::from_be_bytes(*length) as usize;
            let Some(frame) = self.received.get(..length) else { break };
            admitted(frame)?;
            self.unanswered = self.unanswered.checked_sub(1).context("an answer without a registration")?;
            self.received.drain(..length);
            self.answered_in.push(now.saturating_sub(self.begun));
        }
        Ok(())
    }
}

fn changing_topics(queues: i32) -> Result<Topics> {
    Topics::new((0..CHANGED_TOPICS).map(|topic| (format!("changing-{topic:07}"), queues)))
}

fn admitted(answer: &[u8]) -> Result<()> {
    let answer = Answer::decode(answer).map_err(anyhow::Error::msg)?;
    ensure!(answer.code == 0, "the server refuses a registration: code {}, {:?}", answer.code, answer.remark);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn registrations_are_due_one_after_the_other() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let topics = Topics::of_table(0..1).unwrap();
        let mut broker = Broker::of_cluster(listener.local_addr().unwrap(), 1, 0, topics).unwrap();
        let (first, every) = (Duration::from_millis(10), Duration::from_millis(100));
        broker.prepare(first, Some(every));
        assert_eq!(broker.next_due(), Some(first));
        assert!(!broker.start_due(Duration::from_millis(9)).unwrap());
        assert!(broker.start_due(first).unwrap());
        assert!(!broker.is_idle());
        assert_eq!(broker.next_due(), Some(first + every));
        assert!(!broker.start_due(first + every).unwrap(), "the one before is not answered");
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
