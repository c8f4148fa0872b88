//! Files with options, which a `java` command line names as `@file`.

use super::error::JavaOptionsError;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// The most bytes of a file, because each of its words is kept.
const BYTES_MAX: u64 = 1024 * 1024;

/// Expands a word: `@file` to the words of the file, `@@word` to `@word`, any other to itself.
///
/// # Errors
/// The file cannot be read.
pub(super) fn expand(word: Vec<u8>) -> Result<Vec<Vec<u8>>, JavaOptionsError> {
    match *word {
        [b'@', b'@', ..] => Ok(vec![word[1..].to_vec()]),
        [b'@', _, ..] => read(OsString::from_vec(word[1..].to_vec()).into()),
        _ => Ok(vec![word]),
    }
}

fn read(path: PathBuf) -> Result<Vec<Vec<u8>>, JavaOptionsError> {
    let failed = |source| JavaOptionsError::ArgumentFile { path: path.clone(), source };
    let problem = |problem| Err(JavaOptionsError::BadArgumentFile { path: path.clone(), problem });
    // Opening a FIFO would wait for a writer.
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().read(true).custom_flags(nonblocking).open(&path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return problem("is not a regular file");
    }
    let mut text = Vec::new();
    file.take(BYTES_MAX + 1).read_to_end(&mut text).map_err(failed)?;
    if text.len() as u64 > BYTES_MAX {
        return problem("is larger than 1 MiB");
    }
    Ok(split(&text))
}

/// The state of the reader of an argument file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Between words.
    Blank,
    /// In a word.
    Word,
    /// Between quotation marks of this kind.
    Quoted(u8),
    /// Behind a backslash between quotation marks.
    Escaped(u8),
    /// In the white space that begins a continued line between quotation marks.
    Continued(u8),
    /// Between `#` and the end of the line.
    Comment,
}

/// Returns the words of an argument file. White space and line ends separate them, quotation marks of either kind quote
/// them, a backslash escapes within quotation marks, and `#` begins a comment. A word before a comment continues after
/// it.
fn split(text: &[u8]) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut state = State::Blank;
    for &byte in text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text) {
        if matches!((state, byte), (State::Blank, b' ' | b'\t' | b'\x0c' | b'\n' | b'\r')) {
            continue;
        }
        state = match (state, byte) {
            (State::Comment, b'\n' | b'\r') => State::Blank,
            (State::Comment, _) => State::Comment,
            (State::Escaped(quote), b'\n' | b'\r') => State::Continued(quote),
            (State::Escaped(quote), _) => {
                word.get_or_insert_default().push(escaped(byte));
                State::Quoted(quote)
            }
            (State::Continued(quote), b' ' | b'\t' | b'\x0c' | b'\n' | b'\r') => State::Continued(quote),
            (State::Quoted(quote) | State::Continued(quote), b'\\') => State::Escaped(quote),
            (State::Quoted(quote) | State::Continued(quote), _) if quote == byte => State::Word,
            (State::Quoted(_), b'\n' | b'\r') | (State::Word, b' ' | b'\t' | b'\x0c' | b'\n' | b'\r') => {
                words.extend(word.take());
                State::Blank
            }
            (State::Quoted(quote) | State::Continued(quote), _) => {
                word.get_or_insert_default().push(byte);
                State::Quoted(quote)
            }
            (State::Blank | State::Word, b'#') => State::Comment,
            (State::Blank | State::Word, b'\'' | b'"') => {
                word.get_or_insert_default();
                State::Quoted(byte)
            }
            (State::Blank | State::Word, _) => {
                word.get_or_insert_default().push(byte);
                State::Word
            }
        };
    }
    // A word that ends in an escape is lost.
    words.extend(word.filter(|_| !matches!(state, State::Escaped(_))));
    // For a JVM, a NUL ends a word.
    words.into_iter().map(|word| word.split(|byte| *byte == 0).next().unwrap_or_default().to_vec()).collect()
}

fn escaped(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'f' => b'\x0c',
        _ => byte,
    }
}
