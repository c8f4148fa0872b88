//! Prints to standard output and standard error, apart from the log.

use std::io::{self, ErrorKind, Write};

/// Prints text. A reader that has left has seen enough.
///
/// # Errors
/// The output takes no more.
pub(crate) fn print(mut output: impl Write, text: &str) -> io::Result<()> {
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Prints one line, if the output takes it. Escapes control characters, which names of files and addresses may contain.
pub(crate) fn print_line(output: impl Write, text: &str) {
    let shown = text.chars().flat_map(|character| {
        let escaped = character.is_control().then(|| character.escape_debug());
        let plain = escaped.is_none().then_some(character);
        escaped.into_iter().flatten().chain(plain)
    });
    // There is no other place to complain.
    let _ = print(output, &shown.chain(['\n']).collect::<String>());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_a_line() {
        let mut output = Vec::new();
        print_line(&mut output, "a\n\u{1b}[1m\u{9b}\t中`");
        assert_eq!(String::from_utf8(output).unwrap(), "a\\n\\u{1b}[1m\\u{9b}\\t中`\n");
    }
}
