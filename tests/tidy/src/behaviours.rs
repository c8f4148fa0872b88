//! `docs/BEHAVIOURS.md`: every behaviour of the Java NameServer, and where it is here, checked both ways.

use crate::citations::{citations, cited};
use crate::{Repository, Violation};
use std::collections::{BTreeMap, BTreeSet};

/// The page.
pub const PAGE: &str = "docs/BEHAVIOURS.md";
/// The page whose entries (``### `identifier` ``) a row may name.
const DIFFERENCES: &str = "DIFFERENCES.md";
/// Folders of the product: a citation in a test alone is not enough.
const PRODUCT: &[&str] =
    &["core/src/", "shell/src/", "runtime-mio/src/", "runtime-glommio/src/", "runtime-async-std/src/"];

/// A row: `| number | behaviour | where |`.
struct Row<'a> {
    line: usize,
    number: &'a str,
    place: &'a str,
}

/// What is wrong between the page, the citations in the code and DIFFERENCES.md. The page has exactly these numbers,
/// given as (chapter, last number); a chapter without numbers has 0.
pub fn mismatches(repository: &Repository, chapters: &[(&str, usize)]) -> Vec<Violation> {
    let Some(page) = repository.file(PAGE) else { return vec![Violation::new(PAGE, "is missing")] };
    let rows = rows(&page.text);
    let mut violations = wrong_numbers(&rows, chapters);
    let in_code = cited_by_the_product(repository);
    let differences = identifiers(repository);
    let mut named = BTreeSet::new();
    for row in &rows {
        let citations = after(row.place, "Java: ");
        let entries = after(row.place, "Difference: ");
        let tests = after(row.place, "Test: ");
        let is_absent = row.place.contains("Absent: ");
        if citations.is_empty() && entries.is_empty() && tests.is_empty() && !is_absent {
            violations.push(wrong(row, "neither `Java: `, `Difference: `, `Test: ` nor `Absent: `"));
        }
        let gone = tests.iter().filter(|test| !has_test(repository, test));
        violations.extend(gone.map(|test| wrong(row, &format!("no {test}"))));
        let uncited = citations.iter().filter(|name| !in_code.contains_key(**name));
        violations.extend(uncited.map(|name| wrong(row, &format!("no code cites {name}"))));
        let unknown = entries.iter().filter(|entry| !differences.contains(**entry));
        violations.extend(unknown.map(|entry| wrong(row, &format!("{DIFFERENCES} has no {entry}"))));
        named.extend(citations);
        named.extend(entries);
    }
    let unnamed = differences.iter().filter(|entry| !named.contains(entry.as_str()));
    violations.extend(unnamed.map(|entry| Violation::new(PAGE, format!("no row names the difference {entry}"))));
    let unnamed = in_code.iter().filter(|(name, _)| !named.contains(name.as_str()));
    violations.extend(
        unnamed.map(|(name, file)| Violation::new(file, format!("cites {name}, which no row of {PAGE} names"))),
    );
    violations
}

fn rows(page: &str) -> Vec<Row<'_>> {
    let lines = page.lines().enumerate().filter(|(_, line)| line.starts_with("| "));
    let cells = lines.map(|(index, line)| (index + 1, line.split('|').map(str::trim).collect::<Vec<_>>()));
    let rows = cells.filter_map(|(line, cells)| match cells.as_slice() {
        ["", number, _, place, ""] if number.starts_with(|c: char| c.is_ascii_digit()) => {
            Some(Row { line, number, place })
        }
        _ => None,
    });
    rows.collect()
}

fn wrong_numbers(rows: &[Row<'_>], chapters: &[(&str, usize)]) -> Vec<Violation> {
    let numbers = chapters.iter().flat_map(|(chapter, last)| match last {
        0 => vec![(*chapter).to_owned()],
        last => (1..=*last).map(|number| format!("{chapter}.{number}")).collect(),
    });
    let expected: BTreeSet<_> = numbers.collect();
    let mut seen = BTreeSet::new();
    let mut violations = Vec::new();
    for row in rows {
        if !seen.insert(row.number.to_owned()) || !expected.contains(row.number) {
            violations.push(wrong(row, "is there twice, or no behaviour has this number"));
        }
    }
    let missing = expected.difference(&seen);
    violations.extend(missing.map(|number| Violation::new(PAGE, format!("no row for {number}"))));
    violations
}

fn wrong(row: &Row<'_>, what: &str) -> Violation {
    Violation::new(PAGE, format!("line {}, {}: {what}", row.line, row.number))
}

/// The names in backticks that follow a word, wherever it stands.
fn after<'a>(place: &'a str, word: &str) -> Vec<&'a str> {
    place.split(word).skip(1).flat_map(cited).collect()
}

/// Whether there is a test, `file` or `file#function`.
fn has_test(repository: &Repository, test: &str) -> bool {
    let (path, function) = test.split_once('#').unwrap_or((test, ""));
    let has_function = |text: &str| function.is_empty() || text.contains(&format!("fn {function}("));
    repository.file(path).is_some_and(|file| has_function(&file.text))
}

/// What the product cites, with one of the files that do.
fn cited_by_the_product(repository: &Repository) -> BTreeMap<String, &str> {
    let is_product = |path: &str| PRODUCT.iter().any(|folder| path.starts_with(folder)) && !path.ends_with("/tests.rs");
    let files = repository.ending(".rs").filter(|file| is_product(&file.path));
    let names = |text| citations(text).into_iter().flat_map(|(_, names)| names);
    files.flat_map(|file| names(&file.text).map(|name| (name, file.path.as_str()))).collect()
}

fn identifiers(repository: &Repository) -> BTreeSet<String> {
    let text = repository.file(DIFFERENCES).map_or("", |file| &file.text);
    let headings = text.lines().filter_map(|line| line.strip_prefix("### `")?.split('`').next());
    headings.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "//! Leaves (Java: `Manager.leave`).\n";
    const ENTRIES: &str = "### `better`: it is better\n";
    const GOOD: &str = "| 1.1 | leaving | Java: `Manager.leave` |\n| 1.2 | staying | Difference: `better` |\n\
                        | 2 | more | Absent: nobody wants it |\n";

    fn wrong(page: &str) -> Vec<String> {
        let files = [("core/src/a.rs", CODE), (DIFFERENCES, ENTRIES), (PAGE, page)];
        let violations = mismatches(&Repository::of(&files), &[("1", 2), ("2", 0)]);
        violations.into_iter().map(|violation| violation.message).collect()
    }

    #[test]
    fn a_page_that_agrees_with_the_code_is_good() {
        assert_eq!(wrong(GOOD), Vec::<String>::new());
    }

    #[test]
    fn numbers_are_complete_and_stand_once() {
        assert_eq!(wrong(&GOOD.replace("| 2 | more | Absent: nobody wants it |\n", "")), ["no row for 2"]);
        assert_eq!(wrong(&format!("{GOOD}{GOOD}")).len(), 3);
        assert_eq!(wrong(&format!("{GOOD}| 3.1 | x | Absent: y |\n")).len(), 1);
    }

    #[test]
    fn what_the_page_names_is_there() {
        assert_eq!(wrong(&GOOD.replace("1.2 | staying | Difference: `better`", "1.2 | staying | here")).len(), 2);
        let gone = GOOD.replace("Absent: nobody wants it", "Java: `Manager.stay` Difference: `worse`");
        assert_eq!(wrong(&GOOD.replace("Absent: nobody wants it", "Test: `core/src/a.rs`")), Vec::<String>::new());
        assert_eq!(wrong(&GOOD.replace("Absent: nobody wants it", "Test: `core/src/a.rs#f` and `gone.rs`")).len(), 2);
        assert_eq!(wrong(&gone), ["line 3, 2: no code cites Manager.stay", "line 3, 2: DIFFERENCES.md has no worse"]);
    }

    #[test]
    fn the_page_names_what_is_there() {
        let nothing = GOOD.replace("Java: `Manager.leave`", "Absent: no").replace("Difference: `better`", "Absent: no");
        let expected =
            ["no row names the difference better", "cites Manager.leave, which no row of docs/BEHAVIOURS.md names"];
        assert_eq!(wrong(&nothing), expected);
    }
}
