//! The text of an environment variable, taken apart into words by a shell, by the JVM or by the program `java`.

use super::argument_file;
use super::error::JavaOptionsError;

/// Who takes the text of a variable apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// A shell that expands the variable without quotes, on the command line of the program `java`.
    Shell,
    /// The JVM.
    Jvm,
    /// The program `java`, which replaces `@file` by the words of the file.
    Launcher,
}

/// The words that `reader` makes of the text.
///
/// # Errors
/// What no JVM starts with.
pub(super) fn split(text: &[u8], reader: Reader) -> Result<Vec<Vec<u8>>, JavaOptionsError> {
    match reader {
        // A variable that is expanded without quotes is cut at white space; quotation marks and backslashes in it stay.
        Reader::Shell => {
            let words = text.split(|byte| matches!(byte, b' ' | b'\t' | b'\n')).filter(|word| !word.is_empty());
            expand(words.map(<[u8]>::to_vec))
        }
        Reader::Jvm => split_quoted(text),
        Reader::Launcher => expand(split_quoted(text)?.into_iter()),
    }
}

/// What the program `java` makes of the words of its command line.
fn expand(words: impl Iterator<Item = Vec<u8>>) -> Result<Vec<Vec<u8>>, JavaOptionsError> {
    Ok(words.map(argument_file::expand).collect::<Result<Vec<_>, _>>()?.concat())
}

/// Words apart at white space. Quotation marks of either kind keep it in a word, and are not part of it; a backslash
/// means itself.
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
