//! Splits the text of an environment variable into words, like a shell, the JVM or the program `java`.

use super::argument_file;
use super::error::JavaOptionsError;

/// Who splits the text of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// A shell that expands the variable without quotes on the command line of `java`.
    Shell,
    /// The JVM.
    Jvm,
    /// The program `java`, which replaces `@file` with the words of the file.
    Launcher,
}

/// Returns the words that `reader` finds in the text.
///
/// # Errors
/// A text with which no JVM starts.
pub(super) fn split(text: &[u8], reader: Reader) -> Result<Vec<Vec<u8>>, JavaOptionsError> {
    match reader {
        // An unquoted variable is split at white space; its quotation marks and backslashes stay.
        Reader::Shell => {
            let words = text.split(|byte| matches!(byte, b' ' | b'\t' | b'\n')).filter(|word| !word.is_empty());
            expand(words.map(<[u8]>::to_vec))
        }
        Reader::Jvm => split_quoted(text),
        Reader::Launcher => expand(split_quoted(text)?.into_iter()),
    }
}

/// Expands the words of a command line as the program `java` does.
fn expand(words: impl Iterator<Item = Vec<u8>>) -> Result<Vec<Vec<u8>>, JavaOptionsError> {
    Ok(words.map(argument_file::expand).collect::<Result<Vec<_>, _>>()?.concat())
}

/// Splits at white space. Quotation marks of either kind protect white space and are removed; a backslash is an
/// ordinary character.
fn split_quoted(text: &[u8]) -> Result<Vec<Vec<u8>>, JavaOptionsError> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b' ' | b'\t' | b'\n' | b'\x0b' | b'\x0c' | b'\r' => words.extend(word.take()),
            b'\'' | b'"' => {
                let word = word.get_or_insert_default();
                loop {
                    match bytes.next() {
                        Some(next) if next == byte => break,
                        Some(next) => word.push(next),
                        None => return Err(JavaOptionsError::UnmatchedQuote(byte.into())),
                    }
                }
            }
            _ => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    Ok(words)
}
