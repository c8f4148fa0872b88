//! What is made alike before two answers are compared: the rules of `tests/interop/mqadmin/rules.toml`.

use super::Answer;
use crate::golden::cases::read_entries;
use crate::plain_json::{Json, bare};
use regex::Regex;
use serde::Deserialize;

/// The rules, in the repository.
const RULES: &str = include_str!("../../interop/mqadmin/rules.toml");

/// One rule: what it is called, why there is one, and what it does with the answers that it is for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// What differs between two runs with the same NameServer, and why.
    pub why: String,
    /// The commands that it is for, by the beginnings of their lines; all of them when it names none.
    #[serde(default)]
    commands: Vec<String>,
    /// What is replaced: regular expressions that are looked for in every line.
    #[serde(default)]
    find: Vec<Pattern>,
    /// What stands there instead; a line that is empty afterwards is gone.
    #[serde(default)]
    put: String,
    /// What becomes of the lines as a whole.
    lines: Option<Arrangement>,
}

/// A rearrangement of all lines of an answer.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Arrangement {
    /// In their own order.
    Sorted,
    /// In their own order, each once.
    SortedOnce,
    /// Where they are JSON: one line for each scalar, with its path, members and elements sorted.
    Json,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Pattern(Regex);

impl TryFrom<String> for Pattern {
    type Error = regex::Error;

    fn try_from(text: String) -> Result<Self, regex::Error> {
        Regex::new(&text).map(Self)
    }
}

/// All rules, in the order in which they are applied.
pub fn rules() -> Vec<Rule> {
    read_entries("rules.toml", RULES)
}

impl Rule {
    /// Changes the lines of an answer that the rule is for; says whether it did.
    pub fn apply(&self, answer: &mut Answer) -> bool {
        if !self.commands.is_empty() && !self.commands.iter().any(|start| answer.command.starts_with(start.as_str())) {
            return false;
        }
        let before = answer.lines.clone();
        for Pattern(pattern) in &self.find {
            for line in &mut answer.lines {
                *line = pattern.replace_all(line, self.put.as_str()).into_owned();
            }
        }
        answer.lines.retain(|line| !line.is_empty());
        match self.lines {
            Some(Arrangement::Sorted) => answer.lines.sort(),
            Some(Arrangement::SortedOnce) => {
                answer.lines.sort();
                answer.lines.dedup();
            }
            Some(Arrangement::Json) => flatten(&mut answer.lines),
            None => {}
        }
        answer.lines != before
    }
}

fn flatten(lines: &mut Vec<String>) {
    let text: String = lines.iter().map(|line| line.trim_start()).collect();
    if let Ok(value) = Json::parse(&text) {
        lines.clear();
        flatten_into(lines, "", &value);
    }
}

fn flatten_into(lines: &mut Vec<String>, path: &str, value: &Json) {
    match value {
        Json::Object(members) if !members.is_empty() => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort();
            for (key, value) in members {
                flatten_into(lines, &format!("{path}/{}", bare(key)), value);
            }
        }
        Json::List(elements) if !elements.is_empty() => {
            let mut elements: Vec<_> = elements.iter().collect();
            elements.sort();
            for (index, value) in elements.into_iter().enumerate() {
                flatten_into(lines, &format!("{path}/{index}"), value);
            }
        }
        Json::Object(_) | Json::List(_) | Json::Bare(_) | Json::Text(_) => lines.push(format!("{path} = {value}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(command: &str, lines: &[&str]) -> Vec<String> {
        let lines = lines.iter().map(|&line| line.to_owned()).collect();
        let mut answer = Answer { command: command.to_owned(), lines };
        for rule in rules() {
            rule.apply(&mut answer);
        }
        answer.lines
    }

    #[test]
    fn every_rule_says_why() {
        for rule in rules() {
            assert!(rule.why.len() > 20, "{}", rule.name);
            assert!(rule.find.is_empty() == rule.lines.is_some(), "{}", rule.name);
        }
    }

    #[test]
    fn an_order_that_java_does_not_keep_is_no_difference() {
        let one = ["{", "\t\"queueDatas\":[{\"brokerName\":\"a\"},{\"brokerName\":\"b\"}],", "\t\"x\":{1:2}", "}"];
        let other = ["{", "\t\"x\":{1:2},", "\t\"queueDatas\":[{\"brokerName\":\"b\"},{\"brokerName\":\"a\"}]", "}"];
        assert_eq!(applied("topicRoute -t T", &one), applied("topicRoute -t T", &other));
        assert_eq!(
            applied("topicRoute -t T", &one),
            ["/queueDatas/0/brokerName = \"a\"", "/queueDatas/1/brokerName = \"b\"", "/x/1 = 2"]
        );
        assert_eq!(applied("topicList", &["b", "a"]), ["a", "b"]);
    }

    #[test]
    fn what_matters_is_not_touched() {
        let lines = ["broker-a  127.0.0.1:22011  V5_5_0  4  8", "CODE: 17  DESC: No topic route info", "perm=RW-"];
        assert_eq!(applied("wipeWritePerm -b broker-a", &lines), lines);
        assert_ne!(applied("topicRoute -t T", &["{\"perm\":6}"]), applied("topicRoute -t T", &["{\"perm\":4}"]));
    }
}
