//! TLS: the cost of a query, the cost of a handshake, and the memory of an idle session.

use crate::certificate::Certificate;
use crate::clients::{Clients, Handshake};
use crate::connections::{self, ANSWER_BYTES};
use crate::contender::Contender;
use crate::figure::Figure;
use crate::host::Terms;
use crate::measure::Processor;
use crate::subject::{Observation, Subject};
use crate::workload::{SMALL, Workload};
use anyhow::Result;
use std::time::{Duration, Instant};

/// Connections and depth of each load.
pub const SHAPES: [(usize, usize); 2] = [(50, 1), (50, 16)];
/// Numbers of idle connections, in the order of their stages.
pub const STAGES: [usize; 2] = [1000, 5000];
/// The certificate for loads in which its kind does not matter.
const CERTIFICATE: Certificate = Certificate::EcdsaP256;
/// Number of connections that begin at the same time.
const AT_A_TIME: usize = 50;

/// Returns the name of the samples of queries.
#[must_use]
pub fn queries_name(certificate: Option<Certificate>, (connections, depth): (usize, usize)) -> String {
    format!("{}-{connections}x{depth}", layer(certificate))
}

/// Returns the name of the samples of new connections; `None` for plain text.
#[must_use]
pub fn beginning_name(handshake: Option<(Certificate, Handshake)>) -> String {
    match handshake {
        None => format!("{}-beginning", layer(None)),
        Some((certificate, handshake)) => {
            format!("{}-beginning-{}-{}", layer(Some(certificate)), certificate.name(), handshake.name())
        }
    }
}

/// Returns the name of the samples of [`connections::connections`] over TLS.
#[must_use]
pub fn connections_name(name: &str) -> String {
    format!("{}-{name}", layer(Some(CERTIFICATE)))
}

const fn layer(certificate: Option<Certificate>) -> &'static str {
    if certificate.is_some() { "tls" } else { "plain" }
}

/// The layers that queries are sent over: plain text, and TLS beside it.
pub const LAYERS: [Option<Certificate>; 2] = [None, Some(CERTIFICATE)];

/// Runs route queries over warm connections, and opens plain-text connections.
///
/// # Errors
/// A server does not start, or gives a wrong answer.
pub fn queries(contender: &Contender, terms: Terms<'_>) -> Result<Vec<(String, Observation)>> {
    let mut observations = Vec::new();
    for certificate in LAYERS {
        let contender = Contender { certificate, ..contender.clone() };
        let mut subject = Subject::prepare(&contender, SMALL, ANSWER_BYTES, terms)?;
        let mut warm_up = subject.first_warm_up();
        for shape in SHAPES {
            let workload = Workload::rounds(SMALL, shape.0, shape.1);
            let mut load = subject.connect(&workload)?;
            let before = subject.server().processor()?;
            while !is_warm(&subject, &before, warm_up, terms)? {
                subject.run(&mut load, &workload, terms.run / 4)?;
            }
            warm_up = terms.run / 4;
            let observation = subject.run(&mut load, &workload, terms.run)?;
            observations.push((queries_name(certificate, shape), observation));
        }
        if certificate.is_none() {
            observations.push((beginning_name(None), warm_beginnings(&subject, None, terms)?));
        }
    }
    Ok(observations)
}

/// Opens TLS connections, with each certificate and each kind of handshake.
///
/// # Errors
/// A server does not start, gives a wrong answer, or does not resume sessions.
pub fn handshakes(contender: &Contender, terms: Terms<'_>) -> Result<Vec<(String, Observation)>> {
    let mut observations = Vec::new();
    for certificate in Certificate::ALL {
        let contender = Contender { certificate: Some(certificate), ..contender.clone() };
        let subject = Subject::prepare(&contender, SMALL, ANSWER_BYTES, terms)?;
        for handshake in Handshake::ALL {
            let clients = Clients::new(handshake)?;
            // Gives every client a ticket.
            subject.hold(AT_A_TIME, Some(&clients))?.0.close();
            let clients = Some((&clients, handshake));
            // A virtual machine compiles the code of this kind of handshake.
            let observation = warm_beginnings(&subject, clients, terms)?;
            observations.push((beginning_name(Some((certificate, handshake))), observation));
        }
    }
    Ok(observations)
}

/// Holds idle TLS connections, then opens as many at once.
///
/// # Errors
/// The server refuses some of the connections.
pub fn connections(contender: &Contender, stages: &[usize], terms: Terms<'_>) -> Result<Vec<(String, Observation)>> {
    let contender = Contender { certificate: Some(CERTIFICATE), ..contender.clone() };
    let at_once = stages.last().copied().unwrap_or_default();
    let observations = connections::connections(&contender, stages, at_once, terms)?;
    Ok(observations.into_iter().map(|(name, observation)| (connections_name(&name), observation)).collect())
}

/// Opens connections that do not count, then those that do.
fn warm_beginnings(
    subject: &Subject<'_>,
    clients: Option<(&Clients, Handshake)>,
    terms: Terms<'_>,
) -> Result<Observation> {
    let before = subject.server().processor()?;
    while !is_warm(subject, &before, subject.first_warm_up(), terms)? {
        beginnings(subject, clients, terms.run / 4, terms)?;
    }
    beginnings(subject, clients, terms.run, terms)
}

/// Whether the server has used this much processor time. A virtual machine compiles meanwhile, for which a fixed
/// time would not be enough on a busy host.
fn is_warm(subject: &Subject<'_>, before: &Processor, enough: Duration, terms: Terms<'_>) -> Result<bool> {
    let used = subject.server().processor()?.since(before).running;
    Ok(used >= enough || terms.is_interrupted())
}

/// Opens connections, sends one query over each and closes it, until the time is over.
fn beginnings(
    subject: &Subject<'_>,
    clients: Option<(&Clients, Handshake)>,
    lasts: Duration,
    terms: Terms<'_>,
) -> Result<Observation> {
    let (began, before) = (Instant::now(), subject.server().processor()?);
    let mut connections = 0;
    while began.elapsed() < lasts && !terms.is_interrupted() {
        let (load, outcome) = subject.hold(AT_A_TIME, clients.map(|(clients, _)| clients))?;
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
