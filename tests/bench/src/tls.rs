//! TLS: what a query costs over it, what the beginning of a session costs, and what an idle session takes.

use crate::certificate::Certificate;
use crate::clients::{Clients, Handshake};
use crate::connections::{self, ANSWER_BYTES};
use crate::contender::Contender;
use crate::figure::Figure;
use crate::host::Pinning;
use crate::measure::Processor;
use crate::subject::{Observation, Subject};
use crate::workload::{SMALL, Workload};
use anyhow::Result;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Connections and the depth of the loads.
pub const SHAPES: [(usize, usize); 2] = [(50, 1), (50, 16)];
/// How many idle connections there are, one number after the other.
pub const STAGES: [usize; 2] = [1000, 5000];
/// The certificate where its kind does not matter.
const CERTIFICATE: Certificate = Certificate::EcdsaP256;
/// Connections that begin at the same time.
const AT_A_TIME: usize = 50;

/// Name of the samples of queries.
#[must_use]
pub fn queries_name(certificate: Option<Certificate>, (connections, depth): (usize, usize)) -> String {
    format!("{}-{connections}x{depth}", layer(certificate))
}

/// Name of the samples of new connections; plain text has no handshake.
#[must_use]
pub fn beginning_name(handshake: Option<(Certificate, Handshake)>) -> String {
    match handshake {
        None => format!("{}-beginning", layer(None)),
        Some((certificate, handshake)) => {
            format!("{}-beginning-{}-{}", layer(Some(certificate)), certificate.name(), handshake.name())
        }
    }
}

/// Name of the samples of [`connections::connections`] over TLS.
#[must_use]
pub fn connections_name(name: &str) -> String {
    format!("{}-{name}", layer(Some(CERTIFICATE)))
}

const fn layer(certificate: Option<Certificate>) -> &'static str {
    if certificate.is_some() { "tls" } else { "plain" }
}

/// What queries are sent over: plain text, and TLS beside it.
pub const LAYERS: [Option<Certificate>; 2] = [None, Some(CERTIFICATE)];

/// Runs route queries on warm connections, and opens connections of plain text.
///
/// # Errors
/// A server does not come up, or answers wrongly.
pub fn queries(
    contender: &Contender,
    lasts: Duration,
    pinning: Option<&Pinning>,
    interrupted: &AtomicBool,
) -> Result<Vec<(String, Observation)>> {
    let mut observations = Vec::new();
    for certificate in LAYERS {
        let contender = Contender { certificate, ..contender.clone() };
        let mut subject = Subject::prepare(&contender, SMALL, ANSWER_BYTES, pinning)?;
        let mut warm_up = subject.first_warm_up(lasts);
        for shape in SHAPES {
            let workload = Workload::rounds(SMALL, shape.0, shape.1);
            let mut load = subject.connect(&workload)?;
            let before = subject.server().processor()?;
            while !is_warm(&subject, &before, warm_up, interrupted)? {
                subject.run(&mut load, &workload, lasts / 4, interrupted)?;
            }
            warm_up = lasts / 4;
            let observation = subject.run(&mut load, &workload, lasts, interrupted)?;
            observations.push((queries_name(certificate, shape), observation));
        }
        if certificate.is_none() {
            warm_up_beginnings(&subject, None, interrupted, lasts)?;
            observations.push((beginning_name(None), beginnings(&subject, None, lasts, interrupted)?));
        }
    }
    Ok(observations)
}

/// Opens TLS connections, with each certificate and each kind of handshake.
///
/// # Errors
/// A server does not come up, answers wrongly, or does not resume sessions.
pub fn handshakes(
    contender: &Contender,
    lasts: Duration,
    pinning: Option<&Pinning>,
    interrupted: &AtomicBool,
) -> Result<Vec<(String, Observation)>> {
    let mut observations = Vec::new();
    for certificate in Certificate::ALL {
        let contender = Contender { certificate: Some(certificate), ..contender.clone() };
        let subject = Subject::prepare(&contender, SMALL, ANSWER_BYTES, pinning)?;
        for handshake in Handshake::ALL {
            let clients = Clients::new(handshake)?;
            // Gives every client a ticket.
            subject.hold(AT_A_TIME, Some(&clients), interrupted)?.0.close();
            let clients = Some((&clients, handshake));
            // A virtual machine compiles what only this kind of handshake does.
            warm_up_beginnings(&subject, clients, interrupted, lasts)?;
            let observation = beginnings(&subject, clients, lasts, interrupted)?;
            observations.push((beginning_name(Some((certificate, handshake))), observation));
        }
    }
    Ok(observations)
}

/// Holds idle TLS connections, and opens as many at once.
///
/// # Errors
/// The server refuses some of them.
pub fn connections(
    contender: &Contender,
    stages: &[usize],
    pinning: Option<&Pinning>,
    interrupted: &AtomicBool,
) -> Result<Vec<(String, Observation)>> {
    let contender = Contender { certificate: Some(CERTIFICATE), ..contender.clone() };
    let at_once = stages.last().copied().unwrap_or_default();
    let observations = connections::connections(&contender, stages, at_once, pinning, interrupted)?;
    Ok(observations.into_iter().map(|(name, observation)| (connections_name(&name), observation)).collect())
}

/// Opens connections that do not count.
fn warm_up_beginnings(
    subject: &Subject<'_>,
    clients: Option<(&Clients, Handshake)>,
    interrupted: &AtomicBool,
    lasts: Duration,
) -> Result<()> {
    let before = subject.server().processor()?;
    while !is_warm(subject, &before, subject.first_warm_up(lasts), interrupted)? {
        beginnings(subject, clients, lasts / 4, interrupted)?;
    }
    Ok(())
}

/// Whether the server has used so much processor time. A virtual machine compiles meanwhile, and on a busy host a fixed
/// time would not be enough for that.
fn is_warm(subject: &Subject<'_>, before: &Processor, enough: Duration, interrupted: &AtomicBool) -> Result<bool> {
    let used = subject.server().processor()?.since(before).running;
    Ok(used >= enough || interrupted.load(Ordering::Relaxed))
}

/// Opens connections, asks once over each and closes it, as long as that is to last.
fn beginnings(
    subject: &Subject<'_>,
    clients: Option<(&Clients, Handshake)>,
    lasts: Duration,
    interrupted: &AtomicBool,
) -> Result<Observation> {
    let (began, before) = (Instant::now(), subject.server().processor()?);
    let mut connections = 0;
    while began.elapsed() < lasts && !interrupted.load(Ordering::Relaxed) {
        let (load, outcome) = subject.hold(AT_A_TIME, clients.map(|(clients, _)| clients), interrupted)?;
        if let Some((_, handshake)) = clients {
            load.check_handshakes(handshake)?;
        }
        load.close();
        connections += outcome.requests;
    }
    let used = subject.server().processor()?.since(&before);
    Ok(Observation::from([
        (Figure::CpuPer100k, used.running.as_secs_f64() * 1e5 / connections as f64),
        (Figure::Rate, connections as f64 / began.elapsed().as_secs_f64()),
    ]))
}
