//! The start of a server, and its memory without brokers.

use crate::contender::Contender;
use crate::figure::Figure;
use crate::host::Pinning;
use crate::measure::MIB;
use crate::server::ServerProcess;
use crate::subject::Observation;
use anyhow::Result;
use std::thread;
use std::time::Duration;

/// Name of the samples.
pub const START: &str = "start";
/// How long a server may take until it stops allocating.
pub const SETTLE: Duration = Duration::from_millis(300);
/// Length in bytes of the answer that an echo server never sends.
const SOME_BYTES: usize = 300;

/// Starts a server without brokers and measures it.
///
/// # Errors
/// The server does not start.
pub fn start(contender: &Contender, pinning: Option<&Pinning>) -> Result<Observation> {
    let server = ServerProcess::start(contender, SOME_BYTES, pinning)?;
    thread::sleep(SETTLE);
    let memory = server.memory()?;
    Ok(Observation::from([
        (Figure::StartMillis, server.started_in().as_secs_f64() * 1000.0),
        (Figure::IdleResident, memory.resident as f64 / MIB),
        (Figure::IdleAnonymous, memory.anonymous as f64 / MIB),
    ]))
}
