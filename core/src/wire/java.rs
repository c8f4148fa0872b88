//! Reads text as Java does: blanks, case and digits beyond ASCII.

use alloc::string::String;

/// The zeros of all scripts in the first 65,536 characters. Those of other scripts are pairs of surrogates in Java,
/// which do not count as digits.
const ZEROS: [u16; 36] = [
    0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0c66, 0x0ce6, 0x0d66, 0x0de6, 0x0e50,
    0x0ed0, 0x0f20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50,
    0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
];

/// Reads an integer like Java's `Long.parseLong`; `None` if that fails.
pub(crate) fn long(text: &str) -> Option<i64> {
    text.parse().ok().or_else(|| if text.is_ascii() { None } else { in_ascii_digits(text)?.parse().ok() })
}

/// Reads an integer like Java's `Integer.parseInt`; `None` if that fails.
pub(crate) fn int(text: &str) -> Option<i32> {
    long(text).and_then(|number| number.try_into().ok())
}

#[cold]
fn in_ascii_digits(text: &str) -> Option<String> {
    let digit = |character: char| {
        if character.is_ascii() {
            return Some(character);
        }
        let zero = ZEROS.iter().map(|zero| u32::from(*zero)).rfind(|zero| *zero <= u32::from(character))?;
        char::from_digit(u32::from(character) - zero, 10)
    };
    text.chars().map(digit).collect()
}

/// Whether all characters are white space for Java's `Character.isWhitespace`, which includes the separators of ASCII
/// but not no-break spaces.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(|character| match character {
        '\u{85}' | '\u{a0}' | '\u{2007}' | '\u{202f}' => false,
        '\u{1c}'..='\u{1f}' => true,
        _ => character.is_whitespace(),
    })
}

/// Java's `String.equalsIgnoreCase`: two characters are equal if their capitals are, or the small letters of their
/// capitals. It maps single characters only, so `ß` does not equal `SS`.
pub(crate) fn equals_ignoring_case(left: &str, right: &str) -> bool {
    let folded = |character| small(capital(character));
    left.chars().map(folded).eq(right.chars().map(folded))
}

/// Returns the single capital letter of a character, possibly the character itself.
fn capital(character: char) -> char {
    let mut capitals = character.to_uppercase();
    match (capitals.next(), capitals.next()) {
        (Some(capital), None) => capital,
        // The character has two capitals. Only Greek letters with an iota below have a single capital as well.
        _ => match character {
            '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => above(character, 8),
            '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => above(character, 9),
            _ => character,
        },
    }
}

/// Returns the single small letter of a character, possibly the character itself.
fn small(character: char) -> char {
    // Only İ has two: an i and its dot.
    character.to_lowercase().next().unwrap_or(character)
}

fn above(character: char, distance: u32) -> char {
    char::from_u32(u32::from(character) + distance).unwrap_or(character)
}

/// Decodes UTF-8 as Java does: malformed bytes become U+FFFD, and an encoded surrogate only one.
pub(crate) fn lossy(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut rest = bytes;
    while let Err(error) = str::from_utf8(rest) {
        let (valid, malformed) = rest.split_at(error.valid_up_to());
        text.push_str(&String::from_utf8_lossy(valid));
        text.push(char::REPLACEMENT_CHARACTER);
        let length = match malformed {
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, ..] => 3,
            [0xed, 0xa0..=0xbf] => 2,
            _ => error.error_len().unwrap_or(malformed.len()),
        };
        rest = malformed.get(length..).unwrap_or_default();
    }
    text.push_str(&String::from_utf8_lossy(rest));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_every_script_are_digits() {
        for (text, number) in [
            ("+\u{661}\u{6f2}", Some(12)),
            ("-\u{ff19}", Some(-9)),
            ("1\u{96f}", Some(19)),
            ("\u{abf9}", Some(9)),
            ("\u{66a}", None),
            ("\u{2460}", None),
            ("\u{e9}", None),
            ("", None),
            ("+", None),
            (" 1", None),
            ("9223372036854775808", None),
        ] {
            assert_eq!(long(text), number, "{text:?}");
        }
        assert_eq!((int("2147483647"), int("2147483648")), (Some(i32::MAX), None));
    }

    #[test]
    fn blank_is_what_java_finds_blank() {
        for blank in ["", " ", "\t\n\u{b}\u{c}\r", "\u{1c}\u{1f}", "\u{2003}\u{3000}\u{2028}"] {
            assert!(is_blank(blank), "{blank:?}");
        }
        for not_blank in ["\u{a0}", "\u{85}", "\u{2007}", "\u{202f}", " x", "\u{200b}", "\u{feff}", "\0"] {
            assert!(!is_blank(not_blank), "{not_blank:?}");
        }
    }

    #[test]
    fn case_is_ignored_as_java_ignores_it() {
        for (left, right) in [("z1", "Z1"), ("\u{e9}", "\u{c9}"), ("\u{ff}", "\u{178}"), ("\u{1fb3}", "\u{1fbc}")] {
            assert!(equals_ignoring_case(left, right), "{left} {right}");
            assert!(equals_ignoring_case(right, left), "{right} {left}");
        }
        for (left, right) in [("a", "b"), ("a", "aa"), ("", "a")] {
            assert!(!equals_ignoring_case(left, right), "{left} {right}");
        }
    }

    #[test]
    fn malformed_bytes_are_replaced_as_java_replaces_them() {
        for (bytes, replaced) in [
            (&b"plain"[..], "plain"),
            (b"\xe2\x82", "?"),
            (b"\xf8\x88\x80\x80\x80", "?????"),
            ("é\u{fffd}".as_bytes(), "é?"),
        ] {
            assert_eq!(lossy(bytes), replaced.replace('?', "\u{fffd}"), "{bytes:?}");
        }
    }
}
