//! Tables of `tests/field`: each row has what a Java server does with it and what this server does.

use std::env;
use std::fs;
use std::path::Path;

/// Calls `here` with the columns of each row, and asserts that the result is what the table has in `column`.
///
/// With `UPDATE_EXPECTED=1`, writes the results into the table instead. The line with `#` names the columns.
pub(crate) fn hold(name: &str, column: usize, mut here: impl FnMut(&[&str]) -> String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/field").join(name);
    let table = fs::read_to_string(&path).unwrap();
    let mut seen = String::new();
    for line in table.lines() {
        let mut columns: Vec<_> = line.split('\t').collect();
        let answer = if line.starts_with('#') { "here".to_owned() } else { here(&columns) };
        columns[column] = &answer;
        seen += &columns.join("\t");
        seen.push('\n');
    }
    if env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&path, seen).unwrap();
    } else {
        assert_eq!(table, seen);
    }
}
