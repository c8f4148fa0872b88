//! What a differential run found out, for people.

use super::pair::Pair;
use super::recognise::{FIRST_BY_NAME, entries};
use super::run::Run;
use crate::golden::compare::Likeness;
use crate::server::{Reaction, Server};
use crate::step::words::MARK;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What came of all sequences.
#[derive(Debug)]
pub struct Report {
    /// Sequences that were run.
    pub sequences: usize,
    /// Their steps, repetitions not counted.
    pub steps: usize,
    /// Differences that are deliberate, by entry of DIFFERENCES.md.
    pub recognised: BTreeMap<String, usize>,
    /// Differences that did not last.
    pub passing: usize,
    /// Seeds of sequences after which the servers had to be replaced, and why.
    pub spoiled: Vec<(u64, String)>,
    /// Differences that nothing explains.
    pub findings: Vec<Finding>,
    likeness: BTreeMap<Likeness, usize>,
}

/// A difference that nothing explains.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The seed of its sequence.
    pub seed: u64,
    /// The smallest run that shows it.
    pub run: Run,
}

impl Default for Report {
    fn default() -> Self {
        Self {
            sequences: 0,
            steps: 0,
            recognised: entries().into_iter().map(|entry| (entry, 0)).collect(),
            passing: 0,
            spoiled: Vec::new(),
            findings: Vec::new(),
            likeness: BTreeMap::new(),
        }
    }
}

impl Report {
    /// Adds the answers that a pair of servers compared.
    pub fn add<J: Server, O: Server>(&mut self, pair: &Pair<J, O>) {
        for (likeness, count) in &pair.likeness {
            *self.likeness.entry(*likeness).or_default() += count;
        }
        *self.recognised.entry(FIRST_BY_NAME.to_owned()).or_default() += pair.first_by_name;
    }

    /// Whether nothing is left to be explained.
    pub fn is_good(&self) -> bool {
        self.findings.is_empty() && self.spoiled.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |likeness| self.likeness.get(&likeness).copied().unwrap_or_default();
        writeln!(f, "{} sequences of {} steps; answers compared, repetitions included:", self.sequences, self.steps)?;
        writeln!(f, "  {:8} identical", count(Likeness::Identical))?;
        writeln!(f, "  {:8} equal up to the order of a Java hash table", count(Likeness::UpToOrder))?;
        writeln!(f, "  {:8} errors with a remark in our own words", count(Likeness::OwnWords))?;
        writeln!(f, "  {:8} configuration listings with paths and ports of their own", count(Likeness::OwnPaths))?;
        writeln!(f, "differences that DIFFERENCES.md names:")?;
        for (entry, count) in &self.recognised {
            let never = if *count == 0 { " (never met)" } else { "" };
            writeln!(f, "  {count:8} {entry}{never}")?;
        }
        writeln!(f, "{} differences that did not last", self.passing)?;
        for (seed, reason) in &self.spoiled {
            writeln!(f, "SPOILED by seed {seed}: {reason}")?;
        }
        write!(f, "{} findings", self.findings.len())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, run } = self;
        writeln!(f, "DIFFERENT: tests/differential/run --sequences 1 --seed {seed}")?;
        let Some(difference) = &run.difference else { return Ok(()) };
        for (index, done) in run.done.iter().enumerate() {
            writeln!(f, "    > {}", done.step)?;
            if index != difference.step || done.frame != difference.request {
                writeln!(f, "      {}", show(run, &done.ours))?;
            }
        }
        if run.done.get(difference.step).is_none_or(|done| done.frame != difference.request) {
            writeln!(f, "    asked after that: {}", text(run, &difference.request))?;
        }
        let (java, ours) = (show(run, &difference.java), show(run, &difference.ours));
        writeln!(f, "      Java: {}", apart(&java, &ours))?;
        write!(f, "      ours: {}", apart(&ours, &java))
    }
}

/// A text; of many lines only those that the other does not have.
fn apart(text: &str, other: &str) -> String {
    const LINES_MAX: usize = 4;
    if text.lines().count() <= LINES_MAX {
        return text.to_owned();
    }
    let known: BTreeSet<_> = other.lines().collect();
    text.lines().filter(|line| !known.contains(line)).collect::<Vec<_>>().join(" | ")
}

fn show(run: &Run, reaction: &Reaction) -> String {
    match reaction {
        Reaction::Answer(frame) => text(run, frame),
        Reaction::Silent => "(no answer)".to_owned(),
        Reaction::Closed => "(closed)".to_owned(),
    }
}

/// A frame without its lengths, with the names as the steps have them.
fn text(run: &Run, frame: &[u8]) -> String {
    let text = String::from_utf8_lossy(frame.get(8..).unwrap_or(frame)).into_owned();
    run.unsalted(&text).replace(MARK, "")
}
