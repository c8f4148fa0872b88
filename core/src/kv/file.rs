//! The KV file (Java: `KVConfigManager.load`, `KVConfigSerializeWrapper`), as people, editors and Java servers leave
//! it.
//!
//! It is read as fastjson2 2.0.59 (RocketMQ 5.x) or fastjson 1.2.83 (4.x) reads it, whichever accepts more, so every
//! file that a Java server loaded also loads here. Only this file is read so; peers must send standard JSON.

use super::fault::{Fault, KvFileFault, TABLE};
use super::lenient::{Member, Reader, Value};
use super::{KvTable, Namespace};
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

/// The contents of a KV file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvFile {
    /// What Java has in memory after it has read the file.
    pub table: KvTable,
    /// Whether the file is standard JSON and holds nothing else: replacing it by the table loses nothing.
    pub is_plain: bool,
    /// Line and column of the first bytes that are not UTF-8. As in Java, they read as U+FFFD.
    pub first_replaced: Option<(usize, usize)>,
}

/// Why a KV file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {fault}")]
pub struct KvFileError {
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// What is wrong at this place.
    pub fault: KvFileFault,
}

impl KvFile {
    /// Reads a file. An empty or blank file, or one with `null`, holds an empty table. Values other than strings become
    /// their JSON text; null values and null namespaces are skipped.
    ///
    /// # Errors
    /// A file of any other kind. Starting with an empty table would lose its contents at the next save.
    pub fn decode(contents: &[u8]) -> Result<Self, KvFileError> {
        let error_at_start = |fault| KvFileError { line: 1, column: 1, fault };
        if let Some(form) = other_form(contents) {
            return Err(error_at_start(KvFileFault::NotText(form)));
        }
        let bytes = contents.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(contents);
        let text = String::from_utf8_lossy(bytes);
        let first_replaced = match (&text, core::str::from_utf8(bytes)) {
            (Cow::Owned(text), Err(error)) => Some(position(text, error.valid_up_to())),
            (Cow::Borrowed(_) | Cow::Owned(_), _) => None,
        };
        let mut reader = Reader::new(&text);
        let table = read_file(&mut reader).map_err(|(at, fault)| {
            let (line, column) = position(&text, at);
            KvFileError { line, column, fault }
        })?;
        let is_plain = reader.is_plain() && first_replaced.is_none() && bytes.len() == contents.len();
        Ok(Self { table, is_plain, first_replaced })
    }
}

/// Recognises files that people save by mistake, by their first bytes.
fn other_form(contents: &[u8]) -> Option<&'static str> {
    match contents {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => Some("UTF-32"),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [b'{', 0, _, 0, ..] | [0, b'{', 0, _, ..] => Some("UTF-16"),
        [0x1F, 0x8B, ..] => Some("compressed (gzip)"),
        _ => None,
    }
}

/// Returns line and column, counted from 1.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let column = before.get(line_start..).map_or(0, |line| line.chars().count());
    (before.matches('\n').count() + 1, column + 1)
}

fn read_file(reader: &mut Reader<'_>) -> Result<KvTable, Fault> {
    reader.skip()?;
    let at = reader.at();
    let found = reader.peek();
    if found.is_none() {
        // No server writes NULs: a machine crash erased the contents.
        return if reader.has_nul() {
            Err((0, KvFileFault::Unexpected { found: Some('\0'), wanted: "the `{` of an object" }))
        } else {
            Ok(KvTable::default())
        };
    }
    let value = reader.value()?;
    reader.end()?;
    match value {
        Value::Null => Ok(KvTable::default()),
        Value::Text(text) if text.is_empty() => Ok(KvTable::default()),
        Value::List(list) if list.is_empty() => Ok(KvTable::default()),
        Value::Object(members) => table_of(reader, at, members),
        Value::Text(_) | Value::Bare(_) | Value::List(_) => {
            Err((at, KvFileFault::Unexpected { found, wanted: "the `{` of an object" }))
        }
    }
}

fn table_of(reader: &mut Reader<'_>, at: usize, members: Vec<Member>) -> Result<KvTable, Fault> {
    let mut table = None;
    let mut similar = None;
    for Member { name, at, value } in members {
        if name == TABLE {
            table = Some((at, value));
        } else {
            // Someone may have put a note there.
            reader.note_leniency();
            if is_similar(&name) {
                similar = Some(name);
            }
        }
    }
    match table {
        Some((_, Value::Object(namespaces))) => {
            let mut table = KvTable::default();
            for Member { name, at, value } in namespaces {
                match namespace_of(value) {
                    // A later one counts, even if it is null.
                    Ok(None) => drop(table.namespaces.remove(&name)),
                    Ok(Some(keys)) => drop(table.namespaces.insert(name, keys)),
                    // fastjson 1.x writes the class of the object as this member.
                    Err(()) if name == "@type" => reader.note_leniency(),
                    Err(()) => return Err((at, KvFileFault::NamespaceIsNoObject(name))),
                }
            }
            Ok(table)
        }
        None | Some((_, Value::Null)) => Err((at, KvFileFault::NoTable { similar })),
        Some((at, Value::Text(_) | Value::Bare(_) | Value::List(_))) => Err((at, KvFileFault::TableIsNoObject)),
    }
}

/// Whether fastjson 1.x takes the name for `configTable`.
fn is_similar(name: &str) -> bool {
    let letters = name.chars().filter(|char| !matches!(char, '_' | '-'));
    letters.flat_map(char::to_lowercase).eq(TABLE.chars().flat_map(char::to_lowercase))
}

/// Returns the keys of a namespace, or `None` if it is null; Java reads an empty string as null too.
fn namespace_of(value: Value) -> Result<Option<Namespace>, ()> {
    match value {
        Value::Object(members) => {
            let mut keys = Namespace::new();
            for Member { name: key, value, .. } in members {
                match value.into_text() {
                    Some(text) => drop(keys.insert(key, Some(text))),
                    None => drop(keys.remove(&key)),
                }
            }
            Ok(Some(keys))
        }
        // fastjson2 accepts a list of one element in place of the element.
        Value::List(mut list) if list.len() == 1 => match list.pop() {
            Some(object @ Value::Object(_)) => namespace_of(object),
            Some(Value::Null | Value::Text(_) | Value::Bare(_) | Value::List(_)) | None => Err(()),
        },
        Value::Null => Ok(None),
        Value::Text(text) if text.is_empty() => Ok(None),
        Value::Text(_) | Value::Bare(_) | Value::List(_) => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec;

    #[test]
    fn java_files_are_read_and_written_back() {
        let text = br#"{"configTable":{"A":{"k":"v\n"},"ORDER_TOPIC_CONFIG":{"T":"broker-a:8;b:4"}}}"#;
        let file = KvFile::decode(text).unwrap();
        assert_eq!(file.table.value("A", "k"), Some("v\n"));
        assert_eq!(file.table.encode(), text);
        assert!(file.is_plain);
        assert_eq!(file.first_replaced, None);
    }

    #[test]
    fn what_a_save_would_lose_is_noted() {
        let plain = r#"{"configTable":{"n":{"k":"\u00e9","l":5}}}"#;
        assert!(KvFile::decode(plain.as_bytes()).unwrap().is_plain);
        assert!(KvFile::decode(plain.replace(':', "\t:\r\n ").as_bytes()).unwrap().is_plain, "blanks are nothing");
        for text in [
            "\u{FEFF}{\"configTable\":{}}",
            "// a note\n{\"configTable\":{}}",
            "{'configTable':{}}",
            "{configTable:{}}",
            "{\"configTable\":{},}",
            "{\"configTable\":{\"n\":{\"k\":\"a\nb\"}}}",
            "{\"configTable\":{\"n\":{\"k\":007}}}",
            "{\"note\":\"do not touch\",\"configTable\":{}}",
            "{\"configTable\":{}},",
            "{\"configTable\":{}}\0",
        ] {
            assert!(!KvFile::decode(text.as_bytes()).unwrap().is_plain, "{text:?}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced_and_named() {
        let file = KvFile::decode(b"{\"configTable\":\n{\"n\":{\"k\":\"\xc3\xa9\xd6\xd0\"}}}").unwrap();
        assert_eq!(file.table.value("n", "k"), Some("é\u{FFFD}\u{FFFD}"));
        assert_eq!(file.first_replaced, Some((2, 13)));
        assert!(!file.is_plain);
    }

    #[test]
    fn nesting_has_an_end() {
        let nested = |depth| format!(r#"{{"configTable":{{"n":{{"k":{}{}}}}}}}"#, "[".repeat(depth), "]".repeat(depth));
        assert!(KvFile::decode(nested(500).as_bytes()).is_ok());
        let faults = [600, 1_000_000].map(|depth| KvFile::decode(nested(depth).as_bytes()).unwrap_err().fault);
        assert_eq!(faults.to_vec(), vec![KvFileFault::TooDeep; 2]);
    }
}
