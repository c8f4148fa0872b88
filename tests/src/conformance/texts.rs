//! What an operator sees at start: every line of `tests/texts`.

use crate::suite::Case;
use crate::texts::play;

/// A case for each file: arguments, environment variables, the file that `-c` names, values of keys, the files that the
/// server keeps, and users, addresses and the audit.
pub(super) fn cases() -> impl Iterator<Item = Case> {
    let files = ["command_line", "environment", "configuration_file", "values", "kept_files", "access_control"];
    files.into_iter().map(|file| Case {
        name: format!("texts::{file}"),
        run: Box::new(move |target| play(target, &format!("{}.txt", file.replace('_', "-")))),
    })
}
