//! Advice about suspicious values of the configuration file: what probably went wrong, and what to write instead.

use super::properties::Property;
use crate::key::{Key, Kind};
use crate::quoted::Quoted;
use alloc::format;
use alloc::string::String;
use core::fmt::Write;

const TEMPLATE: &str = "a variable in it was not replaced: write its value";
const COMMENT: &str = "`#` behind a value begins no comment: put the comment on a line of its own";
const QUOTATION_MARKS: &str = "quotation marks are part of a value: leave them out";

/// Returns in words what the author of this value probably did, or `None` if the value looks normal.
pub(super) fn likely_cause(value: &str) -> Option<&'static str> {
    let holds_variable = [("${", "}"), ("{{", "}}"), ("<%", "%>")]
        .iter()
        .any(|(begin, end)| value.split_once(begin).is_some_and(|(_, rest)| rest.contains(end)));
    let has_comment = value.split([' ', '\t']).skip(1).any(|word| word.starts_with(['#', '!']) || word == "//");
    let is_quoted =
        value.len() > 1 && ['"', '\''].iter().any(|mark| value.starts_with(*mark) && value.ends_with(*mark));
    if holds_variable {
        Some(TEMPLATE)
    } else if has_comment {
        Some(COMMENT)
    } else if is_quoted {
        Some(QUOTATION_MARKS)
    } else {
        None
    }
}

/// Returns a warning about a text value that is legal but probably not what its author meant.
pub(super) fn doubt(key: &Key, entry: &Property) -> Option<String> {
    match key.kind {
        Kind::Text | Kind::Filled => {}
        Kind::Boolean
        | Kind::Integer(..)
        | Kind::Word(_)
        | Kind::WordInAnyCase(_)
        | Kind::Secret
        | Kind::Credentials(_) => return None,
    }
    let Property { value, line, .. } = entry;
    let begin = format!("line {line}: {}: {}", key.name, Quoted(value));
    if let Some(cause) = likely_cause(value) {
        return Some(format!("{begin} is taken as it stands: {cause}"));
    }
    // Java reads properties files the same way.
    (!entry.is_ascii).then(|| match escaped(value) {
        Some(escaped) => format!("{begin} is read as ISO-8859-1: write `{escaped}`"),
        None => format!("{begin} is not UTF-8 and is read as ISO-8859-1: write `\\uXXXX` for what is not ASCII"),
    })
}

/// Returns the intended value with `\u` escapes, if the file was UTF-8.
fn escaped(value: &str) -> Option<String> {
    let bytes: Option<_> = value.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect();
    let meant = String::from_utf8(bytes?).ok()?;
    let mut text = String::new();
    for unit in meant.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte @ b' '..=b'~') => text.push(byte.into()),
            // Writing to a string cannot fail.
            _ => drop(write!(text, "\\u{unit:04x}")),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_leave_in_values_is_recognised() {
        let table = [
            ("", None),
            ("/var/lib/ns#1", None),
            ("a$b {c} #d", Some(COMMENT)),
            ("9876 # the port", Some(COMMENT)),
            ("true // for now", Some(COMMENT)),
            ("a//b //c", None),
            ("${HOME}/kv.json", Some(TEMPLATE)),
            ("${HOME", None),
            ("{{ .Values.port }}", Some(TEMPLATE)),
            ("<%= port %>", Some(TEMPLATE)),
            ("{}", None),
            ("\"9876\"", Some(QUOTATION_MARKS)),
            ("'x'", Some(QUOTATION_MARKS)),
            ("\"", None),
        ];
        for (value, expected) in table {
            assert_eq!(likely_cause(value), expected, "{value}");
        }
    }
}
