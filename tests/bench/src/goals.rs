//! The goals of the servers of this repository, and whether they are met.

use crate::certificate::Certificate;
use crate::clients::Handshake;
use crate::cluster::clusters;
use crate::connections::idle_name;
use crate::contender::{Contender, Kind};
use crate::figure::Figure;
use crate::registrations::{LARGE, REGISTRATIONS};
use crate::report::{NOTHING, Section, digits};
use crate::results::{Results, Summary};
use crate::start::START;
use crate::workload::{SMALL, Table, Workload};
use crate::{threads, tls};

/// The runtime that has to meet every goal; the figures of the others are shown beside it where runtimes differ by
/// nature.
const FIRST: &str = "namesrv-mio";
/// How many times the digest of its body a repeated registration may cost: the kernel has to copy the body, too.
const DIGESTS_MAX: f64 = 2.0;
const MEGABYTES_OF_MEBIBYTE: f64 = 1.048_576;

/// Summarises the figure of a server that a goal is about. `None` if it was not measured.
type Measure<'a> = Box<dyn Fn(&Contender) -> Option<Summary> + 'a>;

/// One goal.
struct Goal<'a> {
    title: String,
    bound: Bound,
    unit: &'static str,
    /// The only server that has to meet it; `None` for every server.
    only: Option<&'static str>,
    measured: Measure<'a>,
}

/// The bound of a figure.
#[derive(Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl<'a> Goal<'a> {
    fn new(
        title: String,
        bound: Bound,
        unit: &'static str,
        measure: impl Fn(&Contender) -> Option<Summary> + 'a,
    ) -> Self {
        Self { title, bound, unit, only: None, measured: Box::new(measure) }
    }

    /// Returns the figure of a server and whether it meets the goal.
    fn cell(&self, contender: &Contender) -> String {
        let Some(measured) = (self.measured)(contender) else { return NOTHING.to_owned() };
        let reached = match self.bound {
            Bound::AtMost(most) => measured.median <= most,
            Bound::AtLeast(least) => measured.median >= least,
        };
        let verdict = match (self.only, measured.doubtful) {
            (Some(only), _) if only != contender.name => "",
            (_, true) => " doubtful",
            (_, false) if reached => " met",
            (_, false) => " missed",
        };
        format!("{}{}{verdict}", digits(measured.median), self.unit)
    }
}

/// Returns all goals as rows, with a column for each server of this repository.
pub fn goals(results: &Results) -> Section {
    let ours: Vec<&Contender> = results.contenders.iter().filter(|one| one.is_ours()).collect();
    let parts = [
        ("routes", queries(results)),
        ("registrations", registrations(results)),
        ("cluster", large_cluster(results)),
        ("connections", idle(results)),
        ("start", start(results)),
        ("threads", io_threads(results)),
        ("tls", over_tls(results)),
    ];
    let all = parts.into_iter().filter(|(part, _)| results.options.measures(part)).flat_map(|(_, goals)| goals);
    let row = |goal: Goal<'_>| {
        std::iter::once(goal.title.clone()).chain(ours.iter().map(|one| goal.cell(one))).collect::<Vec<_>>()
    };
    let rows: Vec<Vec<String>> = all.map(row).collect();
    let count = |verdict: &str| rows.iter().flatten().filter(|cell| cell.ends_with(verdict)).count();
    let note = format!(
        "Medians; {} met, {} missed, {} doubtful. A figure without a verdict is only shown for comparison.",
        count(" met"),
        count(" missed"),
        count(" doubtful")
    );
    let head = std::iter::once("goal".to_owned()).chain(ours.iter().map(|one| one.name.clone())).collect();
    Section { title: "Goals of this repository".to_owned(), brief: true, notes: vec![note], head, rows }
}

fn queries(results: &Results) -> Vec<Goal<'_>> {
    let mut all = Vec::new();
    for (depth, most) in [(1, 1.10), (16, 1.30)] {
        for brokers in [1, 16] {
            let name = Workload::closed(Table { brokers, topics: 100 }, 50, depth).name;
            let brokers = if brokers == 1 { "1 broker".to_owned() } else { format!("{brokers} brokers") };
            let title = format!("query, {brokers}, 50 × {depth}: at most {most:.2} times the limit");
            all.push(Goal::new(title, Bound::AtMost(most), "×", move |one| {
                results.ratio(&one.name, results.limit(one)?, &name, Figure::CpuPer100k)
            }));
        }
    }
    for (depth, than_java, than_rust) in [(1, 6.0, 10.0), (16, 28.0, 60.0)] {
        for other in results.contenders.iter().filter(|one| !one.is_ours() && !one.is_echo() && !one.is_for_tls()) {
            let least = if matches!(other.kind, Kind::Java) { than_java } else { than_rust };
            let name = Workload::closed(SMALL, 50, depth).name;
            let title = format!("query, 50 × {depth}: {} needs at least {least} times as much", other.name);
            all.push(Goal::new(title, Bound::AtLeast(least), "×", move |one| {
                results.ratio(&other.name, &one.name, &name, Figure::CpuPer100k)
            }));
        }
    }
    let title = "p99 of queries while 10,000 topics change: at most 2 times that of a calm run".to_owned();
    all.push(Goal::new(title, Bound::AtMost(2.0), "×", |one| results.p99_while_topics_change(one)));
    all
}

fn registrations(results: &Results) -> Vec<Goal<'_>> {
    let title = format!("10,000 topics repeated: at most {DIGESTS_MAX} times the processor time of a digest");
    let digests = Goal::new(title, Bound::AtMost(DIGESTS_MAX), "×", |one| {
        let values = |figure| results.values(&one.name, REGISTRATIONS, figure);
        let digests = values(Figure::DigestMillis);
        Summary::of(
            values(Figure::RepeatCpuMillis)
                .into_iter()
                .filter_map(|(repetition, (millis, doubt))| Some((millis / digests.get(&repetition)?.0, doubt))),
        )
    });
    let changed =
        Goal::new("10,000 topics changed: answered within 15 ms".to_owned(), Bound::AtMost(15.0), " ms", |one| {
            results.summary(&one.name, REGISTRATIONS, Figure::ChangeMillis)
        });
    let large = Goal::new("200,000 topics in one frame: answered".to_owned(), Bound::AtLeast(0.0), " ms", |one| {
        results.summary(&one.name, LARGE, Figure::ChangeMillis)
    });
    vec![digests, changed, large]
}

fn large_cluster(results: &Results) -> Vec<Goal<'_>> {
    let [_, large] = clusters(results.options.quick);
    let size = format!("{} brokers × {} topics", large.table.brokers, large.table.topics);
    let name = large.name();
    let memory = Goal::new(format!("{size}: less than 500 MB"), Bound::AtMost(500.0), " MB", move |one| {
        results.summary(&one.name, &name, Figure::Resident).map(|value| value.times(MEGABYTES_OF_MEBIBYTE))
    });
    let name = large.name();
    let title = format!("{size}: less than 0.2 processors busy");
    vec![memory, Goal::new(title, Bound::AtMost(0.2), "", move |one| results.summary(&one.name, &name, Figure::Cores))]
}

/// A goal that only the first runtime has to meet, about a figure in another unit.
fn first<'a>(
    results: &'a Results,
    title: &str,
    bound: Bound,
    unit: &'static str,
    figure: (String, Figure, f64),
) -> Goal<'a> {
    let (name, figure, factor) = figure;
    Goal {
        only: Some(FIRST),
        ..Goal::new(title.to_owned(), bound, unit, move |one: &Contender| {
            results.summary(&one.name, &name, figure).map(|value| value.times(factor))
        })
    }
}

fn idle(results: &Results) -> Vec<Goal<'_>> {
    let title = "15,000 idle connections: at most 1 KiB each";
    let figure = (idle_name(15_000), Figure::ConnectionKib, 1.0);
    vec![first(results, title, Bound::AtMost(1.0), " KiB", figure)]
}

fn start(results: &Results) -> Vec<Goal<'_>> {
    let (title, figure) = ("start to listening: at most 5 ms", (START.to_owned(), Figure::StartMillis, 1.0));
    let millis = first(results, title, Bound::AtMost(5.0), " ms", figure);
    let figure = (START.to_owned(), Figure::IdleResident, MEGABYTES_OF_MEBIBYTE);
    vec![millis, first(results, "memory when idle: at most 5 MB", Bound::AtMost(5.0), " MB", figure)]
}

fn over_tls(results: &Results) -> Vec<Goal<'_>> {
    let mut all = Vec::new();
    let [_, layer] = tls::LAYERS;
    for (shape, most) in tls::SHAPES.into_iter().zip([1.10, 1.30]) {
        let title = format!("TLS query, {} × {}: at most {most:.2} times the limit", shape.0, shape.1);
        let name = tls::queries_name(layer, shape);
        all.push(Goal::new(title, Bound::AtMost(most), "×", move |one| {
            results.ratio(&one.name, results.limit(one)?, &name, Figure::CpuPer100k)
        }));
    }
    let [single, _] = tls::SHAPES;
    let query = (format!("TLS query, {} × {}", single.0, single.1), tls::queries_name(layer, single));
    let handshakes = Certificate::ALL.map(|certificate| {
        let title = format!("full TLS handshake, {}", certificate.title());
        (title, tls::beginning_name(Some((certificate, Handshake::Full))))
    });
    let java = results.contenders.iter().filter(|one| matches!(one.kind, Kind::Java | Kind::JavaTcnative));
    for (java, (what, name)) in
        java.flat_map(|java| std::iter::once(query.clone()).chain(handshakes.clone()).map(move |figure| (java, figure)))
    {
        let title = format!("{what}: at most half of {}", java.name);
        all.push(Goal::new(title, Bound::AtMost(0.5), "×", move |one| {
            results.ratio(&one.name, &java.name, &name, Figure::CpuPer100k)
        }));
    }
    for stage in tls::STAGES {
        let title = format!("{stage} idle TLS connections: at most 16 KiB each");
        let figure = (tls::connections_name(&idle_name(stage)), Figure::ConnectionKib, 1.0);
        all.push(first(results, &title, Bound::AtMost(16.0), " KiB", figure));
    }
    all
}

fn io_threads(results: &Results) -> Vec<Goal<'_>> {
    let goal = |shape: (usize, usize)| {
        let [one_thread, two_threads, two_processes] = threads::SETUPS.map(|setup| setup.name(shape));
        let load = format!("{} × {}", shape.0, shape.1);
        if threads::has_room(&results.host.processors) {
            let title = format!("two I/O threads, {load}: at least 1.8 times the queries of one");
            Goal::new(title, Bound::AtLeast(1.8), "×", move |one| {
                results.ratio_of((&one.name, &two_threads), (&one.name, &one_thread), Figure::Rate)
            })
        } else {
            let title = format!("two I/O threads, {load}: at most 1.11 times the processor time of two processes");
            Goal::new(title, Bound::AtMost(1.11), "×", move |one| {
                results.ratio_of((&one.name, &two_threads), (&one.name, &two_processes), Figure::CpuPer100k)
            })
        }
    };
    threads::SHAPES.into_iter().map(goal).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Sample;
    use crate::results::tests::results;
    use std::collections::BTreeMap;

    fn cell(results: &Results, part: &str) -> String {
        goals(results).rows.into_iter().find(|row| row[0].contains(part)).unwrap().remove(1)
    }

    #[test]
    fn goals_are_judged_by_what_was_measured() {
        let mut results = results();
        assert_eq!(cell(&results, "50 × 1: at most 1.10"), "1.10× met");
        assert_eq!(cell(&results, "50 × 1: java-5.5.0 needs at least 6"), "7.27× met");
        assert_eq!(cell(&results, "50 × 16: java-5.5.0 needs at least 28"), "7.27× missed");
        assert!(cell(&results, "while 10,000 topics change").ends_with(" met"));
        assert_eq!(cell(&results, "200,000 topics"), NOTHING);
        for sample in results.samples.iter_mut().filter(|sample| sample.contender == "namesrv-mio") {
            *sample.figures.get_mut(&Figure::CpuPer100k).unwrap() *= 1.5;
        }
        assert_eq!(cell(&results, "50 × 1: at most 1.10"), "1.65× missed");
        for sample in &mut results.samples {
            sample.doubt = Some("the load generator was the bottleneck".to_owned());
        }
        assert_eq!(cell(&results, "50 × 1: at most 1.10"), "1.65× doubtful");
    }

    #[test]
    fn goals_of_tls_are_judged_by_what_was_measured() {
        let mut results = results();
        assert_eq!(cell(&results, "TLS query, 50 × 1: at most 1.10"), NOTHING);
        let [_, layer] = tls::LAYERS;
        let full = |certificate| tls::beginning_name(Some((certificate, Handshake::Full)));
        let names =
            tls::SHAPES.map(|shape| tls::queries_name(layer, shape)).into_iter().chain(Certificate::ALL.map(full));
        let model: Vec<_> =
            results.samples.iter().filter(|one| one.workload == results.workloads[0].name).cloned().collect();
        for name in names {
            results.samples.extend(model.iter().cloned().map(|sample| Sample { workload: name.clone(), ..sample }));
        }
        let idle = tls::connections_name(&idle_name(tls::STAGES[1]));
        let figures = BTreeMap::from([(Figure::ConnectionKib, 17.0)]);
        results.samples.push(Sample {
            workload: idle,
            figures,
            ..model.iter().find(|one| one.contender == FIRST).unwrap().clone()
        });
        assert_eq!(cell(&results, "TLS query, 50 × 1: at most 1.10"), "1.10× met");
        assert_eq!(cell(&results, "TLS query, 50 × 1: at most half of java"), "0.138× met");
        assert_eq!(cell(&results, "RSA 2048: at most half of java"), "0.138× met");
        assert_eq!(cell(&results, "5000 idle TLS connections"), "17.0 KiB missed");
    }

    #[test]
    fn goals_of_parts_that_were_not_wanted_are_left_out() {
        let mut results = results();
        results.options.parts = vec!["tls".to_owned()];
        let rows = goals(&results).rows;
        assert!(!rows.is_empty() && rows.iter().all(|row| row[0].contains("TLS")), "{rows:?}");
    }
}
