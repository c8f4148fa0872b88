//! Quotes text from a file or the environment safely in a line for the operator.

use crate::cut::{Bound, cut};
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

/// How much of a text is shown.
const BOUND: Bound = Bound::Characters(80);

/// Shows a text between backticks: escapes control characters, shortens long texts, and undoes the misreading of UTF-8
/// as ISO-8859-1 (Java reads properties files so).
///
/// ```
/// use namesrv_core::quoted::Quoted;
///
/// assert_eq!(Quoted("no\u{1b}[1m").to_string(), r"`no\u{1b}[1m`");
/// assert_eq!(Quoted("ä¸­").to_string(), "`中`");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = as_meant(self.0);
        f.write_char('`')?;
        for character in cut(&text, BOUND, "…").chars() {
            match character {
                // Debug escapes these, but they do no harm in a line.
                '"' | '\'' | '\\' => f.write_char(character)?,
                _ => write!(f, "{}", character.escape_debug())?,
            }
        }
        f.write_char('`')
    }
}

/// Returns the UTF-8 text with these bytes, if they are UTF-8.
fn as_meant(text: &str) -> Cow<'_, str> {
    let bytes = text.chars().map(|character| u8::try_from(u32::from(character)));
    let meant = bytes.collect::<Result<Vec<_>, _>>().ok().and_then(|bytes| String::from_utf8(bytes).ok());
    meant.map_or(Cow::Borrowed(text), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn what_is_shown_cannot_harm_a_terminal_or_a_line() {
        let table = [
            ("", "``"),
            ("plain \\ \"text\"", "`plain \\ \"text\"`"),
            ("a\tb\nc\0d\u{7f}e\u{9b}", "`a\\tb\\nc\\0d\\u{7f}e\\u{9b}`"),
            ("\u{202e}\u{feff}\u{2028}", "`\\u{202e}\\u{feff}\\u{2028}`"),
            ("é中", "`é中`"),
            ("caf\u{e9}", "`café`"),
            ("\u{e4}\u{b8}\u{ad}\u{e6}\u{96}\u{87}", "`中文`"),
            ("\u{c2}\u{9b}", "`\\u{9b}`"),
        ];
        for (text, expected) in table {
            assert_eq!(Quoted(text).to_string(), expected);
        }
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(Quoted(&"x".repeat(80)).to_string().len(), 82);
        assert_eq!(Quoted(&"x".repeat(1 << 20)).to_string().chars().count(), 83);
    }
}
