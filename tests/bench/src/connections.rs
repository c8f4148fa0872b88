//! Many connections: the memory of an idle one, and how long a server takes when all arrive at once.

use crate::contender::Contender;
use crate::figure::Figure;
use crate::host::Terms;
use crate::start::SETTLE;
use crate::subject::{Observation, Subject};
use crate::workload::SMALL;
use anyhow::Result;
use std::thread;
use std::time::Instant;

/// Name of the samples of connections that arrive at once.
pub const STORM: &str = "connection-storm";
/// Open files that a server needs besides its connections.
const FILES_BESIDE: u64 = 200;
/// Length of an echo server's answer in bytes.
pub(crate) const ANSWER_BYTES: usize = 332;

/// Returns the numbers of idle connections to measure, in this order.
pub fn stages(quick: bool, open_files: u64) -> Vec<usize> {
    let wanted: &[u64] = if quick { &[500, 2000] } else { &[1000, 5000, 15_000] };
    let most = open_files.saturating_sub(FILES_BESIDE);
    let mut stages: Vec<usize> = wanted.iter().map(|wanted| (*wanted).min(most) as usize).collect();
    stages.dedup();
    stages
}

/// Returns the name of the samples of one stage.
pub fn idle_name(connections: usize) -> String {
    format!("idle-{connections}")
}

/// Opens connections stage by stage on a fresh server (one that was busy before has memory to spare) and measures
/// the memory of each after one query. Those of the last stage are closed and opened again, all at once.
///
/// # Errors
/// The server refuses some of the connections.
pub fn connections(
    contender: &Contender,
    stages: &[usize],
    at_once: usize,
    terms: Terms<'_>,
) -> Result<Vec<(String, Observation)>> {
    let subject = Subject::prepare(contender, SMALL, ANSWER_BYTES, terms)?;
    let clients = subject.clients()?;
    let mut observations = Vec::new();
    let mut held = Vec::new();
    let mut open = 0;
    thread::sleep(SETTLE);
    let before = subject.server().memory()?.anonymous as f64;
    for connections in stages {
        held.push(subject.hold(connections - open, clients.as_ref())?.0);
        open = *connections;
        thread::sleep(SETTLE);
        let kib = (subject.server().memory()?.anonymous as f64 - before) / 1024.0 / open as f64;
        let figures = [(Figure::Connections, open as f64), (Figure::ConnectionKib, kib)];
        observations.push((idle_name(open), Observation::from(figures)));
    }
    drop(held);
    thread::sleep(SETTLE);
    let began = Instant::now();
    let (_, outcome) = subject.hold(at_once, clients.as_ref())?;
    let millis = began.elapsed().as_secs_f64() * 1000.0;
    let micros = |quantile: f64| outcome.latencies.value_at_quantile(quantile) as f64 / 1000.0;
    let figures = [
        (Figure::Connections, at_once as f64),
        (Figure::ConnectMillis, millis),
        (Figure::P50, micros(0.5)),
        (Figure::P99, micros(0.99)),
    ];
    observations.push((STORM.to_owned(), Observation::from(figures)));
    Ok(observations)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_fit_into_the_limit_of_open_files() {
        assert_eq!(stages(false, 1_000_000), [1000, 5000, 15_000]);
        assert_eq!(stages(false, 1024), [824]);
        assert!(stages(true, 1_000_000).iter().all(|stage| *stage < 15_000));
    }
}
