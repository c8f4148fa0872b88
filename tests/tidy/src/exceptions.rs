//! `exceptions.txt`: which file or folder may break which rule, and why.

use crate::Violation;

/// One line: `rule file # why`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The name of the rule.
    pub rule: String,
    /// The file that may break it; a folder, for all files in it, ends with `/`.
    pub file: String,
}

impl Exception {
    fn allows(&self, violation: &Violation) -> bool {
        violation.file == self.file || (self.file.ends_with('/') && violation.file.starts_with(&self.file))
    }
}

/// Reads the list. Blank lines and lines of comment stand between the entries.
///
/// # Errors
/// A line is not `rule file # why`, or is there twice; the text names the line.
pub fn parse(text: &str) -> Result<Vec<Exception>, String> {
    let mut exceptions: Vec<Exception> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (entry, reason) = line.split_once('#').unwrap_or((line, ""));
        let words: Vec<_> = entry.split_whitespace().collect();
        let &[rule, file] = words.as_slice() else {
            return Err(format!("line {}: not `rule file # why`", index + 1));
        };
        let exception = Exception { rule: rule.to_owned(), file: file.to_owned() };
        if reason.trim().is_empty() || exceptions.contains(&exception) {
            return Err(format!("line {}: without a reason, or there twice", index + 1));
        }
        exceptions.push(exception);
    }
    Ok(exceptions)
}

/// What is wrong with a rule: violations that no exception allows, and exceptions that nothing needs.
pub fn findings(rule: &str, violations: &[Violation], exceptions: &[Exception]) -> Vec<String> {
    let allowed: Vec<_> = exceptions.iter().filter(|exception| exception.rule == rule).collect();
    let is_allowed = |violation: &Violation| allowed.iter().any(|exception| exception.allows(violation));
    let unexpected = violations.iter().filter(|violation| !is_allowed(violation)).map(ToString::to_string);
    let is_needed = |exception: &Exception| violations.iter().any(|violation| exception.allows(violation));
    let unneeded = allowed.iter().filter(|exception| !is_needed(exception));
    let unneeded = unneeded.map(|exception| format!("{}: keeps the rule, delete its exception", exception.file));
    unexpected.chain(unneeded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_allows_one_file_to_break_one_rule() {
        let exceptions = parse("# Head.\n\nlong_files a.rs # generated\n").unwrap();
        let violations = [Violation::new("a.rs", "too long"), Violation::new("b.rs", "too long")];
        assert_eq!(findings("long_files", &violations, &exceptions), ["b.rs: too long"]);
        assert_eq!(findings("wide_lines", &violations, &exceptions).len(), 2);
    }

    #[test]
    fn an_exception_that_nothing_needs_is_a_finding() {
        let exceptions = parse("long_files a.rs # generated").unwrap();
        assert_eq!(findings("long_files", &[], &exceptions), ["a.rs: keeps the rule, delete its exception"]);
    }

    #[test]
    fn an_exception_of_a_folder_allows_all_in_it_and_is_needed_by_one() {
        let exceptions = parse("long_files a/ # generated").unwrap();
        assert!(findings("long_files", &[Violation::new("a/b.rs", "too long")], &exceptions).is_empty());
        assert_eq!(findings("long_files", &[Violation::new("ab.rs", "too long")], &exceptions).len(), 2);
    }

    #[test]
    fn an_exception_needs_a_reason_and_stands_once() {
        for bad in ["long_files a.rs", "long_files # why", "long_files a.rs # ", "r a.rs # why\nr a.rs # why"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
