//! Makes text from peers harmless for a terminal: nothing that a server sends may move the cursor or reorder a line.

use std::borrow::Cow;
use std::fmt::Write;

/// Escapes unprintable characters as Rust does: `\n`, `\u{1b}`. Quotes and backslashes stay.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_unsafe(character) {
            escaped.extend(character.escape_debug());
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

/// Escapes unprintable characters of JSON text as JSON does: `\u001b`. Line feeds stay, because they stand between
/// tokens.
pub(crate) fn escape_json(json: &str) -> Cow<'_, str> {
    let is_escaped = |character: char| character != '\n' && is_unsafe(character);
    if !json.contains(is_escaped) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        if is_escaped(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to memory cannot fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

/// Whether a terminal might do more than show the character. Printable characters have no escape; quotes, the backslash
/// and control characters with a name have an escape of two characters.
fn is_unsafe(character: char) -> bool {
    character.is_control() || character.escape_debug().len() > 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_cannot_harm_a_terminal() {
        for (text, expected) in [
            ("plain \\ \"text\" 'é中😀", "plain \\ \"text\" 'é中😀"),
            ("a\tb\nc\0d\r", "a\\tb\\nc\\0d\\r"),
            ("\u{1b}[31mred\u{9b}1m\u{7f}", "\\u{1b}[31mred\\u{9b}1m\\u{7f}"),
            ("\u{202e}gnp\u{2066}\u{feff}\u{2028}", "\\u{202e}gnp\\u{2066}\\u{feff}\\u{2028}"),
        ] {
            assert_eq!(escape(text), expected);
        }
    }

    #[test]
    fn json_means_the_same_after_it_was_escaped() {
        let value = serde_json::json!({ "a\u{9b}\u{1b}": ["\u{202e}", "\u{e0001}é", "\"\\\n"] });
        let text = serde_json::to_string_pretty(&value).unwrap();
        let escaped = escape_json(&text);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), value);
        assert!(!escaped.contains(|character: char| character != '\n' && is_unsafe(character)), "{escaped}");
        assert!(escaped.contains("\\u009b") && escaped.contains("\\udb40\\udc01"), "{escaped}");
    }
}
