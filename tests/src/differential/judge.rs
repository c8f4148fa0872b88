//! Decides what a difference is: one that DIFFERENCES.md names, one that does not last, or a finding, which is made
//! small.

use super::pair::{Pair, Spoiled};
use super::recognise::{Recogniser, recognisers};
use super::run::Run;
use crate::server::Server;
use crate::step::Step;
use proptest::strategy::ValueTree;
use std::collections::{BTreeMap, BTreeSet};
use std::slice;
use std::time::Duration;

/// How often a finding is shown to be one.
const CONFIRMATIONS: usize = 2;

/// How many smaller sequences are tried.
const ATTEMPTS_MAX: usize = 2000;

/// What came of judging.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Entries of DIFFERENCES.md whose differences were met, and how many.
    pub recognised: BTreeMap<String, usize>,
    /// Differences that did not last.
    pub passing: usize,
    /// What nothing explains: the sequence that is left, and what came of it.
    pub finding: Option<(Vec<Step>, Run)>,
}

/// Runs a sequence. What is recognised is taken out of it and the rest is compared again, until nothing differs or
/// nothing explains what does. A difference must last for the first of `timeout` before anybody thinks about its
/// cause, and a finding for the second, each time anew.
///
/// # Errors
/// The servers have to be replaced.
pub fn judge<J: Server, O: Server>(
    pair: &mut Pair<J, O>,
    sequence: &[Step],
    timeout: [Duration; 2],
) -> Result<Verdict, Spoiled> {
    let mut verdict = Verdict::default();
    let mut steps = sequence.to_vec();
    let [short, long] = timeout;
    let mut run = pair.run(&steps, short)?;
    while run.difference.is_some() {
        if let Some(explanation) = explain(pair, &run, &steps, short)? {
            (steps, run) = verdict.recognise(explanation);
            continue;
        }
        for _ in 0..CONFIRMATIONS {
            run = pair.run(&steps, long)?;
            if run.difference.is_none() {
                verdict.passing += 1;
                return Ok(verdict);
            }
        }
        // It may be another one than before, which something does explain.
        match explain(pair, &run, &steps, short)? {
            Some(explanation) => (steps, run) = verdict.recognise(explanation),
            None => {
                verdict.finding = Some((steps, run));
                return Ok(verdict);
            }
        }
    }
    Ok(verdict)
}

impl Verdict {
    /// Counts what was recognised and hands out what is left.
    fn recognise(&mut self, explanation: Explanation) -> (Vec<Step>, Run) {
        for entry in explanation.entries {
            *self.recognised.entry(entry).or_default() += 1;
        }
        (explanation.rest, explanation.run)
    }
}

/// What takes a difference away.
struct Explanation {
    /// The entries of DIFFERENCES.md that name its causes.
    entries: Vec<String>,
    /// The sequence without them.
    rest: Vec<Step>,
    /// What comes of it.
    run: Run,
}

/// Looks for the entry whose causes, taken out of a sequence, take its difference with them, or for several that do so
/// together.
fn explain<J: Server, O: Server>(
    pair: &mut Pair<J, O>,
    run: &Run,
    steps: &[Step],
    timeout: Duration,
) -> Result<Option<Explanation>, Spoiled> {
    let all = recognisers();
    for some in all.iter().map(slice::from_ref).chain([&all[..]]) {
        if let Some(explanation) = without(pair, run, steps, some, timeout)? {
            return Ok(Some(explanation));
        }
    }
    Ok(None)
}

/// Takes out what some recognisers say may be to blame. With one cause gone another may take its place.
fn without<J: Server, O: Server>(
    pair: &mut Pair<J, O>,
    run: &Run,
    steps: &[Step],
    recognisers: &[(String, Recogniser)],
    timeout: Duration,
) -> Result<Option<Explanation>, Spoiled> {
    let (mut entries, mut rest, mut run) = (Vec::new(), steps.to_vec(), run.clone());
    while let Some(difference) = &run.difference {
        let mut causes = BTreeSet::new();
        for (entry, recogniser) in recognisers {
            let found: Vec<_> =
                recogniser(&run, difference).into_iter().filter(|cause| *cause <= difference.step).collect();
            entries.extend((!found.is_empty() && !entries.contains(entry)).then(|| entry.clone()));
            causes.extend(found);
        }
        if causes.is_empty() {
            return Ok(None);
        }
        let is_itself = causes.contains(&difference.step);
        let place = difference.step - causes.range(..difference.step).count();
        let mut index = 0..;
        rest.retain(|_| index.next().is_some_and(|index| !causes.contains(&index)));
        run = pair.run(&rest, timeout)?;
        if is_itself || run.difference.as_ref().is_none_or(|left| left.step != place) {
            return Ok(Some(Explanation { entries, rest, run }));
        }
    }
    Ok(None)
}

/// The smallest sequence found that still has a finding.
///
/// # Errors
/// The servers have to be replaced.
pub fn shrink<J: Server, O: Server>(
    pair: &mut Pair<J, O>,
    tree: &mut impl ValueTree<Value = Vec<Step>>,
    found: (Vec<Step>, Run),
    timeout: Duration,
) -> Result<(Vec<Step>, Run), Spoiled> {
    let mut smallest = found;
    let mut more = tree.simplify();
    for _ in 0..ATTEMPTS_MAX {
        if !more {
            break;
        }
        match judge(pair, &tree.current(), [timeout; 2])?.finding {
            Some(found) => {
                smallest = found;
                more = tree.simplify();
            }
            None => more = tree.complicate(),
        }
    }
    drop_steps(pair, smallest, timeout)
}

/// Leaves out every step that it goes without.
fn drop_steps<J: Server, O: Server>(
    pair: &mut Pair<J, O>,
    mut smallest: (Vec<Step>, Run),
    timeout: Duration,
) -> Result<(Vec<Step>, Run), Spoiled> {
    let mut index = smallest.0.len();
    while index > 0 {
        index -= 1;
        let mut steps = smallest.0.clone();
        steps.remove(index);
        if let Some(found) = judge(pair, &steps, [timeout; 2])?.finding {
            index = found.0.len();
            smallest = found;
        }
    }
    Ok(smallest)
}
