//! What can be wrong with a KV file, in words for the person who wrote it.

use alloc::format;
use alloc::string::String;
use core::fmt;

/// The one member that counts.
pub(super) const TABLE: &str = "configTable";

/// A fault and the byte at which it is.
pub(super) type Fault = (usize, KvFileFault);

/// What is wrong with a KV file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KvFileFault {
    /// Another encoding or form than text in UTF-8.
    NotText(&'static str),
    /// Something else is needed at this place; the file may end there.
    Unexpected {
        /// The character found there.
        found: Option<char>,
        /// What is needed.
        wanted: &'static str,
    },
    /// A string, comment, object or list that does not end.
    Unclosed(&'static str),
    /// A character behind a backslash.
    UnknownEscape(char),
    /// More than one value.
    TextBehindEnd(char),
    /// There is no member `configTable`, or it is null.
    NoTable {
        /// A member with nearly that name.
        similar: Option<String>,
    },
    /// `configTable` is no object.
    TableIsNoObject,
    /// The namespace of this name is no object.
    NamespaceIsNoObject(String),
    /// Lists and objects in each other without end.
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

/// A character that can be told from others in a log.
fn shown(char: char) -> String {
    match char {
        '!'..='~' => format!("`{char}`"),
        other => format!("`{}` (U+{:04X})", other.escape_debug(), u32::from(other)),
    }
}

/// What to write instead of characters that word processors and other keyboards put there.
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
