//! Golden conversations, replayed against a server.

use super::compare::{Likeness, compare, same_push};
use super::overlay::{self, Entry};
use super::{Group, Line, groups};
use crate::differences;
use crate::server::{Reaction, Server, Setup};
use std::collections::BTreeMap;
use std::fmt;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What came of replaying all conversations.
#[derive(Debug, Default)]
pub struct Report {
    likeness: BTreeMap<Likeness, usize>,
    up_to_order: Vec<String>,
    deliberate: BTreeMap<String, usize>,
    actions: usize,
    failures: Vec<String>,
}

/// Replays every group on a server of its own that `start` starts.
///
/// # Panics
/// Something differs and the overlay does not say so, or the overlay says something that is not so.
pub fn replay<S: Server>(mut start: impl FnMut(&Setup) -> S) -> Report {
    let mut report = Report::default();
    let mut overlay: Vec<_> = overlay::entries().into_iter().map(|entry| (entry, false)).collect();
    for group in groups() {
        let setup = Setup { properties: group.properties(), listeners: group.listeners() };
        let mut conversation = Conversation { server: start(&setup), settling: false };
        replay_group(&group, &mut conversation, &mut overlay, &mut report);
    }
    check_overlay(&overlay, &mut report);
    assert!(report.failures.is_empty(), "{report}");
    report
}

struct Conversation<S> {
    server: S,
    /// Something may still have to take effect before the next question is answered as expected.
    settling: bool,
}

fn replay_group<S: Server>(
    group: &Group,
    conversation: &mut Conversation<S>,
    overlay: &mut [(Entry, bool)],
    report: &mut Report,
) {
    let mut occurrences: BTreeMap<&str, usize> = BTreeMap::new();
    for line in &group.lines {
        let occurrence = occurrences.entry(&line.name).or_default();
        *occurrence += 1;
        if line.action.is_some() {
            report.actions += 1;
            if let Err(failure) = conversation.act(line) {
                report.failures.push(format!("{}: {}: {failure}", group.name, line.name));
            }
        } else {
            let entry = overlay.iter_mut().find(|(entry, _)| {
                (entry.group.as_str(), entry.name.as_str(), entry.occurrence) == (&group.name, &line.name, *occurrence)
            });
            conversation.judge(line, entry, report);
        }
        if let Some(millis) = line.wait_ms {
            conversation.server.pass(Duration::from_millis(millis));
            conversation.settling = true;
        }
    }
}

impl<S: Server> Conversation<S> {
    fn act(&mut self, line: &Line) -> Result<(), String> {
        let connection = || line.conn.as_deref().unwrap_or_default();
        match line.action.as_deref() {
            Some("close") => self.server.disconnect(connection()),
            Some("sigterm") => self.server.terminate(),
            Some("pushed") => {
                let expected = self.server.localize(&line.bytes(line.frame.as_ref()));
                let address = line.to.as_deref().unwrap_or_default();
                let got = self.server.pushed(address).ok_or("nothing was pushed")?;
                if !same_push(&expected, &got) {
                    return Err(format!("expected {}\n     got {}", show(&expected), show(&got)));
                }
            }
            other => return Err(format!("an unknown action {other:?}")),
        }
        self.settling = true;
        Ok(())
    }

    fn judge(&mut self, line: &Line, entry: Option<&mut (Entry, bool)>, report: &mut Report) {
        let request = self.server.localize(&line.bytes(line.request.as_ref()));
        let (likeness, got) = self.exchange(line, &request, entry.as_ref().map(|(entry, _)| entry));
        match entry {
            Some((entry, used)) => {
                *used = true;
                if likeness != Likeness::Different {
                    report.failures.push(format!(
                        "{}: {}: the overlay expects another answer than Java's, but it is the same",
                        line.group, line.name
                    ));
                } else if entry.describes(line, &got) {
                    *report.deliberate.entry(entry.difference.clone()).or_default() += 1;
                } else {
                    report.failures.push(failure(line, &got, "not as the overlay says"));
                }
            }
            None if likeness == Likeness::Different => report.failures.push(failure(line, &got, "not as Java")),
            None => {
                *report.likeness.entry(likeness).or_default() += 1;
                if likeness == Likeness::UpToOrder {
                    report.up_to_order.push(format!("{}: {}", line.group, line.name));
                }
            }
        }
    }

    /// Sends a request. While something may still have to take effect, it is repeated until the answer is as expected.
    fn exchange(&mut self, line: &Line, request: &[u8], entry: Option<&Entry>) -> (Likeness, Reaction) {
        let connection = line.conn.as_deref().unwrap_or_default();
        let timeout = if std::mem::take(&mut self.settling) { self.server.timeout() } else { Duration::ZERO };
        let end = Instant::now() + timeout;
        loop {
            let got = self.server.exchange(connection, request);
            let likeness = self.likeness(line, request, &got);
            let expected = match entry {
                Some(entry) => entry.describes(line, &got),
                None => likeness != Likeness::Different,
            };
            if expected || Instant::now() >= end {
                return (likeness, got);
            }
            sleep(Duration::from_millis(5));
        }
    }

    fn likeness(&self, line: &Line, request: &[u8], got: &Reaction) -> Likeness {
        match (line.outcome.as_deref(), got) {
            (Some("silent"), Reaction::Silent) | (Some("closed"), Reaction::Closed) => Likeness::Identical,
            (None, Reaction::Answer(answer)) => {
                let expected = self.server.localize(&line.bytes(line.response.as_ref()));
                compare(request, &expected, answer, self.server.own_keys())
            }
            _ => Likeness::Different,
        }
    }
}

fn check_overlay(overlay: &[(Entry, bool)], report: &mut Report) {
    let known = differences::identifiers();
    for (entry, used) in overlay {
        if !used {
            report.failures.push(format!(
                "overlay: no frame {}: {} ({}) in the conversations",
                entry.group, entry.name, entry.occurrence
            ));
        }
        if !known.contains(&entry.difference) {
            report.failures.push(format!("overlay: no entry `{}` in DIFFERENCES.md", entry.difference));
        }
    }
}

fn failure(line: &Line, got: &Reaction, what: &str) -> String {
    let expected = match (&line.outcome, &line.response) {
        (Some(outcome), _) => outcome.clone(),
        (None, _) => show(&line.bytes(line.response.as_ref())),
    };
    let got = match got {
        Reaction::Answer(answer) => show(answer),
        Reaction::Silent => "silent".to_owned(),
        Reaction::Closed => "closed".to_owned(),
    };
    let request = show(&line.bytes(line.request.as_ref()));
    format!("{}: {}: {what}\n  request {request}\n     Java {expected}\n     ours {got}", line.group, line.name)
}

/// A frame for people.
fn show(frame: &[u8]) -> String {
    String::from_utf8_lossy(frame.get(8..).unwrap_or(frame)).into_owned()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |likeness| self.likeness.get(&likeness).copied().unwrap_or_default();
        let deliberate: usize = self.deliberate.values().sum();
        let frames = self.likeness.values().sum::<usize>() + deliberate;
        writeln!(f, "{frames} frames and {} actions replayed:", self.actions)?;
        writeln!(f, "  {:3} identical", count(Likeness::Identical))?;
        writeln!(f, "  {:3} equal up to the order of a Java hash table", count(Likeness::UpToOrder))?;
        for name in &self.up_to_order {
            writeln!(f, "        {name}")?;
        }
        writeln!(f, "  {:3} errors with a remark in our own words", count(Likeness::OwnWords))?;
        writeln!(f, "  {:3} configuration listings with our own paths", count(Likeness::OwnPaths))?;
        writeln!(f, "  {deliberate:3} different on purpose")?;
        for (difference, count) in &self.deliberate {
            writeln!(f, "        {count:3} {difference}")?;
        }
        for failure in &self.failures {
            writeln!(f, "FAILED {failure}")?;
        }
        write!(f, "{} failures", self.failures.len())
    }
}
