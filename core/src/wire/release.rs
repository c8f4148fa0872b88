//! Releases as peers announce them: ordinal numbers of Java's enum, with names.

use core::fmt;

/// The ordinal number of a release in the header of a request (Java: `MQVersion.getVersionDesc`).
///
/// Its name follows from the number, even for releases newer than this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release(pub i32);

/// 3.0.0 and the releases before it.
const FIRST: [&str; 16] = [
    "3.0.0-SNAPSHOT",
    "3.0.0-ALPHA1",
    "3.0.0-BETA1",
    "3.0.0-BETA2",
    "3.0.0-BETA3",
    "3.0.0-BETA4",
    "3.0.0-BETA5",
    "3.0.0-BETA6-SNAPSHOT",
    "3.0.0-BETA6",
    "3.0.0-BETA7-SNAPSHOT",
    "3.0.0-BETA7",
    "3.0.0-BETA8-SNAPSHOT",
    "3.0.0-BETA8",
    "3.0.0-BETA9-SNAPSHOT",
    "3.0.0-BETA9",
    "3.0.0",
];

/// Where the numbers of each minor release begin. Each patch has two: its snapshot and itself.
const MINORS: [(i32, &str, i32); 11] = [
    (212, "4.0", 0), // and 4.1 to 5.9, twenty numbers each
    (194, "3.9", 1),
    (176, "3.8", 1),
    (158, "3.7", 1),
    (140, "3.6", 1),
    (122, "3.5", 1),
    (104, "3.4", 1),
    (86, "3.3", 1),
    (66, "3.2", 0),
    (46, "3.1", 0),
    (16, "3.0", 1),
];

/// The number that stands for releases that Java has no name for.
const HIGHER_VERSION: i32 = 612;

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.0;
        if let Some(name) = usize::try_from(number).ok().and_then(|number| FIRST.get(number)) {
            return f.write_str(name);
        }
        let minor = MINORS.iter().find(|(first, ..)| *first <= number);
        let Some((first, minor, patch)) = minor else { return write!(f, "unknown ({number})") };
        let above = number - first;
        if number >= HIGHER_VERSION {
            return write!(f, "later than 5.9.9 ({number})");
        }
        if number >= MINORS[0].0 {
            write!(f, "{}.{}.{}", 4 + above / 200, above / 20 % 10, above % 20 / 2)?;
        } else {
            write!(f, "{minor}.{}", patch + above / 2)?;
        }
        if above % 2 == 0 { f.write_str("-SNAPSHOT") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn every_number_has_the_name_that_java_gives_it() {
        for (number, name) in [
            (0, "3.0.0-SNAPSHOT"),
            (15, "3.0.0"),
            (16, "3.0.1-SNAPSHOT"),
            (37, "3.0.11"),
            (45, "3.0.15"),
            (47, "3.1.0"),
            (65, "3.1.9"),
            (67, "3.2.0"),
            (85, "3.2.9"),
            (87, "3.3.1"),
            (103, "3.3.9"),
            (105, "3.4.1"),
            (195, "3.9.1"),
            (211, "3.9.9"),
            (213, "4.0.0"),
            (273, "4.3.0"),
            (317, "4.5.2"),
            (401, "4.9.4"),
            (407, "4.9.7"),
            (413, "5.0.0"),
            (474, "5.3.1-SNAPSHOT"),
            (475, "5.3.1"),
            (493, "5.4.0"),
            (513, "5.5.0"),
            (514, "5.5.1-SNAPSHOT"),
            (515, "5.5.1"),
            (517, "5.5.2"),
            (611, "5.9.9"),
            (612, "later than 5.9.9 (612)"),
            (613, "later than 5.9.9 (613)"),
            (i32::MAX, "later than 5.9.9 (2147483647)"),
            (-1, "unknown (-1)"),
        ] {
            assert_eq!(Release(number).to_string(), name);
        }
    }
}
