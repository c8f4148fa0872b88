//! mqadmin's `tools.yml`, with the keys that sign requests.

use namesrv_core::credentials::Secret;
use saphyr_parser::{Event, Parser, ScalarStyle};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The most bytes of the file: many times what it needs.
const BYTES_MAX: u64 = 64 * 1024;

/// The keys that sign requests. Printing them prints no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// The name of the user.
    pub access_key: String,
    /// The user's secret.
    pub secret: Secret,
}

/// What is wrong with the file. The error never quotes a value.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ToolsFileError {
    #[error("{}: cannot be read: {error}", .path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{}: line {line}: this is not YAML: write `accessKey: \"...\"` and `secretKey: \"...\"`", .path.display())]
    Malformed { path: PathBuf, line: usize },
    #[error("{}: {member} is not there: write `{member}: \"...\"`", .path.display())]
    Missing { path: PathBuf, member: &'static str },
    #[error("{}: YAML does not read the value of {member} as text: put it in quotes", .path.display())]
    NotText { path: PathBuf, member: &'static str },
}

impl Keys {
    /// Reads a file.
    ///
    /// # Errors
    /// The file is unreadable, or lacks a key.
    pub(crate) fn read(path: &Path) -> Result<Self, ToolsFileError> {
        let unreadable = |error| ToolsFileError::Unreadable { path: path.to_owned(), error };
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).map_err(unreadable)?;
        file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > BYTES_MAX {
            let text = format!("it has more than {BYTES_MAX} bytes: name another file");
            return Err(unreadable(io::Error::new(ErrorKind::InvalidData, text)));
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| unreadable(io::Error::new(ErrorKind::InvalidData, "it is not UTF-8")))?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, ToolsFileError> {
        let members = members(text).map_err(|line| ToolsFileError::Malformed { path: path.to_owned(), line })?;
        let value = |member| {
            let found = members.iter().rev().find(|(name, ..)| name == member);
            match found.filter(|(_, value, _)| !value.is_empty()) {
                None => Err(ToolsFileError::Missing { path: path.to_owned(), member }),
                Some((_, value, is_plain)) if *is_plain && !is_text(value) => {
                    Err(ToolsFileError::NotText { path: path.to_owned(), member })
                }
                Some((_, value, _)) => Ok(value.clone()),
            }
        };
        Ok(Self { access_key: value("accessKey")?, secret: Secret::new(&value("secretKey")?) })
    }
}

/// Returns the members of the outermost map with their values, and whether each value is unquoted. Skips lists and
/// maps. The error is the number of the bad line, from 1.
fn members(text: &str) -> Result<Vec<(String, String, bool)>, usize> {
    let mut members = Vec::new();
    let mut depth = 0_usize;
    let mut key = None;
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|error| error.marker().line())?;
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                depth += 1;
                key = None;
            }
            Event::MappingEnd | Event::SequenceEnd => depth = depth.saturating_sub(1),
            Event::Scalar(text, style, ..) if depth == 1 => match key.take() {
                None => key = Some(text.into_owned()),
                Some(name) => members.push((name, text.into_owned(), style == ScalarStyle::Plain)),
            },
            // The document is a single value.
            Event::Scalar(..) if depth == 0 => return Err(1),
            Event::Alias(_) if depth == 1 => key = None,
            Event::Scalar(..)
            | Event::Alias(_)
            | Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
        }
    }
    Ok(members)
}

/// Whether mqadmin reads an unquoted value as the text that stands there. YAML 1.1 reads some as numbers, booleans,
/// times or null, and mqadmin signs with the converted value.
fn is_text(value: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "true", "false", "on", "off", "null"];
    if value == "~" || WORDS.iter().any(|word| word.eq_ignore_ascii_case(value)) {
        return false;
    }
    let is_decimal = value.bytes().all(|byte| byte.is_ascii_digit()) && (value == "0" || !value.starts_with('0'));
    let begins_as_number = value.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first));
    // Letters that may occur in numbers with exponents or bases, and in dates.
    let may_be_number = |byte: u8| byte.is_ascii_hexdigit() || b"+-.:_xXoTZ inf".contains(&byte);
    is_decimal || !begins_as_number || !value.bytes().all(may_be_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(String, bool), String> {
        let keys = Keys::parse(Path::new("tools.yml"), text).map_err(|error| error.to_string())?;
        assert!(!format!("{keys:?}").contains("12345678"));
        Ok((keys.access_key.clone(), keys.secret.is("12345678")))
    }

    #[test]
    fn both_keys_are_found_however_they_are_written() {
        let good = Ok(("rocketmq2".to_owned(), true));
        for text in [
            "accessKey: rocketmq2\nsecretKey: 12345678\n",
            "# Licensed\n\naccessKey: 'rocketmq2'\nsecretKey: \"12345678\" # not this\n",
            "---\nother: [a, {accessKey: no}]\nsecretKey: '12345678'\nnested:\n  accessKey: no\naccessKey: rocketmq2\n",
            "{\"accessKey\": \"rocketmq2\", \"secretKey\": \"12345678\"}",
            "accessKey: first\naccessKey: rocketmq2\nsecretKey: 12345678",
        ] {
            assert_eq!(parse(text), good, "{text}");
        }
    }

    #[test]
    fn what_is_no_pair_of_keys_is_told_without_values() {
        for (text, expected) in [
            ("", "accessKey is not there"),
            ("accessKey: a", "secretKey is not there"),
            ("accessKey: a\nsecretKey: \"\"", "secretKey is not there"),
            ("access-key: a\nsecretKey: top-secret", "accessKey is not there"),
            ("accessKey: [a]\nsecretKey: top-secret", "accessKey is not there"),
            ("accessKey: a\n  secretKey: top-secret", "line 2: this is not YAML"),
            ("accessKey: \"a\nsecretKey: top-secret", "this is not YAML"),
            ("top-secret", "line 1: this is not YAML"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with("tools.yml: ") && error.contains(expected), "{text:?}: {error}");
            assert!(!error.contains("top-secret"), "{error}");
        }
    }

    #[test]
    fn values_that_mqadmin_would_change_need_quotes() {
        for value in ["012345", "1.5e3", "off", "No", "~", "0x1f", "12:30", "1_000", "+5", ".5", "2001-01-01", "-.inf"]
        {
            let error = parse(&format!("accessKey: a\nsecretKey: {value}")).unwrap_err();
            assert!(error.contains("secretKey") && error.contains("in quotes") && !error.contains(value), "{error}");
            assert!(parse(&format!("accessKey: a\nsecretKey: '{value}'")).is_ok(), "{value}");
        }
        for value in ["12345678", "0", "s 3", "s#3", "1a2g", "off-key", "0x1g", "12/30"] {
            assert!(parse(&format!("accessKey: a\nsecretKey: {value}")).is_ok(), "{value}");
        }
    }
}
