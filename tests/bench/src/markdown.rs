//! The short form of a report: the picture, the recommendation and the tables that matter most.

use crate::html::CAPTION;
use crate::report::{Report, Section};
use std::fmt::Write as _;

/// Writes the page, which shows `picture.svg`, if there is one, and links to `report.html`, both beside it.
pub fn markdown(report: &Report) -> String {
    let mut page = format!("# Which NameServer?\n\n{}\n\n", sentences(&text(&report.measured)));
    if !report.points.is_empty() {
        let picture = "![Processor time of a route query for each server](picture.svg)";
        let _ = write!(page, "{picture}\n\n{}\n\n", sentences(CAPTION));
    }
    let _ = writeln!(page, "**{}**", text(&report.recommendation));
    page.push_str(if report.reasons.is_empty() { "" } else { "\n" });
    for (index, reason) in report.reasons.iter().enumerate() {
        let _ = writeln!(page, "{}. {}", index + 1, sentences(&text(reason)).replace('\n', "\n   "));
    }
    for section in report.sections.iter().filter(|section| section.brief) {
        let _ = write!(page, "\n## {}\n", text(&section.title));
        for note in &section.notes {
            let _ = write!(page, "\n{}\n", sentences(&text(note)));
        }
        page.push_str(&table(section));
    }
    page + "\nThe other tables, the machine and how it was measured are in [report.html](report.html).\n\
            [figures.tsv](figures.tsv) has all figures of both pages.\n"
}

/// Breaks a text after each sentence.
fn sentences(text: &str) -> String {
    text.replace(". ", ".\n").replace(": ", ":\n")
}

fn table(section: &Section) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| text(cell).replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let right = if section.is_words() { "---" } else { "--:" };
    let rule: Vec<String> =
        (0..section.head.len()).map(|index| if index == 0 { "---" } else { right }.to_owned()).collect();
    let rows: String = section.rows.iter().map(|row| line(row)).collect();
    format!("\n{}{}{rows}", line(&section.head), line(&rule))
}

/// Escapes a text for Markdown.
fn text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn page_leads_with_the_picture_and_has_brief_tables_alone() {
        let mut report = report();
        report.sections.push(Section { title: "Long".to_owned(), ..Section::default() });
        let page = markdown(&report);
        assert!(page.find("(picture.svg)").unwrap() < page.find("**Run `namesrv-mio`.**").unwrap(), "{page}");
        assert!(page.contains("1. one\n2. two\n") && page.contains("| other | &lt;/td>\\|&lt;script> |"), "{page}");
        assert!(page.contains("## Failures") && !page.contains("Long"));
        report.points.clear();
        assert!(!markdown(&report).contains("picture"), "there is none");
    }
}
