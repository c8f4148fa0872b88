//! The result of a command and its formats: a table for people, JSON and tab-separated values for scripts.

use crate::escape::{escape, escape_json};
use serde_json::Value;
use std::borrow::Cow;
use std::io::{self, Write};
use unicode_width::UnicodeWidthStr;

/// Shown in a table for an unknown value.
const NOTHING: &str = "-";
/// Blanks between columns.
const GAP: usize = 2;

/// The format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Aligned columns under their titles.
    Table,
    /// A table with all its columns.
    Wide,
    /// One object.
    Json,
    /// All columns of a table, separated by tabs, without titles.
    Tsv,
}

impl Format {
    pub(crate) const NAMES: [(&'static str, Self); 4] =
        [("table", Self::Table), ("wide", Self::Wide), ("json", Self::Json), ("tsv", Self::Tsv)];

    /// Returns the format with this name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(own, _)| *own == name).map(|(_, format)| format)
    }
}

/// One column of a table.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    title: Cow<'static, str>,
    /// The position of its value in a row, as a JSON pointer.
    pointer: Cow<'static, str>,
    /// Whether only wide tables show it.
    is_wide: bool,
    show: fn(&Value) -> String,
}

/// The result of a command.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// The whole result as JSON.
    pub(crate) json: Value,
    /// The rows of its table.
    pub(crate) rows: Vec<Value>,
    /// The columns of its table.
    pub(crate) columns: Vec<Column>,
}

impl Column {
    pub(crate) const fn new(title: &'static str, pointer: &'static str) -> Self {
        Self { title: Cow::Borrowed(title), pointer: Cow::Borrowed(pointer), is_wide: false, show: text }
    }

    /// A column with one element of a list.
    pub(crate) fn of_element(title: &str, list: &str, index: usize) -> Self {
        Self { title: title.to_owned().into(), pointer: format!("{list}/{index}").into(), is_wide: false, show: text }
    }

    /// A column with one member.
    pub(crate) fn of_member(title: &'static str, member: &str) -> Self {
        Self { title: title.into(), pointer: format!("/{member}").into(), is_wide: false, show: text }
    }

    /// Shows the column only in wide tables.
    pub(crate) const fn wide(mut self) -> Self {
        self.is_wide = true;
        self
    }

    /// Shows its values with this function.
    pub(crate) const fn shown_by(mut self, show: fn(&Value) -> String) -> Self {
        self.show = show;
        self
    }

    fn cell(&self, row: &Value) -> String {
        match row.pointer(&self.pointer) {
            None | Some(Value::Null) => String::new(),
            Some(value) => escape(&(self.show)(value)).into_owned(),
        }
    }
}

impl Report {
    /// A report whose member `list` has the rows.
    pub(crate) fn new(json: Value, list: &str, columns: &[Column]) -> Self {
        let rows = json.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
        Self { json, rows, columns: columns.to_vec() }
    }

    /// Writes the report. Titles are bold if `is_colourful`.
    ///
    /// # Errors
    /// The output failed.
    pub(crate) fn write(&self, output: &mut dyn Write, format: Format, is_colourful: bool) -> io::Result<()> {
        match format {
            Format::Json => writeln!(output, "{}", escape_json(&format!("{:#}", self.json))),
            Format::Tsv => self.rows.iter().try_for_each(|row| write_values(output, row, &self.columns)),
            Format::Table | Format::Wide => {
                let mut table = Table::new(&self.columns, format);
                self.rows.iter().for_each(|row| table.add(row));
                table.write(output, is_colourful)
            }
        }
    }
}

/// Writes a row as tab-separated values: the columns of a plain table, including empty ones.
///
/// # Errors
/// The output failed.
pub(crate) fn write_values(output: &mut dyn Write, row: &Value, columns: &[Column]) -> io::Result<()> {
    let cells: Vec<_> = columns.iter().filter(|column| !column.is_wide).map(|column| column.cell(row)).collect();
    writeln!(output, "{}", cells.join("\t"))
}

/// Writes one row for a continuous command. JSON takes one line.
///
/// # Errors
/// The output failed.
pub(crate) fn write_row(output: &mut dyn Write, row: &Value, columns: &[Column], format: Format) -> io::Result<()> {
    match format {
        Format::Json => writeln!(output, "{}", escape_json(&row.to_string()))?,
        Format::Tsv => write_values(output, row, columns)?,
        Format::Table | Format::Wide => {
            let shown = columns.iter().filter(|column| format == Format::Wide || !column.is_wide);
            let cells: Vec<_> = shown.map(|column| or_nothing(column.cell(row))).collect();
            writeln!(output, "{}", cells.join("  "))?;
        }
    }
    output.flush()
}

/// The cells of a table, as shown.
struct Table<'a> {
    columns: Vec<&'a Column>,
    rows: Vec<Vec<Cell>>,
}

struct Cell {
    text: String,
    is_number: bool,
}

impl<'a> Table<'a> {
    fn new(columns: &'a [Column], format: Format) -> Self {
        let columns = columns.iter().filter(|column| format == Format::Wide || !column.is_wide).collect();
        Self { columns, rows: Vec::new() }
    }

    fn add(&mut self, row: &Value) {
        let cell = |column: &&Column| {
            let text = column.cell(row);
            let is_number = row.pointer(&column.pointer).is_some_and(Value::is_number) && text.parse::<f64>().is_ok();
            Cell { text, is_number }
        };
        self.rows.push(self.columns.iter().map(cell).collect());
    }

    /// Writes the table, without columns that are empty in every row.
    fn write(&self, output: &mut dyn Write, is_colourful: bool) -> io::Result<()> {
        let cells = |index: usize| self.rows.iter().filter_map(move |row| row.get(index));
        let has_something = |index: &usize| self.rows.is_empty() || cells(*index).any(|cell| !cell.text.is_empty());
        let shown: Vec<_> = (0..self.columns.len()).filter(has_something).collect();
        let layout = |index: usize| {
            let title = self.columns.get(index).map_or(0, |column| column.title.width());
            let widest = cells(index).map(|cell| cell.text.width()).max().unwrap_or_default();
            let is_number = cells(index).all(|cell| cell.is_number || cell.text.is_empty()) && widest > 0;
            (title.max(widest).max(NOTHING.len()), is_number)
        };
        let layouts: Vec<_> = shown.iter().map(|index| layout(*index)).collect();
        let titles = shown.iter().filter_map(|index| self.columns.get(*index)).map(|column| column.title.to_string());
        let titles = line(titles, &layouts);
        if is_colourful {
            writeln!(output, "\u{1b}[1m{titles}\u{1b}[0m")?;
        } else {
            writeln!(output, "{titles}")?;
        }
        for row in &self.rows {
            let cells = shown.iter().filter_map(|index| row.get(*index)).map(|cell| or_nothing(cell.text.clone()));
            writeln!(output, "{}", line(cells, &layouts))?;
        }
        Ok(())
    }
}

/// Writes cells side by side, numbers aligned to the right, with no blanks after the last.
fn line(cells: impl Iterator<Item = String>, layouts: &[(usize, bool)]) -> String {
    let mut line = String::new();
    for (text, (width, is_number)) in cells.zip(layouts) {
        let padding = " ".repeat(width.saturating_sub(text.width()));
        let (before, after) = if *is_number { (&*padding, "") } else { ("", &*padding) };
        line.extend([before, &text, after, &" ".repeat(GAP)]);
    }
    line.truncate(line.trim_end_matches(' ').len());
    line
}

fn or_nothing(text: String) -> String {
    if text.is_empty() { NOTHING.to_owned() } else { text }
}

/// Shows a value to people: plain text, lists with commas, objects as `name=value`.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(is_so) => if *is_so { "yes" } else { "no" }.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(elements) => elements.iter().map(text).collect::<Vec<_>>().join(","),
        Value::Object(members) => {
            members.iter().map(|(name, value)| format!("{name}={}", text(value))).collect::<Vec<_>>().join(",")
        }
    }
}

/// Shows permission bits as mqadmin does (Java: `PermName.perm2String`).
pub(crate) fn permission(value: &Value) -> String {
    let Some(bits) = value.as_i64() else { return text(value) };
    let letter = |bit, letter| if bits & bit == 0 { '-' } else { letter };
    [letter(4, 'R'), letter(2, 'W'), letter(1, 'X')].iter().collect()
}

/// Shows seconds with one decimal digit.
pub(crate) fn seconds(value: &Value) -> String {
    value.as_f64().map_or_else(|| text(value), |seconds| format!("{seconds:.1}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const COLUMNS: [Column; 5] = [
        Column::new("NAME", "/name"),
        Column::new("NUMBER", "/number"),
        Column::new("PERM", "/perm").shown_by(permission),
        Column::new("NEVER", "/never"),
        Column::new("MORE", "/more").wide(),
    ];

    fn report() -> Report {
        let rows = json!([
            { "name": "broker-a", "number": 7, "perm": 6, "more": ["x", "y"] },
            { "name": "中文\u{1b}[1m", "number": 1234567, "perm": 4, "more": { "0": "z" } },
            { "name": null, "perm": 7 },
        ]);
        Report::new(json!({ "rows": rows }), "rows", &COLUMNS)
    }

    fn written(format: Format, is_colourful: bool) -> String {
        let mut output = Vec::new();
        report().write(&mut output, format, is_colourful).unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn a_table_is_aligned_by_what_terminals_show() {
        let expected = "\
NAME            NUMBER  PERM
broker-a             7  RW-
中文\\u{1b}[1m  1234567  R--
-                    -  RWX
";
        assert_eq!(written(Format::Table, false), expected);
        let wide = written(Format::Wide, false);
        assert_eq!(wide.lines().nth(1), Some("broker-a             7  RW-   x,y"));
        assert_eq!(wide.lines().nth(2), Some("中文\\u{1b}[1m  1234567  R--   0=z"));
        assert!(written(Format::Table, true).starts_with("\u{1b}[1mNAME"));
    }

    #[test]
    fn values_for_scripts_keep_their_columns() {
        assert_eq!(written(Format::Tsv, true), "broker-a\t7\tRW-\t\n中文\\u{1b}[1m\t1234567\tR--\t\n\t\tRWX\t\n");
        let json = written(Format::Json, true);
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), report().json);
        assert!(!json.contains('\u{1b}'));
    }

    #[test]
    fn a_report_without_rows_has_titles() {
        let mut output = Vec::new();
        Report::new(json!({ "rows": [] }), "rows", &COLUMNS).write(&mut output, Format::Table, false).unwrap();
        assert_eq!(output, b"NAME  NUMBER  PERM  NEVER\n");
    }

    #[test]
    fn a_row_by_itself_is_a_line() {
        let row = json!({ "name": "a\nb", "perm": 2 });
        let written = |format| {
            let mut output = Vec::new();
            write_row(&mut output, &row, &COLUMNS, format).unwrap();
            String::from_utf8(output).unwrap()
        };
        assert_eq!(written(Format::Table), "a\\nb  -  -W-  -\n");
        assert_eq!(written(Format::Json), "{\"name\":\"a\\nb\",\"perm\":2}\n");
    }
}
