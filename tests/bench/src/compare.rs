//! The whole comparison: every load on every server, server by server in turn.

use crate::cluster::{Cluster, clusters, live};
use crate::connections::{connections, stages};
use crate::contender::{Contender, discover};
use crate::host::{Host, Pinning, Terms, pin};
use crate::load::Load;
use crate::options::Options;
use crate::progress::ProgressBar;
use crate::registrations::{LARGE, REGISTRATIONS, large, registrations};
use crate::results::{Failure, Results, Sample};
use crate::start::{START, start};
use crate::subject::{Observation, Subject};
use crate::threads::{self, SETUPS};
use crate::tls;
use crate::workload::{Table, Workload, workloads};
use anyhow::Result;
use std::sync::atomic::AtomicBool;

/// Open files that a server needs besides its connections.
const FILES_BESIDE: u64 = 1000;
/// Number of connections that arrive at once.
const AT_ONCE: usize = 5000;
/// The most repetitions of the long parts.
const LONG_REPETITIONS: usize = 2;
/// Repetitions of the part that opens thousands of TLS connections.
const TLS_CONNECTIONS_REPETITIONS: usize = 1;

/// Measures everything, or what is done before an interruption.
///
/// # Errors
/// There is nothing to compare. A server that fails is only left out from then on.
pub fn compare(options: &Options, interrupted: &AtomicBool) -> Result<Results> {
    let host = Host::look()?;
    let (contenders, skipped) = discover(options)?;
    let pinning = Pinning::choose(&host.processors, options.server_processor, options.load_processor);
    if let Some(pinning) = &pinning {
        pin(&pinning.load)?;
    }
    let workloads = if options.measures("routes") { workloads(options.quick) } else { Vec::new() };
    let clusters = clusters(options.quick).to_vec();
    let mut comparison = Comparison {
        progress: ProgressBar::new(steps(options, &contenders, workloads.len(), clusters.len())),
        results: Results {
            complete: false,
            options: options.clone(),
            host,
            pinning: pinning.clone(),
            contenders: contenders.clone(),
            skipped,
            workloads: workloads.clone(),
            clusters,
            answer_bytes: Vec::new(),
            samples: Vec::new(),
            failures: Vec::new(),
        },
        terms: Terms { pinning: pinning.as_ref(), run: options.run, interrupted },
    };
    comparison.tls(&contenders);
    let contenders: Vec<Contender> = contenders.into_iter().filter(|one| !one.is_for_tls()).collect();
    comparison.fresh_servers(&contenders);
    for group in workloads.chunk_by(|one, next| one.table == next.table) {
        if let Some(first) = group.first().filter(|_| !comparison.stopped()) {
            comparison.table(&contenders, first.table, group);
        }
    }
    comparison.progress.finish();
    comparison.results.complete = !comparison.stopped();
    Ok(comparison.results)
}

/// Returns the number of steps, for the progress line.
fn steps(options: &Options, contenders: &[Contender], workloads: usize, clusters: usize) -> usize {
    let all = contenders.iter().filter(|contender| !contender.is_for_tls()).count();
    let servers = all - contenders.iter().filter(|contender| contender.is_echo()).count();
    let ours = contenders.iter().filter(|contender| contender.is_ours()).count();
    let (often, seldom) = (options.repetitions, options.repetitions.min(LONG_REPETITIONS));
    let parts = [
        ("start", all * often),
        ("connections", all * seldom),
        ("registrations", servers * (often + seldom)),
        ("cluster", servers * clusters * seldom),
        ("threads", ours * often * SETUPS.len()),
        ("tls", contenders.len() * (2 * often + TLS_CONNECTIONS_REPETITIONS)),
        ("routes", all * often * workloads),
    ];
    parts.iter().filter(|(part, _)| options.measures(part)).map(|(_, steps)| steps).sum()
}

struct Comparison<'a> {
    results: Results,
    progress: ProgressBar,
    terms: Terms<'a>,
}

impl<'a> Comparison<'a> {
    fn stopped(&self) -> bool {
        self.terms.is_interrupted()
    }

    /// Measures everything over TLS; each server is started afresh.
    fn tls(&mut self, contenders: &[Contender]) {
        if !self.results.options.measures("tls") {
            return;
        }
        let (often, terms) = (self.results.options.repetitions, self.terms);
        self.turns(contenders, "TLS: queries", often, |one| tls::queries(one, terms));
        self.turns(contenders, "TLS: handshakes", often, |one| tls::handshakes(one, terms));
        let most = self.results.host.open_files.saturating_sub(FILES_BESIDE) as usize;
        let stages = tls::STAGES.map(|stage| stage.min(most));
        self.turns(contenders, "TLS: connections", TLS_CONNECTIONS_REPETITIONS, |one| {
            tls::connections(one, &stages, terms)
        });
    }

    /// Measures everything else that needs fresh servers.
    fn fresh_servers(&mut self, contenders: &[Contender]) {
        let (options, host) = (self.results.options.clone(), self.results.host.clone());
        let terms = self.terms;
        let (often, seldom) = (options.repetitions, options.repetitions.min(LONG_REPETITIONS));
        let measured = |part: &str, wanted: fn(&Contender) -> bool| -> Vec<Contender> {
            contenders.iter().filter(|one| options.measures(part) && wanted(one)).cloned().collect()
        };
        let servers = |contender: &Contender| !contender.is_echo();
        let single = |name: &str, observed: Result<Observation>| Ok(vec![(name.to_owned(), observed?)]);
        self.turns(&measured("start", |_| true), START, often, |one| single(START, start(one, terms.pinning)));
        let stages = stages(options.quick, host.open_files);
        let at_once = stages.last().copied().unwrap_or_default().min(AT_ONCE);
        self.turns(&measured("connections", |_| true), "connections", seldom, |one| {
            connections(one, &stages, at_once, terms)
        });
        let times = if options.quick { 5 } else { 30 };
        self.turns(&measured("registrations", servers), REGISTRATIONS, often, |one| {
            single(REGISTRATIONS, registrations(one, times, terms.pinning))
        });
        self.turns(&measured("registrations", servers), LARGE, seldom, |one| single(LARGE, large(one, terms.pinning)));
        let connections_max = host.open_files.saturating_sub(FILES_BESIDE) as usize;
        for cluster in &self.results.clusters.clone() {
            let cluster: &Cluster = cluster;
            self.turns(&measured("cluster", servers), &cluster.name(), seldom, |one| {
                single(&cluster.name(), live(cluster, one, connections_max, terms))
            });
        }
        let spread = threads::pinning(&host.processors, terms.pinning);
        let spread = Terms { pinning: spread.as_ref(), ..terms };
        for _ in 0..often {
            for setup in SETUPS {
                self.turns(&measured("threads", Contender::is_ours), &setup.title(), 1, |one| {
                    threads::queries(one, setup, spread)
                });
            }
        }
    }

    /// Measures one server after the other, `times` over. A server that fails is left out from then on.
    fn turns(
        &mut self,
        contenders: &[Contender],
        what: &str,
        repetitions: usize,
        measure: impl Fn(&Contender) -> Result<Vec<(String, Observation)>>,
    ) {
        for _ in 0..repetitions {
            for contender in contenders {
                if self.stopped() {
                    return;
                }
                self.progress.step(&format!("{}: {what}", contender.name));
                if self.left_out(what, contender) {
                    continue;
                }
                match measure(contender) {
                    Ok(_) | Err(_) if self.stopped() => {}
                    Ok(observations) => {
                        for (name, observation) in observations {
                            self.note(contender, &name, observation);
                        }
                    }
                    Err(error) => self.fail(contender, what, &error),
                }
            }
        }
    }

    fn left_out(&self, what: &str, contender: &Contender) -> bool {
        self.results.failures.iter().any(|failure| failure.contender == contender.name && failure.during == what)
    }

    /// Measures all loads on one table. All servers stay up, and all but one are paused.
    fn table(&mut self, contenders: &[Contender], table: Table, workloads: &[Workload]) {
        let mut subjects = self.fill(contenders, table);
        for (index, workload) in workloads.iter().enumerate() {
            let mut loads: Vec<Option<Load>> =
                subjects.iter_mut().map(|place| self.warm_up(place, workload, index == 0)).collect();
            for repetition in 0..self.results.options.repetitions {
                for (place, load) in subjects.iter_mut().zip(&mut loads) {
                    self.sample(place, load, workload, repetition);
                }
            }
        }
    }

    /// Echo servers are started last, since they need the length of an answer, and measured first.
    fn fill<'c>(&mut self, contenders: &'c [Contender], table: Table) -> Vec<Option<Subject<'c>>>
    where
        'a: 'c,
    {
        let mut subjects: Vec<Option<Subject<'c>>> = contenders.iter().map(|_| None).collect();
        let mut answer_bytes = None;
        for echo in [false, true] {
            for (contender, place) in contenders.iter().zip(&mut subjects).filter(|(one, _)| one.is_echo() == echo) {
                if self.stopped() || (echo && answer_bytes.is_none()) {
                    continue;
                }
                self.progress.tell(&format!("{}: {}", contender.name, table.title()));
                match Subject::prepare(contender, table, answer_bytes.unwrap_or_default(), self.terms) {
                    Ok(subject) => {
                        answer_bytes = answer_bytes.or(Some(subject.answer_bytes()));
                        subject.pause();
                        *place = Some(subject);
                    }
                    Err(error) => self.fail(contender, &table.title(), &error),
                }
            }
        }
        self.results.answer_bytes.extend(answer_bytes.map(|bytes| (table, bytes)));
        subjects
    }

    fn warm_up(&mut self, place: &mut Option<Subject<'_>>, workload: &Workload, first: bool) -> Option<Load> {
        let contender = self.present(place)?;
        // An echo server has only one answer.
        if contender.is_echo() && workload.asks.has_lists() {
            return None;
        }
        self.progress.tell(&format!("{}: warm-up for {}", contender.name, workload.name));
        let run = self.terms.run;
        self.turn(place, &workload.name, |subject| {
            let lasts = if first { subject.first_warm_up() } else { run / 4 };
            let mut load = subject.connect(workload)?;
            subject.run(&mut load, workload, lasts)?;
            Ok(load)
        })
    }

    fn sample(
        &mut self,
        place: &mut Option<Subject<'_>>,
        load: &mut Option<Load>,
        workload: &Workload,
        repetition: usize,
    ) {
        let (Some(contender), Some(load)) = (self.present(place), load) else { return };
        self.progress.step(&format!("{}: {}, repetition {}", contender.name, workload.name, repetition + 1));
        let run = self.terms.run;
        let observed = self.turn(place, &workload.name, |subject| subject.run(load, workload, run));
        if let Some(observation) = observed {
            self.note(contender, &workload.name, observation);
        }
    }

    /// The server at a place, unless it has failed or the user wants an end.
    fn present<'c>(&self, place: &Option<Subject<'c>>) -> Option<&'c Contender> {
        place.as_ref().filter(|_| !self.stopped()).map(|subject| subject.contender)
    }

    /// Measures one server while the others are paused. One that fails is given up, since its connections are in an
    /// unknown state. An interrupted run is too short to use.
    fn turn<T>(
        &mut self,
        place: &mut Option<Subject<'_>>,
        during: &str,
        measure: impl FnOnce(&mut Subject<'_>) -> Result<T>,
    ) -> Option<T> {
        let subject = place.as_mut()?;
        subject.resume();
        let measured = measure(subject);
        subject.pause();
        if let Err(error) = &measured {
            self.fail(subject.contender, during, error);
            *place = None;
        }
        measured.ok().filter(|_| !self.stopped())
    }

    fn note(&mut self, contender: &Contender, workload: &str, Observation { figures, doubt }: Observation) {
        let same = |one: &&Sample| one.contender == contender.name && one.workload == workload;
        let repetition = self.results.samples.iter().filter(same).count();
        let (contender, workload) = (contender.name.clone(), workload.to_owned());
        self.results.samples.push(Sample { contender, workload, repetition, figures, doubt });
    }

    fn fail(&mut self, contender: &Contender, during: &str, error: &anyhow::Error) {
        let failure = Failure::new(&contender.name, during, error);
        self.progress.tell(&format!("{} fails: {}", failure.contender, failure.reason));
        self.results.failures.push(failure);
    }
}
