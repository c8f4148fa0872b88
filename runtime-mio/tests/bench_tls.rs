//! The comparison's measurements over TLS, on this server.

// A test fails by a panic.
#![allow(clippy::unwrap_used)]

use namesrv_bench::contender::{Contender, Kind};
use namesrv_bench::figure::Figure;
use namesrv_bench::host::Terms;
use namesrv_bench::subject::Observation;
use namesrv_bench::tls;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

static NEVER: AtomicBool = AtomicBool::new(false);

const TERMS: Terms<'static> = Terms { pinning: None, run: Duration::from_millis(20), interrupted: &NEVER };

fn server() -> Contender {
    Contender::new("namesrv-mio".to_owned(), Kind::Ours, env!("CARGO_BIN_EXE_namesrv-mio").into())
}

/// The figures by name.
fn figures(observations: anyhow::Result<Vec<(String, Observation)>>) -> BTreeMap<String, BTreeMap<Figure, f64>> {
    observations.unwrap().into_iter().map(|(name, observation)| (name, observation.figures)).collect()
}

#[test]
fn queries_are_measured_over_plain_text_and_over_tls() {
    let figures = figures(tls::queries(&server(), TERMS));
    let names = ["plain-50x1", "plain-50x16", "plain-beginning", "tls-50x1", "tls-50x16"];
    assert_eq!(figures.keys().collect::<Vec<_>>(), names);
    assert!(figures.values().all(|one| one[&Figure::CpuPer100k] > 0.0 && one[&Figure::Rate] > 0.0));
}

#[test]
fn handshakes_are_measured_full_and_resumed_with_each_certificate() {
    let figures = figures(tls::handshakes(&server(), TERMS));
    let names = ["ecdsa-full", "ecdsa-resumed", "rsa-full", "rsa-resumed"].map(|name| format!("tls-beginning-{name}"));
    assert_eq!(figures.keys().cloned().collect::<Vec<_>>(), names);
    assert!(figures.values().all(|one| one[&Figure::CpuPer100k] > 0.0 && one[&Figure::Rate] > 0.0));
}

#[test]
fn idle_connections_are_measured_and_come_at_once() {
    let figures = figures(tls::connections(&server(), &[20, 50], TERMS));
    let held = ["tls-connection-storm", "tls-idle-20", "tls-idle-50"].map(|name| figures[name][&Figure::Connections]);
    assert_eq!(held, [50.0, 20.0, 50.0]);
}
