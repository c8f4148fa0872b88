//! What is seen of captured cases, beside what was seen of the Java server.

use super::golden::Case;

/// The case, what is seen, what it is here, and the entry of DIFFERENCES.md.
pub(super) type Difference = (&'static str, &'static str, &'static str, &'static str);

/// Everything that was seen of some cases, and where ours is not Java's: that must be listed.
pub(super) struct Observations {
    listed: &'static [Difference],
    same: usize,
    different: usize,
    wrong: Vec<String>,
}

impl Observations {
    /// None yet.
    pub(super) const fn new(listed: &'static [Difference]) -> Self {
        Self { listed, same: 0, different: 0, wrong: Vec::new() }
    }

    /// Compares what is seen under this name.
    pub(super) fn see(&mut self, case: &Case, name: &str, java: &str, ours: &str) {
        let listed = self.listed.iter().find(|(other, seen, ..)| *other == case.case && *seen == name);
        let expected = listed.map_or(java, |(_, _, ours, _)| ours);
        if ours != expected || listed.is_some() == (ours == java) {
            self.wrong.push(format!("{}: {name}: Java {java}, ours {ours}, expected {expected}", case.case));
        }
        match listed {
            Some(_) => self.different += 1,
            None => self.same += 1,
        }
    }

    /// Adds what was seen of other cases of the same list.
    pub(super) fn extend(&mut self, other: Self) {
        self.same += other.same;
        self.different += other.different;
        self.wrong.extend(other.wrong);
    }

    /// Nothing is wrong, each entry of the list was met once, and DIFFERENCES.md has it. Returns how many things are as
    /// in Java, and how many are not.
    pub(super) fn conclude(self) -> (usize, usize) {
        assert!(self.wrong.is_empty(), "\n{}", self.wrong.join("\n"));
        assert_eq!(self.different, self.listed.len(), "entries of the list that are not met");
        let entries = include_str!("../../../../DIFFERENCES.md");
        for (.., entry) in self.listed {
            assert!(entries.contains(&format!("### `{entry}`")), "{entry}");
        }
        (self.same, self.different)
    }
}
