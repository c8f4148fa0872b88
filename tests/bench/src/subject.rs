//! A server under load: filled, verified, and measured run by run.

use crate::broker::{Broker, REPEAT_EVERY};
use crate::contender::{Contender, Kind};
use crate::echo::constant_answer;
use crate::host::Pinning;
use crate::load::{Load, Outcome, Plan};
use crate::measure::{Processor, Used};
use crate::question::{CLASSES, Expected, OPAQUE_MIN, Question, Routes};
use crate::results::Figure;
use crate::server::Server;
use crate::trace::Trace;
use crate::workload::{Pace, Table, Workload};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

/// The generator is the bottleneck when it used its processor for more than this part of the time, ...
const LOAD_SHARE_MAX: f64 = 0.95;
/// ... and the server for less than this one.
const SERVER_SHARE_MIN: f64 = 0.85;
/// Later than this, an open loop is none.
const LATENESS_MAX: Duration = Duration::from_micros(500);
/// How long one query may take when the table is verified.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a server may need until it stops allocating.
const SETTLE: Duration = Duration::from_millis(300);

/// A server that knows a table.
pub struct Subject<'a> {
    /// What it is.
    pub contender: &'a Contender,
    server: Server,
    brokers: Vec<Broker>,
    expected: Expected,
    table: Table,
}

/// What one run showed.
pub struct Observation {
    /// What was measured.
    pub figures: BTreeMap<Figure, f64>,
    /// Why it must not be trusted.
    pub doubt: Option<String>,
}

impl<'a> Subject<'a> {
    /// Starts a server, registers the brokers of a table and verifies its answers. An echo server only gets to know how long
    /// the answers of the others are.
    ///
    /// # Errors
    /// It does not come up, or answers wrongly.
    pub fn prepare(
        contender: &'a Contender,
        table: Table,
        answer_bytes: usize,
        pinning: Option<&Pinning>,
    ) -> Result<Self> {
        let server = Server::start(contender, answer_bytes, pinning)?;
        let address = server.address();
        if contender.is_echo() {
            let expected = Expected::Constant(constant_answer(answer_bytes)?);
            return Ok(Self { contender, server, brokers: Vec::new(), expected, table });
        }
        let filled = (0..table.brokers).map(|number| Broker::of_table(address, table, number)).collect::<Result<_>>();
        let brokers = filled.with_context(|| server.log())?;
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let answers = (0..CLASSES).map(|topic| ask(&mut stream, topic)).collect::<Result<_>>()?;
        let expected = Expected::Routes(Routes::learn(answers, table.brokers)?);
        Ok(Self { contender, server, brokers, expected, table })
    }

    /// Bytes of each answer.
    #[must_use]
    pub fn answer_bytes(&self) -> usize {
        self.expected.answer_bytes()
    }

    /// Stops the server's clockwork while others are measured, if it has one: virtual machines work when nobody asks them. Our
    /// own servers rest, and an executor on io_uring would lose time when it goes on.
    pub fn pause(&self) {
        match self.contender.kind {
            Kind::Java(_) | Kind::RocketmqRust(_) => self.server.pause(),
            Kind::Ours(_) | Kind::Echo(_) => {}
        }
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.server.resume();
    }

    /// Opens the connections of a load, and has a broker join whose topics change where the load wants it.
    ///
    /// # Errors
    /// The server refuses.
    pub fn connect(&mut self, workload: &Workload) -> Result<Load> {
        let known = self.brokers.len() > self.table.brokers;
        if workload.change_every.is_some() && !known && !self.contender.is_echo() {
            self.brokers.push(Broker::of_changes(self.server.address())?);
        }
        Load::connect(self.server.address(), workload.connections, self.table.topics, self.expected.clone())
    }

    /// Runs a load for so long.
    ///
    /// # Errors
    /// A wrong or missing answer, or a lost connection.
    pub fn run(
        &mut self,
        load: &mut Load,
        workload: &Workload,
        lasts: Duration,
        interrupted: &AtomicBool,
    ) -> Result<Observation> {
        self.prepare_brokers(workload, lasts);
        let plan = Plan { pace: workload.pace, lasts, requests_max: u64::MAX };
        let own = rustix::process::getpid();
        let before = (self.server.processor()?, Processor::read(own)?);
        let outcome = load.run(plan, &mut self.brokers, interrupted).with_context(|| self.server.log())?;
        let server = self.server.processor()?.since(&before.0);
        let generator = Processor::read(own)?.since(&before.1);
        let mut observation = observe(workload.pace, &outcome, server, generator);
        if let Some(median) = self.median_change() {
            observation.figures.insert(Figure::ChangeMillis, median.as_secs_f64() * 1000.0);
        }
        Ok(observation)
    }

    /// Runs a load once more while system calls are counted.
    ///
    /// # Errors
    /// They cannot be counted here, or as for [`Subject::run`].
    pub fn count_calls(
        &mut self,
        load: &mut Load,
        workload: &Workload,
        lasts: Duration,
        interrupted: &AtomicBool,
    ) -> Result<Observation> {
        self.prepare_brokers(workload, lasts);
        let trace = Trace::attach(self.server.pid())?;
        let plan = Plan { pace: workload.pace, lasts, requests_max: u64::MAX };
        let outcome = load.run(plan, &mut self.brokers, interrupted)?;
        let calls = trace.finish()? as f64 / outcome.requests as f64;
        Ok(Observation { figures: BTreeMap::from([(Figure::Calls, calls)]), doubt: None })
    }

    fn prepare_brokers(&mut self, workload: &Workload, lasts: Duration) {
        let real = self.table.brokers;
        for (number, broker) in self.brokers.iter_mut().enumerate() {
            // Spread over the interval, as brokers that started at different times.
            let first = REPEAT_EVERY.min(lasts).mul_f64((number as f64 + 0.5) / (real + 1) as f64);
            match workload.change_every {
                Some(every) if number >= real => broker.prepare(every / 2, every, lasts, true),
                _ => broker.prepare(first, REPEAT_EVERY, lasts, false),
            }
        }
    }

    /// How long a change of all topics took, in the run before.
    fn median_change(&self) -> Option<Duration> {
        let mut all = self.brokers.get(self.table.brokers)?.answered_in().to_vec();
        all.sort_unstable();
        all.get(all.len() / 2).copied()
    }

    /// Opens so many connections, asks once over each of them and looks what they cost.
    ///
    /// # Errors
    /// The server refuses some of them.
    pub fn hold(&mut self, connections: usize, interrupted: &AtomicBool) -> Result<Observation> {
        thread::sleep(SETTLE);
        let before = self.server.memory()?;
        let mut load = Load::connect(self.server.address(), connections, self.table.topics, self.expected.clone())?;
        let plan = Plan { pace: Pace::Closed { depth: 1 }, lasts: PATIENCE, requests_max: connections as u64 };
        load.run(plan, &mut [], interrupted)?;
        thread::sleep(SETTLE);
        let after = self.server.memory()?;
        let kib = (after.anonymous as f64 - before.anonymous as f64) / 1024.0 / connections as f64;
        let figures = BTreeMap::from([(Figure::Connections, connections as f64), (Figure::ConnectionKib, kib)]);
        Ok(Observation { figures, doubt: None })
    }

    /// How long the very first load lasts before anything counts: a virtual machine compiles meanwhile.
    #[must_use]
    pub fn first_warm_up(&self, run: Duration) -> Duration {
        match self.contender.kind {
            Kind::Java(_) => run.max(Duration::from_millis(500)) * 8,
            Kind::Ours(_) | Kind::Echo(_) | Kind::RocketmqRust(_) => run / 2,
        }
    }
}

/// Starts a server that knows nothing and looks at it.
///
/// # Errors
/// It does not come up.
pub fn start(contender: &Contender, answer_bytes: usize, pinning: Option<&Pinning>) -> Result<Observation> {
    let server = Server::start(contender, answer_bytes, pinning)?;
    thread::sleep(SETTLE);
    let memory = server.memory()?;
    let mebibytes = |bytes: u64| bytes as f64 / 1024.0 / 1024.0;
    let figures = BTreeMap::from([
        (Figure::StartMillis, server.started_in().as_secs_f64() * 1000.0),
        (Figure::IdleResident, mebibytes(memory.resident)),
        (Figure::IdleAnonymous, mebibytes(memory.anonymous)),
    ]);
    Ok(Observation { figures, doubt: None })
}

fn observe(pace: Pace, outcome: &Outcome, server: Used, generator: Used) -> Observation {
    let wall = outcome.wall.as_secs_f64();
    let micros = |nanos: u64| nanos as f64 / 1000.0;
    let latency = |quantile: f64| micros(outcome.latencies.value_at_quantile(quantile));
    let lateness = outcome.lateness.value_at_quantile(0.99);
    let mut figures = BTreeMap::from([
        (Figure::CpuPer100k, server.running.as_secs_f64() * 1e5 / outcome.requests as f64),
        (Figure::Rate, outcome.requests as f64 / wall),
        (Figure::P50, latency(0.5)),
        (Figure::P99, latency(0.99)),
        (Figure::P999, latency(0.999)),
        (Figure::ServerShare, server.running.as_secs_f64() / wall),
        (Figure::LoadShare, generator.running.as_secs_f64() / wall),
    ]);
    let doubt = match pace {
        Pace::Closed { .. } => closed_doubt(wall, server, generator),
        Pace::Open { .. } => {
            figures.insert(Figure::Lateness, micros(lateness));
            (u128::from(lateness) > LATENESS_MAX.as_nanos()).then(|| "the load generator sent too late".to_owned())
        }
    };
    Observation { figures, doubt }
}

/// Waiting for a processor that something else uses counts as using it: neither side could do more.
fn closed_doubt(wall: f64, server: Used, generator: Used) -> Option<String> {
    let share = |used: Used| (used.running + used.waiting).as_secs_f64() / wall;
    let bottleneck = share(generator) > LOAD_SHARE_MAX && share(server) < SERVER_SHARE_MIN;
    bottleneck.then(|| "the load generator was the bottleneck".to_owned())
}

fn ask(stream: &mut TcpStream, topic: usize) -> Result<Vec<u8>> {
    let mut frame = Vec::new();
    Question::new()?.write(topic, OPAQUE_MIN, &mut frame);
    stream.write_all(&frame)?;
    let mut answer = vec![0; 4];
    stream.read_exact(&mut answer).context("no answer to a route query")?;
    let length = answer.first_chunk::<4>().map_or(0, |length| u32::from_be_bytes(*length)) as usize;
    anyhow::ensure!(length < 1024 * 1024, "an answer of {length} bytes");
    answer.resize(4 + length, 0);
    stream.read_exact(answer.get_mut(4..).unwrap_or_default())?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generator_is_the_bottleneck_only_when_the_server_had_room() {
        let used = |running: u64, waiting: u64| Used {
            running: Duration::from_millis(running),
            waiting: Duration::from_millis(waiting),
        };
        assert!(closed_doubt(1.0, used(800, 0), used(990, 0)).is_some());
        assert!(closed_doubt(1.0, used(800, 150), used(990, 0)).is_none(), "others were on the server's processor");
        assert!(closed_doubt(1.0, used(500, 0), used(500, 0)).is_none(), "one connection, in turns");
        assert!(closed_doubt(1.0, used(500, 0), used(600, 390)).is_some(), "others were on the generator's processor");
    }
}
