//! Golden conversations: frames that the released Java NameServer 5.5.0 was sent, and what it answered.

pub mod cases;
pub mod compare;
pub mod overlay;
pub mod process_server;
pub mod proxy;
pub mod replay;
pub mod tls;
mod tls_client;

use serde::Deserialize;
use std::collections::BTreeMap;

/// The captured conversations, in the repository.
const FRAMES: &str = include_str!("../golden/frames-5.5.0.jsonl");
/// What no known peer sends, captured later.
const CORNERS: &str = include_str!("../golden/corners-5.5.0.jsonl");

/// One line of the file.
#[derive(Clone, Debug, Deserialize)]
pub struct Line {
    /// Lines of one group belong together, in order, on a fresh server.
    pub group: String,
    /// What the line is about.
    pub name: String,
    /// Logical connection.
    pub conn: Option<String>,
    /// The whole request, in hexadecimal.
    pub request: Option<String>,
    /// The whole answer, in hexadecimal.
    pub response: Option<String>,
    /// What happened instead of an answer: `silent` or `closed`.
    pub outcome: Option<String>,
    /// Not a request: `close`, `sigterm` or `pushed`.
    pub action: Option<String>,
    /// The address that a pushed frame arrived at.
    pub to: Option<String>,
    /// The pushed frame, in hexadecimal.
    pub frame: Option<String>,
    /// Time that passes after this line.
    pub wait_ms: Option<u64>,
    /// Entries of the configuration file that the group needs.
    #[serde(default)]
    pub config: BTreeMap<String, String>,
    /// Options of the Java machine that the group needs, separated by blanks.
    pub jvm: Option<String>,
}

impl Line {
    /// The bytes of a member in hexadecimal.
    pub(crate) fn bytes(&self, member: Option<&String>) -> Vec<u8> {
        let text = member.unwrap_or_else(|| panic!("{}: {}: a member is missing", self.group, self.name));
        hex::decode(text).unwrap_or_else(|error| panic!("{}: {}: {error}", self.group, self.name))
    }
}

/// Lines that belong together, on a fresh server.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its lines, in order.
    pub lines: Vec<Line>,
}

impl Group {
    /// What a server needs in its configuration file for this group.
    pub fn properties(&self) -> Vec<(String, String)> {
        let config = self.lines.iter().flat_map(|line| line.config.clone());
        let options = self.lines.iter().filter_map(|line| line.jvm.as_deref()).flat_map(str::split_whitespace);
        let options = options.map(|option| {
            let option = option.strip_prefix("-D").and_then(|option| option.split_once('='));
            let (key, value) = option.unwrap_or_else(|| panic!("{}: an option that is no property", self.name));
            (key.to_owned(), value.to_owned())
        });
        config.chain(options).collect::<BTreeMap<_, _>>().into_iter().collect()
    }

    /// Addresses that receive pushed frames.
    pub fn listeners(&self) -> Vec<String> {
        let mut all: Vec<_> = self.lines.iter().filter_map(|line| line.to.clone()).collect();
        all.sort();
        all.dedup();
        all
    }
}

/// All groups, in the order of the files.
pub fn groups() -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (number, text) in FRAMES.lines().chain(CORNERS.lines()).enumerate() {
        let line: Line = serde_json::from_str(text).unwrap_or_else(|error| panic!("line {}: {error}", number + 1));
        match groups.iter_mut().find(|group| group.name == line.group) {
            Some(group) => group.lines.push(line),
            None => groups.push(Group { name: line.group.clone(), lines: vec![line] }),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_hold_722_frames_and_9_actions_in_26_groups() {
        let groups = groups();
        let count = |wanted: fn(&Line) -> bool| {
            groups.iter().flat_map(|group| &group.lines).filter(|line| wanted(line)).count()
        };
        assert_eq!(groups.len(), 26);
        assert_eq!(count(|line| line.request.is_some()), 483 + 239);
        assert_eq!(count(|line| line.action.is_some()), 9);
    }
}
