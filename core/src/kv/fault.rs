//! Faults of a KV file, in words for the person who wrote it.

use alloc::format;
use alloc::string::String;
use core::fmt;

/// The one member that counts.
pub(super) const TABLE: &str = "configTable";

/// A fault and its byte position.
pub(super) type Fault = (usize, KvFileFault);

/// What is wrong with a KV file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KvFileFault {
    /// Not UTF-8 text: another encoding or file format.
    NotText(&'static str),
    /// The file needs something else at this place.
    Unexpected {
        /// The character found there, or `None` at the end of the file.
        found: Option<char>,
        /// What the file needs.
        wanted: &'static str,
    },
    /// A string, comment, object or list without its end.
    Unclosed(&'static str),
    /// A character behind a backslash.
    UnknownEscape(char),
    /// More than one value.
    TextBehindEnd(char),
    /// The member `configTable` is missing or null.
    NoTable {
        /// A member with a similar name.
        similar: Option<String>,
    },
    /// `configTable` is not an object.
    TableIsNoObject,
    /// The namespace of this name is not an object.
    NamespaceIsNoObject(String),
    /// Lists and objects are nested too deeply.
    TooDeep,
}

impl fmt::Display for KvFileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotText(form) => write!(f, "the file is {form}: save it as plain UTF-8"),
            Self::Unexpected { found: None, wanted } => write!(f, "the file ends where {wanted} is needed"),
            Self::Unexpected { found: Some(found), wanted } => {
                write!(f, "found {} where {wanted} is needed{}", shown(*found), advice(*found))
            }
            Self::Unclosed(what) => write!(f, "{what} begins here and does not end"),
            Self::UnknownEscape(char) => {
                write!(f, "{} behind `\\` means nothing: write `\\\\` for a backslash", shown(*char))
            }
            Self::TextBehindEnd(found) => write!(f, "found {} behind the end of the object: remove it", shown(*found)),
            Self::NoTable { similar: None } => write!(f, "the object has no member `{TABLE}`"),
            Self::NoTable { similar: Some(similar) } => {
                write!(f, "the object has no member `{TABLE}`: write it instead of `{}`", similar.escape_debug())
            }
            Self::TableIsNoObject => write!(f, "the value of `{TABLE}` is not an object"),
            Self::NamespaceIsNoObject(name) => {
                write!(f, "the value of the namespace `{}` is not an object", name.escape_debug())
            }
            Self::TooDeep => f.write_str("lists and objects are too deep in each other"),
        }
    }
}

/// Shows a character so that it cannot be mistaken for another one in a log.
fn shown(char: char) -> String {
    match char {
        '!'..='~' => format!("`{char}`"),
        other => format!("`{}` (U+{:04X})", other.escape_debug(), u32::from(other)),
    }
}

/// Says what to write instead of characters that word processors and foreign keyboards insert.
const fn advice(found: char) -> &'static str {
    match found {
        '“' | '”' | '„' | '‘' | '’' | '«' | '»' | '＂' | '＇' => ": write the quotation mark `\"`",
        '：' => ": write `:`",
        '，' | '、' => ": write `,`",
        '｛' | '｝' => ": write `{` or `}`",
        '#' => ": comments begin with `//`",
        '<' => ": does the file hold the mark of a merge conflict, or a web page?",
        '\0' => ": a crash of the machine may have left it; the previous contents are in the `.bak` file",
        _ => "",
    }
}
