//! What is printed, apart from the log.

use std::io::Write;

/// Prints text; nobody may be reading.
pub(crate) fn print(mut output: impl Write, text: &str) {
    let _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
}
