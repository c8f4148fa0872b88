//! What differs between two runs of the same command lines, and whether it is meant to.

use super::Answer;
use super::rules::Rule;
use crate::golden::cases::read_entries;
use serde::Deserialize;
use similar::{ChangeTag, TextDiff};
use std::fmt;

/// The deliberate differences, in the repository.
const OVERLAY: &str = include_str!("../../interop/mqadmin/overlay.toml");

/// One answer that is meant to differ.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Version of mqadmin and of the brokers.
    pub version: String,
    /// The command line.
    pub command: String,
    /// Which of several command lines that read the same, counted from 1.
    #[serde(default = "first")]
    pub occurrence: usize,
    /// Identifier of an entry of DIFFERENCES.md.
    pub difference: String,
    /// The lines that differ after the rules: `-` before one of Java's, `+` before one of ours.
    pub lines: Vec<String>,
}

const fn first() -> usize {
    1
}

/// All deliberate differences.
pub fn expected() -> Vec<Expected> {
    read_entries("overlay.toml", OVERLAY)
}

/// The comparison of all commands.
#[derive(Debug, Default)]
pub struct Comparison {
    /// How many commands were compared.
    pub commands: usize,
    /// Rules, and how many answers each changed.
    pub rules: Vec<(String, usize)>,
    /// Identifiers of the differences that were seen as expected, with their commands.
    pub meant: Vec<(String, String)>,
    /// What is wrong: differences that nobody expects, and expected ones that do not show.
    pub faults: Vec<String>,
}

impl Comparison {
    /// Compares what the commands printed with the Java NameServer (`java`) and with ours.
    pub fn of(mut java: Vec<Answer>, mut ours: Vec<Answer>, rules: &[Rule], mut expected: Vec<Expected>) -> Self {
        let mut comparison = Self { commands: java.len(), ..Self::default() };
        if commands(&java) != commands(&ours) || java.is_empty() {
            comparison.faults.push(format!(
                "not the same commands were run: {} with Java, {} with ours",
                java.len(),
                ours.len()
            ));
            return comparison;
        }
        for rule in rules {
            let changed = java.iter_mut().zip(&mut ours).filter_map(|(one, other)| {
                let changed = rule.apply(one);
                (rule.apply(other) || changed).then_some(())
            });
            comparison.rules.push((rule.name.clone(), changed.count()));
        }
        for (index, (one, other)) in java.iter().zip(&ours).enumerate() {
            let occurrence = java.iter().take(index + 1).filter(|answer| answer.command == one.command).count();
            let place = expected.iter().position(|it| it.command == one.command && it.occurrence == occurrence);
            comparison.judge(one, other, place.map(|place| expected.remove(place)));
        }
        for left in expected {
            comparison.faults.push(format!("{}: no such command, expected by {}", left.command, left.difference));
        }
        comparison
    }

    fn judge(&mut self, java: &Answer, ours: &Answer, expected: Option<Expected>) {
        let lines = difference(java, ours);
        match expected {
            None if lines.is_empty() => {}
            Some(expected) if expected.lines == lines => self.meant.push((expected.difference, expected.command)),
            None => self.faults.push(format!("$ mqadmin {}\n{}", java.command, lines.join("\n"))),
            Some(expected) => self.faults.push(format!(
                "$ mqadmin {}\n{}\n  instead of, as {} says,\n{}",
                java.command,
                lines.join("\n"),
                expected.difference,
                expected.lines.join("\n")
            )),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in &self.faults {
            writeln!(f, "DIFFERENT {fault}")?;
        }
        for (difference, command) in &self.meant {
            writeln!(f, "different as {difference} says: {command}")?;
        }
        let rules: Vec<_> = self.rules.iter().map(|(name, answers)| format!("{name} {answers}")).collect();
        writeln!(f, "answers that a rule made alike: {}", rules.join(", "))?;
        let alike = self.commands.saturating_sub(self.meant.len() + self.faults.len());
        let (meant, faults) = (self.meant.len(), self.faults.len());
        writeln!(f, "{} commands: {alike} alike, {meant} different on purpose, {faults} faults", self.commands)
    }
}

fn commands(answers: &[Answer]) -> Vec<&str> {
    answers.iter().map(|answer| answer.command.as_str()).collect()
}

fn difference(java: &Answer, ours: &Answer) -> Vec<String> {
    let lines = |answer: &Answer| answer.lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let (java, ours) = (lines(java), lines(ours));
    let signed = |tag, text: &str| match tag {
        ChangeTag::Equal => None,
        ChangeTag::Delete => Some(format!("-{}", text.trim_end())),
        ChangeTag::Insert => Some(format!("+{}", text.trim_end())),
    };
    let diff = TextDiff::from_lines(&java, &ours);
    diff.iter_all_changes().filter_map(|change| signed(change.tag(), change.value())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::differences::identifiers;

    fn answers(all: &[(&str, &str)]) -> Vec<Answer> {
        let answer = |(command, lines): &(&str, &str)| Answer {
            command: (*command).to_owned(),
            lines: lines.split('|').map(str::to_owned).collect(),
        };
        all.iter().map(answer).collect()
    }

    fn expecting(command: &str, lines: &[&str]) -> Expected {
        Expected {
            version: "5.5.0".into(),
            command: command.into(),
            occurrence: 1,
            difference: "live-keys-only".into(),
            lines: lines.iter().map(|&line| line.into()).collect(),
        }
    }

    #[test]
    fn a_difference_that_nobody_names_is_a_fault() {
        let java = answers(&[("a", "same"), ("b", "1|2|3")]);
        let comparison = Comparison::of(java, answers(&[("a", "same"), ("b", "1|4|3")]), &[], Vec::new());
        assert_eq!(comparison.faults, ["$ mqadmin b\n-2\n+4"]);
    }

    #[test]
    fn a_difference_that_is_named_is_none() {
        let java = answers(&[("a", "1|2"), ("a", "1")]);
        let expected = vec![expecting("a", &["-2", "+3"])];
        let comparison = Comparison::of(java, answers(&[("a", "1|3"), ("a", "1")]), &[], expected);
        assert!(comparison.faults.is_empty(), "{comparison}");
        assert_eq!(comparison.meant.len(), 1);
    }

    #[test]
    fn an_expected_difference_that_does_not_show_is_a_fault() {
        let same = answers(&[("a", "1")]);
        let alike = Comparison::of(same.clone(), same.clone(), &[], vec![expecting("a", &["-1", "+2"])]);
        assert_eq!(alike.faults.len(), 1, "{alike}");
        let other_command = Comparison::of(same.clone(), same, &[], vec![expecting("b", &["-1", "+2"])]);
        assert_eq!(other_command.faults.len(), 1, "{other_command}");
    }

    #[test]
    fn commands_that_were_not_run_are_a_fault() {
        let java = answers(&[("a", "1"), ("b", "1")]);
        assert_eq!(Comparison::of(java, answers(&[("a", "1")]), &[], Vec::new()).faults.len(), 1);
        assert_eq!(Comparison::of(Vec::new(), Vec::new(), &[], Vec::new()).faults.len(), 1);
    }

    #[test]
    fn every_expected_difference_is_one_of_differences_md() {
        let identifiers = identifiers();
        for expected in expected() {
            assert!(identifiers.contains(&expected.difference), "{}", expected.difference);
            assert!(!expected.lines.is_empty(), "{}: no lines", expected.command);
        }
    }
}
