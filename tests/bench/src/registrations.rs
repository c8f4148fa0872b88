//! The cost of registrations without queries: repeated, changed, and very large ones.

use crate::announcement::Topics;
use crate::broker::Broker;
use crate::contender::Contender;
use crate::figure::Figure;
use crate::host::Pinning;
use crate::measure::{MIB, Used};
use crate::question::{Ask, topic_name, topic_queues};
use crate::server::ServerProcess;
use crate::subject::{Observation, ask, open};
use crate::workload::CHANGED_TOPICS;
use anyhow::{Context, Result, ensure};
use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;
use std::time::{Duration, Instant};

/// Name of the samples of a broker with [`CHANGED_TOPICS`] topics.
pub const REGISTRATIONS: &str = "registrations";
/// Name of the samples of a broker with [`LARGE_TOPICS`] topics.
pub const LARGE: &str = "large-registration";
/// Topics in one very large registration.
pub const LARGE_TOPICS: usize = 200_000;
/// Registrations for the warm-up, while the server still allocates memory.
const WARM_UP: usize = 3;

/// Repeats a registration as a 5.5.0 broker does, and then changes all of its topics, `times` times each.
///
/// # Errors
/// The server does not start, or refuses a registration.
pub fn registrations(contender: &Contender, times: usize, pinning: Option<&Pinning>) -> Result<Observation> {
    let server = ServerProcess::start(contender, 0, pinning)?;
    let queues = |more: i32| Topics::new((0..CHANGED_TOPICS).map(move |topic| (topic_name(topic), 4 + more)));
    let both = [queues(0)?, queues(1)?];
    let [topics, _] = &both;
    let mut broker = Broker::of_cluster(server.address(), 1, 0, topics.clone())?;
    let mut series = |changes: bool| -> Result<(Duration, Used)> {
        for _ in 0..WARM_UP {
            broker.register(topics, changes)?;
        }
        let before = server.processor()?;
        let mut walls = Vec::new();
        for next in both.iter().rev().cycle().take(times) {
            walls.push(broker.register(if changes { next } else { topics }, changes)?);
        }
        walls.sort_unstable();
        let median = walls.get(times / 2).copied().context("no registration")?;
        Ok((median, server.processor()?.since(&before)))
    };
    let (repeat, repeat_used) = series(false).with_context(|| server.log())?;
    let (change, change_used) = series(true).with_context(|| server.log())?;
    let millis = |time: Duration| time.as_secs_f64() * 1000.0;
    Ok(Observation::from([
        (Figure::RepeatMillis, millis(repeat)),
        (Figure::RepeatCpuMillis, millis(repeat_used.running) / times as f64),
        (Figure::DigestMillis, millis(digest(topics.json(), times))),
        (Figure::ChangeMillis, millis(change)),
        (Figure::ChangeCpuMillis, millis(change_used.running) / times as f64),
    ]))
}

/// Measures a digest of the bytes: SipHash-1-3, which the standard library has. It returns the fastest of some,
/// since only a disturbance makes one slower.
fn digest(bytes: &[u8], times: usize) -> Duration {
    let once = |_| {
        let began = Instant::now();
        let mut hasher = DefaultHasher::new();
        hasher.write(std::hint::black_box(bytes));
        std::hint::black_box(hasher.finish());
        began.elapsed()
    };
    (0..times.max(WARM_UP)).map(once).min().unwrap_or_default()
}

/// Registers very many topics in one frame, and repeats that.
///
/// # Errors
/// The server does not start, refuses the registration, or does not know the last topic.
pub fn large(contender: &Contender, pinning: Option<&Pinning>) -> Result<Observation> {
    let server = ServerProcess::start(contender, 0, pinning)?;
    let topics = Topics::of_table(0..LARGE_TOPICS)?;
    let mut broker = Broker::of_cluster(server.address(), 1, 0, topics.clone())?;
    let first = broker.register(&topics, false).with_context(|| server.log())?;
    let last = LARGE_TOPICS - 1;
    let route = ask(&mut open(&server)?, Ask::Route, last)?;
    let queues = format!("\"readQueueNums\":{}", topic_queues(last));
    ensure!(String::from_utf8_lossy(&route).contains(&queues), "the last topic is not known");
    let again = broker.register(&topics, false)?;
    Ok(Observation::from([
        (Figure::ChangeMillis, first.as_secs_f64() * 1000.0),
        (Figure::RepeatMillis, again.as_secs_f64() * 1000.0),
        (Figure::Resident, server.memory()?.resident as f64 / MIB),
    ]))
}
