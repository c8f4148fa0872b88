//! What a report shows, and nothing else, with its data file of tab-separated fields.

use anyhow::{Context, Result, bail};
use std::str::FromStr;

/// The cell of a figure that was not measured.
pub const NOTHING: &str = "–";

/// Everything that the pages of one comparison show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// When and on which machine the servers were measured.
    pub measured: String,
    /// Which server to run.
    pub recommendation: String,
    /// Why.
    pub reasons: Vec<String>,
    /// The cost of one query: the servers of the first load, then those of the next one.
    pub points: Vec<Point>,
    /// The tables, most important first.
    pub sections: Vec<Section>,
}

/// The cost of one query on one server under one load.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Connections × requests that each connection sends at once.
    pub load: String,
    /// Name of the server.
    pub server: String,
    /// Processor time of a query, in microseconds.
    pub micros: f64,
    /// The processor time of the echo server that is the limit of this server, if it was measured.
    pub limit: Option<f64>,
}

/// One table, with notes for the reader.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// The title.
    pub title: String,
    /// Whether the short page has it, too.
    pub brief: bool,
    /// Sentences above the table.
    pub notes: Vec<String>,
    /// Titles of the columns.
    pub head: Vec<String>,
    /// The rows; the first cell of a row is its title.
    pub rows: Vec<Vec<String>>,
}

impl Report {
    /// Returns the data file. The first field of each line names the kind of the line.
    pub fn to_tsv(&self) -> String {
        let mut lines = vec![line("measured", [&self.measured]), line("recommendation", [&self.recommendation])];
        lines.extend(self.reasons.iter().map(|reason| line("reason", [reason])));
        for Point { load, server, micros, limit } in &self.points {
            let limit = limit.map_or_else(|| NOTHING.to_owned(), |limit| format!("{limit:.3}"));
            lines.push(line("point", [load, server, &format!("{micros:.3}"), &limit]));
        }
        for section in &self.sections {
            lines.push(line(if section.brief { "brief" } else { "section" }, [&section.title]));
            lines.extend(section.notes.iter().map(|note| line("note", [note])));
            lines.extend((!section.head.is_empty()).then(|| line("head", &section.head)));
            lines.extend(section.rows.iter().map(|row| line("row", row)));
        }
        lines.concat()
    }
}

/// Writes a line. Control characters in a field become spaces, so that the line stays one line.
fn line<'a>(kind: &str, fields: impl IntoIterator<Item = &'a String>) -> String {
    let fields = fields.into_iter().map(|field| field.replace(char::is_control, " "));
    std::iter::once(kind.to_owned()).chain(fields).collect::<Vec<_>>().join("\t") + "\n"
}

impl Section {
    /// Whether the cells are words rather than figures.
    pub fn is_words(&self) -> bool {
        let is_figure = |cell: &String| cell == NOTHING || cell.starts_with(|first: char| first.is_ascii_digit());
        !self.rows.iter().filter_map(|row| row.last()).any(is_figure)
    }
}

impl FromStr for Report {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut report = Self::default();
        for (index, line) in text.lines().enumerate() {
            report.read(line).with_context(|| format!("line {}", index + 1))?;
        }
        Ok(report)
    }
}

impl Report {
    fn read(&mut self, line: &str) -> Result<()> {
        let (kind, rest) = line.split_once('\t').context("no tab")?;
        let fields: Vec<String> = rest.split('\t').map(str::to_owned).collect();
        match (kind, fields.as_slice()) {
            ("measured", [text]) => self.measured.clone_from(text),
            ("recommendation", [text]) => self.recommendation.clone_from(text),
            ("reason", [text]) => self.reasons.push(text.clone()),
            ("point", [load, server, micros, limit]) => {
                let limit = (limit != NOTHING).then(|| number(limit)).transpose()?;
                self.points.push(Point { load: load.clone(), server: server.clone(), micros: number(micros)?, limit });
            }
            ("brief" | "section", [title]) => {
                self.sections.push(Section { title: title.clone(), brief: kind == "brief", ..Section::default() });
            }
            ("note", [text]) => self.section()?.notes.push(text.clone()),
            ("head", _) => self.section()?.head = fields,
            ("row", _) => self.section()?.rows.push(fields),
            _ => bail!("{} fields after an unknown {kind:?}", fields.len()),
        }
        Ok(())
    }

    fn section(&mut self) -> Result<&mut Section> {
        self.sections.last_mut().context("no section has begun")
    }
}

/// Reads a number for a logarithmic scale.
fn number(text: &str) -> Result<f64> {
    let number: f64 = text.parse().with_context(|| format!("{text:?} is not a number"))?;
    anyhow::ensure!(number.is_finite() && number > 0.0, "{text} is not a positive number");
    Ok(number)
}

/// Formats a number with about three digits.
pub fn digits(value: f64) -> String {
    match value.abs() {
        size if size >= 1e6 => format!("{:.2} M", value / 1e6),
        size if size >= 1e4 => format!("{:.0} k", value / 1e3),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A report with a hostile text wherever another program has a say.
    pub(crate) fn report() -> Report {
        let point = |load: &str, server: &str, micros, limit| Point {
            load: load.to_owned(),
            server: server.to_owned(),
            micros,
            limit,
        };
        Report {
            measured: "today".to_owned(),
            recommendation: "Run `namesrv-mio`.".to_owned(),
            reasons: vec!["one".to_owned(), "two".to_owned()],
            points: vec![
                point("1 × 1", "namesrv-mio", 25.5, Some(22.7)),
                point("1 × 1", "<b>&\"x", 55.8, None),
                point("50 × 16", "namesrv-mio", 0.42, Some(0.34)),
            ],
            sections: vec![Section {
                title: "Failures".to_owned(),
                brief: true,
                notes: vec!["a note".to_owned()],
                head: vec!["server".to_owned(), "why".to_owned()],
                rows: vec![vec!["other".to_owned(), "</td>|<script>".to_owned()]],
            }],
        }
    }

    #[test]
    fn data_file_keeps_everything() {
        let report = report();
        assert_eq!(report.to_tsv().parse::<Report>().unwrap(), report);
    }

    #[test]
    fn control_characters_cannot_break_a_line() {
        let mut report = report();
        report.sections[0].rows[0][1] = "a\tb\nrow\tc\0\u{1b}[31m".to_owned();
        let read: Report = report.to_tsv().parse().unwrap();
        assert_eq!(read.sections[0].rows, [["other", "a b row c  [31m"]]);
    }

    #[test]
    fn bad_lines_are_named() {
        for line in ["what", "what\tx", "row\ta", "point\ta\tb\t0\t1", "point\ta\tb\tNaN\t1", "measured\ta\tb"] {
            let error = format!("measured\tx\n{line}").parse::<Report>().unwrap_err();
            assert_eq!(error.to_string(), "line 2", "{line}");
        }
    }

    #[test]
    fn numbers_are_short() {
        let table =
            [(0.0391, "0.039"), (0.54, "0.540"), (3.456, "3.46"), (34.56, "34.6"), (345.6, "346"), (45_600.0, "46 k")];
        for (value, text) in table {
            assert_eq!(digits(value), text);
        }
    }
}
