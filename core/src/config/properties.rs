//! Java properties text (`java.util.Properties`), read and written.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// One entry of a properties text, with the line on which it begins, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// The key.
    pub key: String,
    /// The value. As in Java, it includes trailing white space.
    pub value: String,
    /// The line.
    pub line: usize,
    /// Whether the entry is ASCII. Other bytes are read as ISO-8859-1, whatever their author meant.
    pub is_ascii: bool,
}

/// Why a text is not properties text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct PropertiesError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub fault: PropertiesFault,
}

/// What is wrong with a properties text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PropertiesFault {
    /// A `\u` escape without four hexadecimal digits.
    #[error("malformed \\u escape: write four hexadecimal digits behind `\\u`, and `\\\\` for a backslash")]
    Escape,
    /// Another encoding, or not a text.
    #[error("the file is {0}: save it as plain UTF-8")]
    NotText(&'static str),
    /// A NUL: a text in another encoding, or what a machine crash left behind.
    #[error("there is a NUL: write the file again as plain UTF-8")]
    Nul,
}

/// Reads a properties file: as [`parse`], but skips a byte order mark and recognises files that are not text.
///
/// # Errors
/// An encoding other than ISO-8859-1 and UTF-8, or a malformed `\u` escape.
pub fn parse_file(contents: &[u8]) -> Result<Vec<Property>, PropertiesError> {
    let other = match contents {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => Some("UTF-32"),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [1..=0x7F, 0, 1..=0x7F, 0, ..] | [0, 1..=0x7F, 0, 1..=0x7F, ..] => {
            Some("UTF-16")
        }
        [0x1F, 0x8B, ..] => Some("compressed (gzip)"),
        _ => None,
    };
    if let Some(form) = other {
        return Err(PropertiesError { line: 1, fault: PropertiesFault::NotText(form) });
    }
    if let Some(at) = contents.iter().position(|byte| *byte == 0) {
        let line = contents[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        return Err(PropertiesError { line, fault: PropertiesFault::Nul });
    }
    parse(contents.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(contents))
}

/// Reads a properties text, which is ISO-8859-1 as in Java. Returns repeated keys too, in order: the last one counts.
///
/// # Errors
/// A malformed `\u` escape, the only fault that Java refuses.
pub fn parse(text: &[u8]) -> Result<Vec<Property>, PropertiesError> {
    let mut lines = LogicalLines { rest: text, next_line: 1 };
    let mut entries = Vec::new();
    while let Some((line, content)) = lines.next_logical() {
        let (key, value) = split(&content);
        let malformed = PropertiesError { line, fault: PropertiesFault::Escape };
        let is_ascii = content.is_ascii();
        let (key, value) = (unescape(key).ok_or(malformed)?, unescape(value).ok_or(malformed)?);
        entries.push(Property { key, value, line, is_ascii });
    }
    Ok(entries)
}

/// Writes entries as ASCII that [`parse`] and Java read back unchanged.
#[must_use]
pub fn write(entries: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (key, value) in entries {
        escape(key, true, &mut text);
        text.push('=');
        escape(value, false, &mut text);
        text.push('\n');
    }
    text
}

/// The logical lines of a text: lines continued by a backslash are joined; comments and blank lines are skipped.
struct LogicalLines<'a> {
    rest: &'a [u8],
    next_line: usize,
}

impl LogicalLines<'_> {
    /// Returns the number of the line on which the content begins, and the content with its escapes.
    fn next_logical(&mut self) -> Option<(usize, Vec<u8>)> {
        let mut content = Vec::new();
        let mut first_line = self.next_line;
        let mut continued = false;
        loop {
            let line = self.next_line;
            let Some(natural) = self.next_natural() else {
                return continued.then_some((first_line, content));
            };
            let natural = trim_start(natural);
            if content.is_empty() {
                if matches!(natural.first(), None | Some(b'#' | b'!')) {
                    continued = false;
                    continue;
                }
                first_line = line;
            }
            continued = ends_in_escape(natural);
            content.extend_from_slice(if continued { &natural[..natural.len() - 1] } else { natural });
            if !continued {
                return Some((first_line, content));
            }
        }
    }

    fn next_natural(&mut self) -> Option<&[u8]> {
        if self.rest.is_empty() {
            return None;
        }
        self.next_line += 1;
        let end = self.rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(self.rest.len());
        let (line, after) = self.rest.split_at(end);
        self.rest = after.strip_prefix(b"\r\n").or(after.get(1..)).unwrap_or_default();
        Some(line)
    }
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\x0c')
}

fn trim_start(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|&byte| !is_blank(byte)).unwrap_or(text.len());
    &text[start..]
}

/// Whether the text ends with an odd number of backslashes.
fn ends_in_escape(text: &[u8]) -> bool {
    text.iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 1
}

/// Splits into key and value, both still escaped, at the first `=`, `:` or white space without a backslash before it.
fn split(content: &[u8]) -> (&[u8], &[u8]) {
    let mut escaped = false;
    let end = content.iter().position(|&byte| {
        let separates = !escaped && (is_blank(byte) || matches!(byte, b'=' | b':'));
        escaped = byte == b'\\' && !escaped;
        separates
    });
    let (key, rest) = content.split_at(end.unwrap_or(content.len()));
    let rest = trim_start(rest);
    let value = match rest.first() {
        Some(b'=' | b':') => trim_start(&rest[1..]),
        _ => rest,
    };
    (key, value)
}

/// Decodes escaped ISO-8859-1 bytes. Returns `None` for a malformed `\u` escape.
fn unescape(escaped: &[u8]) -> Option<String> {
    let mut units: Vec<u16> = Vec::with_capacity(escaped.len());
    let mut bytes = escaped.iter();
    while let Some(&byte) = bytes.next() {
        if byte != b'\\' {
            units.push(u16::from(byte));
            continue;
        }
        units.push(match bytes.next() {
            None => break,
            Some(b'u') => {
                let digits = bytes.as_slice().get(..4)?;
                bytes.nth(3);
                hexadecimal(digits)?
            }
            Some(b't') => u16::from(b'\t'),
            Some(b'n') => u16::from(b'\n'),
            Some(b'r') => u16::from(b'\r'),
            Some(b'f') => 0x0c,
            Some(&other) => u16::from(other),
        });
    }
    // Half a surrogate pair cannot be shown; Java writes a question mark for it.
    Some(char::decode_utf16(units).map(|unit| unit.unwrap_or('?')).collect())
}

fn hexadecimal(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0u16, |number, &digit| {
        let digit = char::from(digit).to_digit(16)?;
        Some(number << 4 | u16::try_from(digit).ok()?)
    })
}

fn escape(text: &str, is_key: bool, output: &mut String) {
    for (index, character) in text.chars().enumerate() {
        match character {
            '\\' => output.push_str("\\\\"),
            '\t' => output.push_str("\\t"),
            '\n' => output.push_str("\\n"),
            '\r' => output.push_str("\\r"),
            '\x0c' => output.push_str("\\f"),
            // A reader would drop leading white space of a value; in a key all of these characters would end it or
            // begin a comment.
            ' ' if is_key || index == 0 => output.push_str("\\ "),
            '=' | ':' | '#' | '!' if is_key => {
                output.push('\\');
                output.push(character);
            }
            ' '..='~' => output.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(output, "\\u{unit:04X}");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;

    fn pairs(text: &[u8]) -> Vec<(String, String)> {
        parse(text).unwrap().into_iter().map(|entry| (entry.key, entry.value)).collect()
    }

    #[test]
    fn text_is_read_as_java_reads_it() {
        type Pairs = &'static [(&'static str, &'static str)];
        let table: &[(&[u8], Pairs)] = &[
            (b"", &[]),
            (b"a=1", &[("a", "1")]),
            (b"a = 1\nb: 2\nc 3\nd\te", &[("a", "1"), ("b", "2"), ("c", "3"), ("d", "e")]),
            (b"a  =  = 1", &[("a", "= 1")]),
            (b"a:=1", &[("a", "=1")]),
            (b"a", &[("a", "")]),
            (b"=1", &[("", "1")]),
            (b"  a=1  ", &[("a", "1  ")]),
            (b"a=1\ra=2\r\na=3", &[("a", "1"), ("a", "2"), ("a", "3")]),
            (b"# a=1\n ! b=2\n\n \t\x0c\nc=#3!", &[("c", "#3!")]),
            (b"# a \\\nb=2", &[("b", "2")]),
            (b"a=1,\\\n   2,\\\r\n\t3", &[("a", "1,2,3")]),
            (b"a=1\\\n#2", &[("a", "1#2")]),
            (b"a=1\\\n\nb=2", &[("a", "1"), ("b", "2")]),
            (b"a=1\\\\\nb=2", &[("a", "1\\"), ("b", "2")]),
            (b"a=1\\", &[("a", "1")]),
            (b"\\\n#a=1", &[]),
            (b"\\\n\na=1", &[("a", "1")]),
            (b"a\n\\", &[("a", ""), ("", "")]),
            (b"a\\ b\\=c\\:d=e", &[("a b=c:d", "e")]),
            (b"a=\\t\\n\\r\\f\\\\\\q\\\"", &[("a", "\t\n\r\x0c\\q\"")]),
            (b"a=\\u00e9\\u4E2D\\ud83d\\uDE00\\ud83d", &[("a", "é中😀?")]),
            (b"\\u0061=1", &[("a", "1")]),
            (b"a=\xe9\xc3\xa9", &[("a", "éÃ©")]),
        ];
        for (text, expected) in table {
            let expected: Vec<_> = expected.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
            assert_eq!(pairs(text), expected, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn malformed_escapes_are_refused_with_their_line() {
        for text in [b"x=1\n\na=\\u00zz".as_slice(), b"x=1\n\na=\\u00e", b"x=1\n\n\\u=1", b"x=\\\n1\na=\\u+0e9"] {
            assert_eq!(
                parse(text),
                Err(PropertiesError { line: 3, fault: PropertiesFault::Escape }),
                "{}",
                String::from_utf8_lossy(text)
            );
        }
    }

    #[test]
    fn entries_know_the_line_they_begin_on() {
        let lines: Vec<_> = parse(b"# c\na=1\\\n2\n\r\nb=3").unwrap().iter().map(|entry| entry.line).collect();
        assert_eq!(lines, vec![2, 5]);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let entries =
            [("plain", "value"), ("a b=c:#!\\", "  two blanks "), ("é中😀", "\t\n\r\x0c\x01é中😀"), ("k", "")];
        let text = write(&entries);
        assert!(text.is_ascii());
        let expected: Vec<_> = entries.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        assert_eq!(pairs(text.as_bytes()), expected);
    }
}
