//! The whole comparison: every load on every server, in turns.

use crate::contender::{Contender, discover};
use crate::host::{Host, Pinning, pin};
use crate::load::Load;
use crate::options::Options;
use crate::progress::Progress;
use crate::results::{Failure, IDLE_CONNECTIONS, Results, START, Sample};
use crate::subject::{Observation, Subject, start};
use crate::trace::Trace;
use crate::workload::{Pace, Table, Workload, workloads};
use anyhow::Result;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Open files that a server needs besides its connections.
const FILES_BESIDE: u64 = 200;
/// How long system calls are counted.
const CALLS_COUNTED_FOR: Duration = Duration::from_millis(100);
/// Answer of echo servers that nobody asks anything.
const SOME_BYTES: usize = 300;

/// Runs everything, or as much as there is before an interruption.
///
/// # Errors
/// There is nothing to compare. A server that fails is left out from then on.
pub fn compare(options: &Options, interrupted: &AtomicBool) -> Result<Results> {
    let host = Host::look()?;
    let (contenders, skipped) = discover(options)?;
    let pinning = Pinning::choose(&host.processors, options.server_processor, options.load_processor);
    if let Some(pinning) = &pinning {
        pin(&pinning.load)?;
    }
    let workloads = workloads(options.quick);
    let steps = contenders.len() * (workloads.len() * options.repetitions + options.repetitions + 1);
    let mut comparison = Comparison {
        results: Results {
            complete: false,
            options: options.clone(),
            host,
            pinning,
            contenders: contenders.clone(),
            skipped,
            workloads: workloads.clone(),
            answer_bytes: Vec::new(),
            samples: Vec::new(),
            failures: Vec::new(),
        },
        progress: Progress::new(steps),
        interrupted,
        count_calls: Trace::is_possible(),
    };
    comparison.starts(&contenders);
    comparison.idle_connections(&contenders);
    for group in workloads.chunk_by(|one, next| one.table == next.table) {
        if let Some(first) = group.first().filter(|_| !comparison.stopped()) {
            comparison.table(&contenders, first.table, group);
        }
    }
    comparison.progress.finish();
    comparison.results.complete = !comparison.stopped();
    Ok(comparison.results)
}

struct Comparison<'a> {
    results: Results,
    progress: Progress,
    interrupted: &'a AtomicBool,
    /// Whether there is a strace that may count.
    count_calls: bool,
}

impl Comparison<'_> {
    fn stopped(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    fn starts(&mut self, contenders: &[Contender]) {
        for repetition in 0..self.results.options.repetitions {
            for contender in contenders {
                if self.stopped() {
                    return;
                }
                self.progress.step(&format!("{}: start", contender.name));
                let observed = start(contender, SOME_BYTES, self.results.pinning.as_ref());
                self.note(contender, START, repetition, observed);
            }
        }
    }

    /// On servers of their own: a server that was busy before has memory to spare.
    fn idle_connections(&mut self, contenders: &[Contender]) {
        let wanted = if self.results.options.quick { 2000 } else { 15_000 };
        let connections = wanted.min(self.results.host.open_files.saturating_sub(FILES_BESIDE)) as usize;
        let table = Table { brokers: 1, topics: 100 };
        for subject in self.fill(contenders, table).iter_mut().flatten() {
            if self.stopped() {
                return;
            }
            self.progress.step(&format!("{}: idle connections", subject.contender.name));
            subject.resume();
            let observed = subject.hold(connections, self.interrupted);
            subject.pause();
            self.note(subject.contender, IDLE_CONNECTIONS, 0, observed);
        }
        self.results.answer_bytes.clear();
    }

    /// All loads on one table. All servers stay, and all but one are paused.
    fn table(&mut self, contenders: &[Contender], table: Table, workloads: &[Workload]) {
        let mut subjects = self.fill(contenders, table);
        for (index, workload) in workloads.iter().enumerate() {
            let mut loads = self.warm_up(&mut subjects, workload, index == 0);
            for repetition in 0..self.results.options.repetitions {
                for position in 0..subjects.len() {
                    self.sample(&mut subjects, &mut loads, position, workload, repetition);
                }
            }
            if self.count_calls && matches!(workload.pace, Pace::Closed { .. }) {
                self.calls(&mut subjects, &mut loads, workload);
            }
        }
    }

    /// Echo servers come last to be started and first to be measured: they have to know how long an answer is.
    fn fill<'c>(&mut self, contenders: &'c [Contender], table: Table) -> Vec<Option<Subject<'c>>> {
        let mut subjects: Vec<Option<Subject<'c>>> = contenders.iter().map(|_| None).collect();
        let mut answer_bytes = None;
        for echo in [false, true] {
            for (contender, place) in contenders.iter().zip(&mut subjects).filter(|(one, _)| one.is_echo() == echo) {
                if self.stopped() || (echo && answer_bytes.is_none()) {
                    continue;
                }
                self.progress.tell(&format!("{}: {}", contender.name, table.title()));
                let bytes = answer_bytes.unwrap_or(SOME_BYTES);
                match Subject::prepare(contender, table, bytes, self.results.pinning.as_ref()) {
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

    fn warm_up(&mut self, subjects: &mut [Option<Subject<'_>>], workload: &Workload, first: bool) -> Vec<Option<Load>> {
        let run = self.results.options.run;
        let mut loads = Vec::new();
        for place in subjects {
            let load = place.as_mut().filter(|_| !self.stopped()).map(|subject| {
                self.progress.tell(&format!("{}: warm-up for {}", subject.contender.name, workload.name));
                subject.resume();
                let lasts = if first { subject.first_warm_up(run) } else { run / 4 };
                let mut load = subject.connect(workload)?;
                subject.run(&mut load, workload, lasts, self.interrupted)?;
                subject.pause();
                anyhow::Ok(load)
            });
            loads.push(match load {
                Some(Ok(load)) => Some(load),
                Some(Err(error)) => {
                    self.give_up(place, &workload.name, &error);
                    None
                }
                None => None,
            });
        }
        loads
    }

    fn sample(
        &mut self,
        subjects: &mut [Option<Subject<'_>>],
        loads: &mut [Option<Load>],
        position: usize,
        workload: &Workload,
        repetition: usize,
    ) {
        let (Some(place), Some(Some(load))) = (subjects.get_mut(position), loads.get_mut(position)) else { return };
        let Some(subject) = place.as_mut().filter(|_| !self.stopped()) else { return };
        self.progress.step(&format!("{}: {}, repetition {}", subject.contender.name, workload.name, repetition + 1));
        subject.resume();
        let observed = subject.run(load, workload, self.results.options.run, self.interrupted);
        subject.pause();
        match observed {
            // An interrupted run is too short to count.
            Ok(_) if self.stopped() => {}
            Err(error) => self.give_up(place, &workload.name, &error),
            Ok(_) => self.note(subject.contender, &workload.name, repetition, observed),
        }
    }

    fn calls(&mut self, subjects: &mut [Option<Subject<'_>>], loads: &mut [Option<Load>], workload: &Workload) {
        let repetition = self.results.options.repetitions;
        for (place, load) in subjects.iter_mut().zip(loads) {
            let (Some(subject), Some(load)) = (place.as_mut(), load.as_mut()) else { continue };
            if self.stopped() || !self.count_calls {
                return;
            }
            self.progress.tell(&format!("{}: system calls of {}", subject.contender.name, workload.name));
            subject.resume();
            let observed = subject.count_calls(load, workload, CALLS_COUNTED_FOR, self.interrupted);
            subject.pause();
            match observed {
                Ok(_) if self.stopped() => {}
                Err(error) => {
                    // Connections are in an unknown state, and it would fail again.
                    self.count_calls = false;
                    self.give_up(place, &format!("the counting of system calls in {}", workload.name), &error);
                }
                Ok(_) => self.note(subject.contender, &workload.name, repetition, observed),
            }
        }
    }

    fn note(&mut self, contender: &Contender, workload: &str, repetition: usize, observed: Result<Observation>) {
        match observed {
            Ok(Observation { figures, doubt }) => self.results.samples.push(Sample {
                contender: contender.name.clone(),
                workload: workload.to_owned(),
                repetition,
                figures,
                doubt,
            }),
            Err(error) => self.fail(contender, workload, &error),
        }
    }

    fn give_up(&mut self, place: &mut Option<Subject<'_>>, during: &str, error: &anyhow::Error) {
        if let Some(subject) = place.take() {
            self.fail(subject.contender, during, error);
        }
    }

    fn fail(&mut self, contender: &Contender, during: &str, error: &anyhow::Error) {
        let failure = Failure {
            contender: contender.name.clone(),
            during: during.to_owned(),
            reason: format!("{error:#}").chars().take(600).collect(),
        };
        self.progress.tell(&format!("{} fails: {}", failure.contender, failure.reason));
        self.results.failures.push(failure);
    }
}
