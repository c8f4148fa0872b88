//! The measurements, raw and summarised.

use crate::cluster::Cluster;
use crate::contender::{Contender, Skipped};
use crate::figure::Figure;
use crate::host::{Host, Pinning};
use crate::one_line::one_line;
use crate::options::Options;
use crate::workload::{Pace, Table, Workload};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One run of one load on one server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sample {
    /// Name of the server.
    pub contender: String,
    /// Name of the load.
    pub workload: String,
    /// The repetition, from 0.
    pub repetition: usize,
    /// The figures.
    pub figures: BTreeMap<Figure, f64>,
    /// Why the sample is doubtful, if it is.
    pub doubt: Option<String>,
}

/// The failure of a server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// Name of the server.
    pub contender: String,
    /// What was measured when it failed.
    pub during: String,
    /// One line of plain text, with the cause first.
    pub reason: String,
}

impl Failure {
    /// Records an error. It may quote the server, so each part is made one short line.
    pub fn new(contender: &str, during: &str, error: &anyhow::Error) -> Self {
        let mut parts: Vec<String> = error.chain().rev().map(|part| one_line(&part.to_string())).collect();
        parts.retain(|part| !part.is_empty());
        let reason = one_line(&parts.join("; "));
        Self { contender: contender.to_owned(), during: during.to_owned(), reason }
    }
}

/// All results of one comparison.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Results {
    /// False if the comparison was interrupted.
    pub complete: bool,
    /// The parsed command line.
    pub options: Options,
    /// The machine, and the day.
    pub host: Host,
    /// `None` if there is only one processor.
    pub pinning: Option<Pinning>,
    /// The servers that were compared.
    pub contenders: Vec<Contender>,
    /// The servers that were left out.
    pub skipped: Vec<Skipped>,
    /// The loads on fixed tables.
    pub workloads: Vec<Workload>,
    /// The clusters.
    pub clusters: Vec<Cluster>,
    /// Length of an answer in bytes, by table.
    pub answer_bytes: Vec<(Table, usize)>,
    /// The figures.
    pub samples: Vec<Sample>,
    /// The failures.
    pub failures: Vec<Failure>,
}

/// A summary of several values of one figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The median.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// Whether half of the samples or more are doubtful.
    pub doubtful: bool,
}

impl Summary {
    pub(crate) fn of(values: impl IntoIterator<Item = (f64, bool)>) -> Option<Self> {
        let values: Vec<(f64, bool)> = values.into_iter().filter(|(value, _)| value.is_finite()).collect();
        let doubtful = values.iter().filter(|(_, doubt)| *doubt).count() * 2 >= values.len();
        let mut sorted: Vec<f64> = values.into_iter().map(|(value, _)| value).collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let upper = *sorted.get(sorted.len() / 2)?;
        let lower = *sorted.get((sorted.len() - 1) / 2)?;
        Some(Self { median: f64::midpoint(lower, upper), min, max, doubtful })
    }

    /// Converts it to another unit.
    pub fn times(self, factor: f64) -> Self {
        Self { median: self.median * factor, min: self.min * factor, max: self.max * factor, ..self }
    }

    /// Returns the distance from the smallest to the largest value, as a fraction of the median.
    pub fn spread(&self) -> f64 {
        (self.max - self.min) / self.median
    }
}

impl Results {
    /// Summarises a figure over all repetitions. `None` if it was not measured.
    pub fn summary(&self, contender: &str, workload: &str, figure: Figure) -> Option<Summary> {
        Summary::of(self.values(contender, workload, figure).into_values())
    }

    /// Summarises the ratio of a figure to that of another server in the same repetition.
    pub fn ratio(&self, contender: &str, limit: &str, workload: &str, figure: Figure) -> Option<Summary> {
        self.ratio_of((contender, workload), (limit, workload), figure)
    }

    /// Summarises the ratio of a figure of a server under a load to another one in the same repetition.
    pub fn ratio_of(&self, one: (&str, &str), other: (&str, &str), figure: Figure) -> Option<Summary> {
        let others = self.values(other.0, other.1, figure);
        let pairs = self.values(one.0, one.1, figure).into_iter().filter_map(|(repetition, (value, doubt))| {
            let (other, other_doubt) = others.get(&repetition)?;
            Some((value / other, doubt || *other_doubt))
        });
        Summary::of(pairs)
    }

    /// Returns the limit of a server: the echo server of its own runtime, else the one on mio.
    pub fn limit(&self, contender: &Contender) -> Option<&str> {
        let own = contender.name.strip_prefix("namesrv-").unwrap_or("mio");
        let find =
            |runtime: &str| self.contenders.iter().find(|one| one.is_echo() && one.name == format!("echo-{runtime}"));
        find(own).or_else(|| find("mio")).map(|limit| limit.name.as_str())
    }

    /// Summarises the ratio of the 99th percentile of latencies while topics change to that of a calm run.
    pub fn p99_while_topics_change(&self, contender: &Contender) -> Option<Summary> {
        let open = |changes: bool| {
            let mut open = self.workloads.iter().filter(|one| matches!(one.pace, Pace::Open { .. }));
            Some(open.find(|one| one.change_every.is_some() == changes)?.name.as_str())
        };
        self.ratio_of((&contender.name, open(true)?), (&contender.name, open(false)?), Figure::P99)
    }

    /// Returns by repetition: the value, and whether it is doubtful.
    pub(crate) fn values(&self, contender: &str, workload: &str, figure: Figure) -> BTreeMap<usize, (f64, bool)> {
        let samples = self.samples.iter().filter(|one| one.contender == contender && one.workload == workload);
        samples.filter_map(|one| Some((one.repetition, (*one.figures.get(&figure)?, one.doubt.is_some())))).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::contender::Kind;
    use crate::options::tests::compare;
    use crate::workload::workloads;
    use std::path::PathBuf;

    /// Results of two servers and their limit, five repetitions each, with made-up figures.
    pub(crate) fn results() -> Results {
        let contenders: Vec<_> =
            [("echo-mio", Kind::Echo, 1.0), ("namesrv-mio", Kind::Ours, 1.1), ("java-5.5.0", Kind::Java, 8.0)]
                .into_iter()
                .map(|(name, kind, factor)| (Contender::new(name.to_owned(), kind, PathBuf::new()), factor))
                .collect();
        let workloads = workloads(true);
        let mut samples = Vec::new();
        for workload in &workloads {
            for (contender, factor) in &contenders {
                samples.extend((0..5).map(|repetition| sample(&contender.name, &workload.name, repetition, *factor)));
            }
        }
        Results {
            complete: true,
            options: compare("compare --quick"),
            host: Host::look().unwrap(),
            pinning: None,
            contenders: contenders.into_iter().map(|(contender, _)| contender).collect(),
            skipped: vec![Skipped { name: "rocketmq-rust".to_owned(), reason: "not <installed>".to_owned() }],
            answer_bytes: vec![(Table { brokers: 1, topics: 100 }, 332)],
            workloads,
            clusters: crate::cluster::clusters(true).to_vec(),
            samples,
            failures: Vec::new(),
        }
    }

    fn sample(contender: &str, workload: &str, repetition: usize, factor: f64) -> Sample {
        let figures = [
            (Figure::CpuPer100k, 0.5),
            (Figure::Rate, 1e5),
            (Figure::P50, 100.0),
            (Figure::P99, 200.0),
            (Figure::P999, 300.0),
        ]
        .map(|(figure, value)| (figure, value * factor * (1.0 + repetition as f64 / 100.0)));
        Sample {
            contender: contender.to_owned(),
            workload: workload.to_owned(),
            repetition,
            figures: figures.into(),
            doubt: None,
        }
    }

    #[test]
    fn median_is_that_of_odd_and_even_numbers() {
        let of = |values: &[f64]| Summary::of(values.iter().map(|value| (*value, false)));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[3.0, 1.0, 2.0]), Some(Summary { median: 2.0, min: 1.0, max: 3.0, doubtful: false }));
        assert_eq!(of(&[4.0, 1.0, 2.0, 3.0]).map(|summary| summary.median), Some(2.5));
    }

    #[test]
    fn half_of_the_samples_make_a_doubt() {
        let of = |doubts: &[bool]| Summary::of(doubts.iter().map(|doubt| (1.0, *doubt))).unwrap().doubtful;
        assert!(!of(&[true, false, false]) && of(&[true, false]));
    }

    #[test]
    fn the_cause_of_a_failure_comes_first() {
        let error =
            anyhow::anyhow!("closed by the server").context("\u{1b}[31mWARN\u{1b}[0m it is\r\n over").context("|__|");
        assert_eq!(Failure::new("other", "start", &error).reason, "closed by the server; WARN it is over");
    }

    #[test]
    fn ratios_are_taken_within_a_repetition() {
        let mut results = results();
        let workload = results.workloads[0].name.clone();
        let ratio = results.ratio("namesrv-mio", "echo-mio", &workload, Figure::CpuPer100k).unwrap();
        assert!((ratio.min - 1.1).abs() < 1e-9 && (ratio.max - 1.1).abs() < 1e-9);
        results.samples.retain(|sample| sample.contender != "echo-mio" || sample.repetition > 3);
        let ratio = results.ratio("namesrv-mio", "echo-mio", &workload, Figure::CpuPer100k).unwrap();
        assert!((ratio.median - 1.1).abs() < 1e-9);
    }
}
