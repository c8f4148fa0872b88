//! The matrix case × runtime: each run of a suite saves a column, and all columns together are printed as one table.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The binary does what it has to.
    Passed,
    /// It does not.
    Failed,
    /// The runtime does not run on this machine, and says why.
    Skipped(String),
}

/// Everything that was found out about one runtime.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    name: String,
    outcomes: BTreeMap<String, Outcome>,
    figures: BTreeMap<String, String>,
}

/// All columns.
#[derive(Clone, Debug, Default)]
pub struct Matrix {
    columns: Vec<Column>,
}

impl Column {
    /// An empty column for the runtime of that name.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// The runtime's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Notes what became of a case.
    pub fn set_outcome(&mut self, case: &str, outcome: Outcome) {
        self.outcomes.insert(case.to_owned(), outcome);
    }

    /// Notes a figure.
    pub fn set_figure(&mut self, name: &str, value: &str) {
        self.figures.insert(name.to_owned(), value.to_owned());
    }

    /// Saves it beside the binaries, in the place of what a run of the same suite found out before about the same
    /// runtime.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(&self, suite: &str) -> io::Result<()> {
        let folder = folder(suite)?;
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(&self.name), serde_json::to_vec(self)?)
    }
}

impl Matrix {
    /// Reads all columns that runs of a suite saved.
    ///
    /// # Errors
    /// They cannot be read, or there are none.
    pub fn read(suite: &str) -> io::Result<Self> {
        Self::read_folder(&folder(suite)?)
    }

    fn read_folder(folder: &Path) -> io::Result<Self> {
        let mut columns = Vec::new();
        for entry in fs::read_dir(folder)? {
            columns.push(serde_json::from_slice::<Column>(&fs::read(entry?.path())?)?);
        }
        columns.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Self { columns })
    }

    /// Whether no case failed anywhere.
    pub fn is_good(&self) -> bool {
        self.columns.iter().all(|column| column.outcomes.values().all(|outcome| *outcome != Outcome::Failed))
    }

    fn row(&self, f: &mut String, first: &str, cell: impl Fn(&Column) -> String) -> fmt::Result {
        write!(f, "| {first} |")?;
        for column in &self.columns {
            write!(f, " {} |", cell(column))?;
        }
        writeln!(f)
    }

    fn rows<T>(&self, of: impl Fn(&Column) -> &BTreeMap<String, T>) -> Vec<String> {
        let mut names: Vec<String> = self.columns.iter().flat_map(|column| of(column).keys().cloned()).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// A table in Markdown: cases first, then figures, then the reasons for what was skipped.
impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.row(&mut text, "case", |column| column.name.clone())?;
        self.row(&mut text, "---", |_| "---".to_owned())?;
        for case in self.rows(|column| &column.outcomes) {
            self.row(&mut text, &case, |column| {
                match column.outcomes.get(&case) {
                    Some(Outcome::Passed) => "passed",
                    Some(Outcome::Failed) => "FAILED",
                    Some(Outcome::Skipped(_)) => "skipped",
                    None => "not run",
                }
                .to_owned()
            })?;
        }
        for name in self.rows(|column| &column.figures) {
            self.row(&mut text, &name, |column| column.figures.get(&name).cloned().unwrap_or_default())?;
        }
        for column in &self.columns {
            let reason = column.outcomes.values().find_map(|outcome| match outcome {
                Outcome::Skipped(reason) => Some(reason),
                Outcome::Passed | Outcome::Failed => None,
            });
            if let Some(reason) = reason {
                writeln!(text, "\n{} was skipped: {reason}", column.name)?;
            }
        }
        f.write_str(&text)
    }
}

/// The folder of a suite beside the one that this program stands in: `target/<profile>/<suite>`, whichever target
/// folder and profile were used.
fn folder(suite: &str) -> io::Result<PathBuf> {
    let program = env::current_exe()?;
    let built = program.ancestors().skip(1).find(|folder| !folder.ends_with("deps"));
    Ok(built.unwrap_or(Path::new(".")).join(suite))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_joined() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = Column::new("a");
        first.set_outcome("x::y", Outcome::Passed);
        first.set_figure("memory", "3 KiB");
        let mut second = Column::new("b");
        second.set_outcome("x::y", Outcome::Failed);
        second.set_outcome("x::z", Outcome::Skipped("not here".to_owned()));
        for column in [&first, &second] {
            fs::write(folder.path().join(column.name()), serde_json::to_vec(column).unwrap()).unwrap();
        }
        let matrix = Matrix::read_folder(folder.path()).unwrap();
        assert_eq!(matrix.columns, [first, second]);
        assert!(!matrix.is_good());
        let expected = "| case | a | b |\n| --- | --- | --- |\n| x::y | passed | FAILED |\n| x::z | not run | skipped |\n\
                        | memory | 3 KiB |  |\n\nb was skipped: not here\n";
        assert_eq!(matrix.to_string(), expected);
    }
}
