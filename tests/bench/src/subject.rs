//! A server under load: its tables are filled, its answers verified, and its runs measured.

use crate::announcement::Topics;
use crate::broker::Broker;
use crate::clients::{Clients, Handshake};
use crate::contender::{Contender, Kind};
use crate::echo::constant_answer;
use crate::figure::Figure;
use crate::host::Terms;
use crate::load::{Load, Outcome, Plan};
use crate::measure::{Processor, Used};
use crate::question::{Ask, CLASSES, Expected, Mix, OPAQUE_MIN, Question, Routes};
use crate::server::ServerProcess;
use crate::workload::{Pace, Table, Workload};
use anyhow::{Context, Result};
use namesrv_tests::stream::try_read_frame;
use std::collections::BTreeMap;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// The generator is the bottleneck when it used its processor for more than this part of the time, ...
const LOAD_SHARE_MAX: f64 = 0.95;
/// ... and the server for less than this one.
const SERVER_SHARE_MIN: f64 = 0.85;
/// An open loop that sends later than this is not one.
const LATENESS_MAX: Duration = Duration::from_micros(500);
/// How long one query may take while answers are verified.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long brokers that all return at once may take.
const RETURN_MAX: Duration = Duration::from_secs(300);

/// A server with a registered table, or several processes of it that share the connections.
pub struct Subject<'a> {
    /// The server to compare.
    pub contender: &'a Contender,
    server: ServerProcess,
    /// The other processes.
    others: Vec<ServerProcess>,
    brokers: Vec<Broker>,
    expected: Expected,
    table: Table,
    terms: Terms<'a>,
}

/// The result of one run.
pub struct Observation {
    /// The figures.
    pub figures: BTreeMap<Figure, f64>,
    /// Why the run is doubtful, if it is.
    pub doubt: Option<String>,
}

impl<const N: usize> From<[(Figure, f64); N]> for Observation {
    fn from(figures: [(Figure, f64); N]) -> Self {
        Self { figures: figures.into(), doubt: None }
    }
}

impl<'a> Subject<'a> {
    /// Starts a server, registers the brokers of a table and verifies the answers. An echo server is only told
    /// the length of the other servers' answers.
    ///
    /// # Errors
    /// The server does not start, or gives a wrong answer.
    pub fn prepare(contender: &'a Contender, table: Table, answer_bytes: usize, terms: Terms<'a>) -> Result<Self> {
        let start = |process| {
            // Each of several processes gets a processor.
            let apart = terms.pinning.filter(|_| contender.processes > 1).map(|pinning| pinning.nth(process));
            ServerProcess::start(contender, answer_bytes, apart.as_ref().or(terms.pinning))
        };
        let server = start(0)?;
        let others = (1..contender.processes).map(start).collect::<Result<Vec<_>>>()?;
        if contender.is_echo() {
            let expected = Expected::Constant(constant_answer(answer_bytes)?);
            return Ok(Self { contender, server, others, brokers: Vec::new(), expected, table, terms });
        }
        let filled = std::iter::once(&server)
            .chain(&others)
            .flat_map(|server| (0..table.brokers).map(|number| Broker::of_table(server.address(), table, number)))
            .collect::<Result<_>>();
        let brokers = filled.with_context(|| server.log())?;
        let expected = learn(&server, table)?;
        Ok(Self { contender, server, others, brokers, expected, table, terms })
    }

    /// Starts a server to which all brokers of a table return at once. Returns how long it took until the last of
    /// them was answered, and until a route named all of them.
    ///
    /// # Errors
    /// The server does not start, or gives a wrong answer.
    pub fn after_restart(contender: &'a Contender, table: Table, terms: Terms<'a>) -> Result<(Self, [Duration; 2])> {
        let server = ServerProcess::start(contender, 0, terms.pinning)?;
        let topics = Topics::of_table(0..table.topics)?;
        let began = Instant::now();
        let mut brokers = (0..table.brokers)
            .map(|number| Broker::of_cluster(server.address(), table.brokers, number, topics.clone()))
            .collect::<Result<Vec<_>>>()?;
        brokers.iter_mut().for_each(|broker| broker.prepare(Duration::ZERO, None));
        let nothing = Expected::Constant(Vec::new());
        let mut load = Load::connect(&[server.address()], 0, (Mix::Only(Ask::Route), 0), nothing, None)?;
        let plan = Plan { pace: Pace::Closed { depth: 1 }, lasts: RETURN_MAX, requests_max: 0 };
        load.run(plan, &mut brokers, terms.interrupted).with_context(|| server.log())?;
        let answered = began.elapsed();
        let expected = learn(&server, table)?;
        let whole = began.elapsed();
        Ok((Self { contender, server, others: Vec::new(), brokers, expected, table, terms }, [answered, whole]))
    }

    /// Returns the server, or the first of its processes.
    pub const fn server(&self) -> &ServerProcess {
        &self.server
    }

    fn processes(&self) -> impl Iterator<Item = &ServerProcess> {
        std::iter::once(&self.server).chain(&self.others)
    }

    fn addresses(&self) -> Vec<SocketAddr> {
        self.processes().map(ServerProcess::address).collect()
    }

    fn processor(&self) -> Result<Processor> {
        Processor::read(self.processes().map(ServerProcess::pid))
    }

    /// Returns the length of each route in bytes.
    pub fn answer_bytes(&self) -> usize {
        self.expected.answer_bytes(Ask::Route.class(0))
    }

    /// Pauses the server while others are measured, if it works when idle, as virtual machines do.
    /// Our own servers rest, and an executor on io_uring would lose time after a pause.
    pub fn pause(&self) {
        match self.contender.kind {
            Kind::Java | Kind::JavaTcnative | Kind::RocketmqRust => self.processes().for_each(ServerProcess::pause),
            Kind::Ours | Kind::Echo => {}
        }
    }

    /// Resumes the server.
    pub fn resume(&self) {
        self.processes().for_each(ServerProcess::resume);
    }

    /// Opens the connections of a load. Adds a broker whose topics change, if the load has one.
    ///
    /// # Errors
    /// The server refuses a connection or a registration.
    pub fn connect(&mut self, workload: &Workload) -> Result<Load> {
        let known = self.brokers.iter().any(Broker::changes);
        if workload.change_every.is_some() && !known && !self.contender.is_echo() {
            self.brokers.push(Broker::of_changes(self.server.address())?);
        }
        let mut expected = self.expected.clone();
        if let Expected::Routes(routes) = &mut expected
            && workload.asks.has_lists()
        {
            let mut stream = open(&self.server)?;
            for list in workload.asks.lists() {
                let Table { brokers, topics } = self.table;
                routes.learn_list(*list, ask(&mut stream, *list, 0)?, brokers, topics)?;
            }
        }
        let asks = (workload.asks, self.table.topics);
        Load::connect(&self.addresses(), workload.connections, asks, expected, self.clients()?.as_ref())
    }

    /// Makes TLS clients for a server with a certificate; `None` for plain text.
    pub fn clients(&self) -> Result<Option<Clients>> {
        self.contender.certificate.map(|_| Clients::new(Handshake::Full)).transpose()
    }

    /// Opens connections, all at once, and sends one query over each of them.
    ///
    /// # Errors
    /// The server refuses some of the connections.
    pub fn hold(&self, connections: usize, clients: Option<&Clients>) -> Result<(Load, Outcome)> {
        let asks = (Mix::Only(Ask::Route), self.table.topics);
        let mut load = Load::connect(&self.addresses(), connections, asks, self.expected.clone(), clients)?;
        let plan = Plan { pace: Pace::Closed { depth: 1 }, lasts: RETURN_MAX, requests_max: connections as u64 };
        let outcome = load.run(plan, &mut [], self.terms.interrupted)?;
        Ok((load, outcome))
    }

    /// Runs a load for this long.
    ///
    /// # Errors
    /// An answer is wrong or missing, or a connection is lost.
    pub fn run(&mut self, load: &mut Load, workload: &Workload, lasts: Duration) -> Result<Observation> {
        self.prepare_brokers(workload);
        let plan = Plan { pace: workload.pace, lasts, requests_max: u64::MAX };
        let own = rustix::process::getpid();
        let before = (self.processor()?, Processor::read([own])?);
        let outcome = load.run(plan, &mut self.brokers, self.terms.interrupted).with_context(|| self.server.log())?;
        let server = self.processor()?.since(&before.0);
        let generator = Processor::read([own])?.since(&before.1);
        let mut observation = observe(workload.pace, &outcome, server, generator);
        for (changes, figure) in [(true, Figure::ChangeMillis), (false, Figure::RepeatMillis)] {
            if let Some(median) = self.median_registration(changes) {
                observation.figures.insert(figure, median.as_secs_f64() * 1000.0);
            }
        }
        Ok(observation)
    }

    fn prepare_brokers(&mut self, workload: &Workload) {
        let real = self.brokers.iter().filter(|broker| !broker.changes()).count();
        for (number, broker) in self.brokers.iter_mut().enumerate() {
            match workload.change_every {
                Some(every) if broker.changes() => broker.prepare(every / 2, Some(every)),
                None if broker.changes() => broker.prepare(Duration::MAX, None),
                // Spread over the interval, like brokers that started at different times.
                Some(_) | None => {
                    let first = workload.repeat_every.mul_f64((number as f64 + 0.5) / (real + 1) as f64);
                    broker.prepare(first, Some(workload.repeat_every));
                }
            }
        }
    }

    /// Returns the median time of registrations in the last run, of those that change everything or of repeated ones.
    fn median_registration(&self, changes: bool) -> Option<Duration> {
        let brokers = self.brokers.iter().filter(|broker| broker.changes() == changes);
        let mut all: Vec<Duration> = brokers.flat_map(Broker::answered_in).copied().collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied()
    }

    /// Returns the length of the first warm-up, in which a virtual machine compiles.
    pub fn first_warm_up(&self) -> Duration {
        let run = self.terms.run;
        match self.contender.kind {
            Kind::Java | Kind::JavaTcnative => run.max(Duration::from_millis(500)) * 8,
            Kind::Ours | Kind::Echo | Kind::RocketmqRust => run / 2,
        }
    }
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
        // The server finds the same batches, however slow the generator is.
        Pace::Rounds { .. } => None,
        Pace::Open { .. } => {
            figures.insert(Figure::Lateness, micros(lateness));
            (u128::from(lateness) > LATENESS_MAX.as_nanos()).then(|| "the load generator sent too late".to_owned())
        }
    };
    Observation { figures, doubt }
}

/// Waiting for a busy processor counts as using it: neither side could do more.
fn closed_doubt(wall: f64, server: Used, generator: Used) -> Option<String> {
    let share = |used: Used| (used.running + used.waiting).as_secs_f64() / wall;
    let bottleneck = share(generator) > LOAD_SHARE_MAX && share(server) < SERVER_SHARE_MIN;
    bottleneck.then(|| "the load generator was the bottleneck".to_owned())
}

/// Learns and checks the answers of a server for each class of topics.
fn learn(server: &ServerProcess, table: Table) -> Result<Expected> {
    let mut stream = open(server)?;
    let answers = (0..CLASSES).map(|topic| ask(&mut stream, Ask::Route, topic)).collect::<Result<_>>()?;
    Ok(Expected::Routes(Routes::learn(answers, table.brokers)?))
}

/// Opens a connection for single queries.
///
/// # Errors
/// The server does not accept it.
pub fn open(server: &ServerProcess) -> Result<TcpStream> {
    let stream = TcpStream::connect(server.address())?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    Ok(stream)
}

/// Sends one query and returns the frame of the answer.
///
/// # Errors
/// The answer is missing or too long.
pub fn ask(stream: &mut TcpStream, asks: Ask, topic: usize) -> Result<Vec<u8>> {
    let mut frame = Vec::new();
    Question::new()?.write(asks, topic, OPAQUE_MIN, &mut frame);
    stream.write_all(&frame)?;
    try_read_frame(stream).context("no answer")
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
