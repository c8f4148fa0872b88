//! The load generator: one thread, one epoll, every answer checked.

use crate::broker::Broker;
use crate::clients::{Clients, Handshake};
use crate::connection::{Connection, Judge};
use crate::question::{Expected, Mix, Question};
use crate::workload::Pace;
use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const EVENTS_MAX: usize = 1024;
const SCRATCH_BYTES: usize = 256 * 1024;
/// How long the generator waits for answers after the last request.
const DRAIN: Duration = Duration::from_secs(10);
/// Longest latency that the histogram distinguishes.
const LATENCY_NANOS_MAX: u64 = 60_000_000_000;
/// How often an idle generator checks whether it was interrupted.
const TICK: Duration = Duration::from_millis(50);

/// A set of connections to one server, or to several with the same answers.
pub struct Load {
    epoll: OwnedFd,
    connections: Vec<Connection>,
    question: Question,
    expected: Expected,
    mix: Mix,
    topics: usize,
    /// Number of requests so far, over all runs.
    number: u64,
    scratch: Vec<u8>,
    random: u64,
    /// The next connection of an open loop.
    turn: usize,
    brokers_added: bool,
}

/// One run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// When requests are sent.
    pub pace: Pace,
    /// How long requests are sent.
    pub lasts: Duration,
    /// The most requests.
    pub requests_max: u64,
}

/// The result of a run, which begins and ends without unanswered requests.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Number of requests, all of which had the right answer.
    pub requests: u64,
    /// From the first request to the last answer.
    pub wall: Duration,
    /// Nanoseconds from the time a request was due to its answer.
    pub latencies: Histogram<u64>,
    /// Nanoseconds by which requests were sent late.
    pub lateness: Histogram<u64>,
}

/// The state of one run.
struct Run<'a> {
    plan: Plan,
    began: Instant,
    judge: Judge<'a>,
    lateness: Histogram<u64>,
    sent: u64,
    interrupted: &'a AtomicBool,
}

impl Run<'_> {
    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Whether the time is over.
    fn is_over(&self, now: Duration) -> bool {
        now >= self.plan.lasts || self.interrupted.load(Ordering::Relaxed)
    }

    /// Whether there are more requests. An open loop sends all requests of its time, however late.
    fn asks(&self, now: Duration) -> bool {
        let open = match self.plan.pace {
            Pace::Closed { .. } | Pace::Rounds { .. } => !self.is_over(now),
            Pace::Open { rate } => {
                let all = (self.plan.lasts.as_secs_f64() * f64::from(rate)) as u64;
                self.sent < all && !self.interrupted.load(Ordering::Relaxed)
            }
        };
        open && self.sent < self.plan.requests_max
    }
}

impl Load {
    /// Begins to open connections, all at once and as many to each address, which will query the first `topics`
    /// topics. Without `clients` they speak plain text.
    ///
    /// # Errors
    /// There are no sockets left, or the server does not listen.
    pub fn connect(
        addresses: &[SocketAddr],
        connections: usize,
        (mix, topics): (Mix, usize),
        expected: Expected,
        clients: Option<&Clients>,
    ) -> Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).context("cannot poll")?;
        let each = addresses.iter().cycle().take(connections).enumerate();
        let open = |(number, address): (usize, &SocketAddr)| {
            Connection::open(*address, clients.map(|clients| clients.session(number)).transpose()?)
        };
        let connections = each.map(open).collect::<Result<Vec<_>>>()?;
        for (index, connection) in connections.iter().enumerate() {
            epoll::add(&epoll, &connection.stream, token(index), epoll::EventFlags::IN)?;
        }
        Ok(Self {
            epoll,
            connections,
            question: Question::new()?,
            expected,
            mix,
            topics,
            number: 0,
            scratch: vec![0; SCRATCH_BYTES],
            random: 0x9e37_79b9_7f4a_7c15,
            turn: 0,
            brokers_added: false,
        })
    }

    /// Sends requests as planned, while the brokers register as prepared. Call it with the same brokers each time.
    ///
    /// # Errors
    /// An answer is wrong or missing, or a connection is lost. No run is possible after that.
    pub fn run(&mut self, plan: Plan, brokers: &mut [Broker], interrupted: &AtomicBool) -> Result<Outcome> {
        self.add_brokers(brokers)?;
        let mut scratch = std::mem::take(&mut self.scratch);
        let expected = self.expected.clone();
        let judge = Judge { expected: &expected, latencies: histogram()?, answers: 0 };
        let began = Instant::now();
        let mut run = Run { plan, began, judge, lateness: histogram()?, sent: 0, interrupted };
        let result = self.drive(&mut run, brokers, &mut scratch);
        self.scratch = scratch;
        result?;
        Ok(Outcome {
            requests: run.judge.answers,
            wall: run.now(),
            latencies: run.judge.latencies,
            lateness: run.lateness,
        })
    }

    /// Checks how the sessions of all connections began.
    ///
    /// # Errors
    /// A session began in another way.
    pub fn check_handshakes(&self, handshake: Handshake) -> Result<()> {
        self.connections.iter().try_for_each(|connection| handshake.check(connection.handshake_kind()))
    }

    /// Closes all connections in order.
    pub fn close(self) {
        self.connections.into_iter().for_each(Connection::close);
    }

    fn drive(&mut self, run: &mut Run<'_>, brokers: &mut [Broker], scratch: &mut [u8]) -> Result<()> {
        let mut events = Vec::with_capacity(EVENTS_MAX);
        if let Pace::Closed { depth } = run.plan.pace {
            for index in 0..self.connections.len() {
                self.burst(index, depth, run)?;
            }
        }
        loop {
            let now = run.now();
            let asks = run.asks(now);
            // A run without requests is for registrations.
            let registers = run.plan.requests_max == 0
                && !run.is_over(now)
                && brokers.iter().any(|broker| broker.next_due().is_some());
            let goes_on = asks || registers;
            if !goes_on && run.judge.answers == run.sent && brokers.iter().all(Broker::is_idle) {
                return Ok(());
            }
            if now > run.plan.lasts + DRAIN {
                bail!("{} answers are missing", run.sent - run.judge.answers);
            }
            match run.plan.pace {
                Pace::Open { rate } if asks => self.send_due(rate, run)?,
                Pace::Rounds { depth } if asks && run.judge.answers == run.sent => self.round(depth, run)?,
                Pace::Open { .. } | Pace::Rounds { .. } | Pace::Closed { .. } => {}
            }
            if goes_on {
                for (index, broker) in brokers.iter_mut().enumerate() {
                    if broker.start_due(now)? {
                        self.write_registration(index, broker)?;
                    }
                }
            }
            events.clear();
            let timeout = poll_timeout(run.plan.pace, asks, now, brokers);
            match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), Some(&timeout)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error).context("cannot poll"),
            }
            for event in &events {
                self.handle(*event, run, brokers, scratch)?;
            }
        }
    }

    fn handle(
        &mut self,
        event: epoll::Event,
        run: &mut Run<'_>,
        brokers: &mut [Broker],
        scratch: &mut [u8],
    ) -> Result<()> {
        let index = event.data.u64() as usize;
        let flags = event.flags;
        let Some(connection) = self.connections.get_mut(index) else {
            let index = index - self.connections.len();
            let Some(broker) = brokers.get_mut(index) else { return Ok(()) };
            if flags.contains(epoll::EventFlags::OUT) {
                self.write_registration(index, broker)?;
            }
            return if flags == epoll::EventFlags::OUT { Ok(()) } else { broker.receive(scratch, run.began.elapsed()) };
        };
        if flags != epoll::EventFlags::OUT {
            connection.receive(scratch, run.began.elapsed(), &mut run.judge)?;
        }
        let answered = connection.in_flight() == 0;
        let waited = flags.contains(epoll::EventFlags::OUT);
        match run.plan.pace {
            Pace::Closed { depth } if answered && run.asks(run.now()) => self.burst(index, depth, run),
            Pace::Closed { .. } | Pace::Rounds { .. } | Pace::Open { .. } if waited || connection.wants_write() => {
                self.flush(index, waited)
            }
            Pace::Closed { .. } | Pace::Rounds { .. } | Pace::Open { .. } => Ok(()),
        }
    }

    /// Sends the next requests of all connections. All are encrypted before the first one is sent, so that the server
    /// finds many at a time, however long encryption takes.
    fn round(&mut self, depth: usize, run: &mut Run<'_>) -> Result<()> {
        let now = run.now();
        for index in 0..self.connections.len() {
            self.ask_times(index, depth, now, run);
            if let Some(connection) = self.connections.get_mut(index) {
                connection.encrypt()?;
            }
        }
        (0..self.connections.len()).try_for_each(|index| self.flush(index, false))
    }

    /// Sends the next requests of one connection, all at once.
    fn burst(&mut self, index: usize, depth: usize, run: &mut Run<'_>) -> Result<()> {
        let now = run.now();
        self.ask_times(index, depth, now, run);
        self.flush(index, false)
    }

    fn ask_times(&mut self, index: usize, depth: usize, now: Duration, run: &mut Run<'_>) {
        for _ in 0..depth {
            if run.sent < run.plan.requests_max {
                self.ask(index, now);
                run.sent += 1;
            }
        }
    }

    /// Sends the requests that are due, connection by connection.
    fn send_due(&mut self, rate: u32, run: &mut Run<'_>) -> Result<()> {
        let now = run.now();
        while run.asks(now) {
            let intended = Duration::from_secs_f64(run.sent as f64 / f64::from(rate));
            if intended > now {
                return Ok(());
            }
            let index = self.turn;
            self.turn = (self.turn + 1) % self.connections.len();
            self.ask(index, intended);
            run.sent += 1;
            self.flush(index, false)?;
            let late = run.now().saturating_sub(intended);
            run.lateness.saturating_record(u64::try_from(late.as_nanos()).unwrap_or(u64::MAX));
        }
        Ok(())
    }

    fn ask(&mut self, index: usize, intended: Duration) {
        // Marsaglia's xorshift: covers the whole table, in the same order in each run.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let next = self.mix.ask(self.number, self.topics, self.random);
        self.number += 1;
        if let Some(connection) = self.connections.get_mut(index) {
            connection.ask(&self.question, next, intended);
        }
    }

    /// Writes, and waits for the socket to become writable if it is full; `waited` says whether it was waited for.
    fn flush(&mut self, index: usize, waited: bool) -> Result<()> {
        let Some(connection) = self.connections.get_mut(index) else { return Ok(()) };
        let done = connection.flush()?;
        if done == waited {
            epoll::modify(&self.epoll, &connection.stream, token(index), interest(done))?;
        }
        Ok(())
    }

    fn write_registration(&mut self, index: usize, broker: &mut Broker) -> Result<()> {
        let done = broker.flush()?;
        epoll::modify(&self.epoll, &broker.stream, token(self.connections.len() + index), interest(done))?;
        Ok(())
    }

    fn add_brokers(&mut self, brokers: &[Broker]) -> Result<()> {
        if self.brokers_added {
            return Ok(());
        }
        for (index, broker) in brokers.iter().enumerate() {
            broker.stream.set_nonblocking(true)?;
            epoll::add(&self.epoll, &broker.stream, token(self.connections.len() + index), epoll::EventFlags::IN)?;
        }
        self.brokers_added = true;
        Ok(())
    }
}

const fn token(index: usize) -> epoll::EventData {
    epoll::EventData::new_u64(index as u64)
}

const fn interest(written: bool) -> epoll::EventFlags {
    if written { epoll::EventFlags::IN } else { epoll::EventFlags::IN.union(epoll::EventFlags::OUT) }
}

/// An open loop never sleeps, or it would be late.
fn poll_timeout(pace: Pace, asks: bool, now: Duration, brokers: &[Broker]) -> Timespec {
    let wait = match pace {
        Pace::Open { .. } if asks => Duration::ZERO,
        Pace::Open { .. } | Pace::Rounds { .. } | Pace::Closed { .. } => {
            let due = brokers
                .iter()
                .filter(|broker| broker.is_idle())
                .filter_map(Broker::next_due)
                .map(|due| due.saturating_sub(now));
            due.fold(TICK, Duration::min)
        }
    };
    // Whole milliseconds: older kernels know nothing finer.
    let millis = if wait.is_zero() { 0 } else { wait.as_millis().max(1) };
    Timespec { tv_sec: 0, tv_nsec: millis as i64 * 1_000_000 }
}

fn histogram() -> Result<Histogram<u64>> {
    Histogram::new_with_bounds(1, LATENCY_NANOS_MAX, 3).context("cannot make a histogram")
}
