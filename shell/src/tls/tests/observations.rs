//! Observations of captured cases, compared with those of the Java server.

use super::golden::Case;

/// The case, the observation, this server's result, and the entry of DIFFERENCES.md.
pub(super) type Difference = (&'static str, &'static str, &'static str, &'static str);

/// All observations of some cases. Each difference from Java must be listed.
pub(super) struct Observations {
    listed: &'static [Difference],
    same: usize,
    different: usize,
    wrong: Vec<String>,
}

impl Observations {
    /// No observations yet.
    pub(super) const fn new(listed: &'static [Difference]) -> Self {
        Self { listed, same: 0, different: 0, wrong: Vec::new() }
    }

    /// Compares an observation.
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

    /// Adds observations of other cases with the same list.
    pub(super) fn extend(&mut self, other: Self) {
        self.same += other.same;
        self.different += other.different;
        self.wrong.extend(other.wrong);
    }

    /// Asserts that nothing is wrong, that each entry of the list occurred once, and that DIFFERENCES.md has it.
    /// Returns how many observations are as in Java, and how many are not.
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
