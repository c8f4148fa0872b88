//! JSON as fastjson2 writes it, in two dialects (Java: `RemotingSerializable.encode`). The compatible one uses its
//! features `BrowserCompatible` and `MapSortField`.

use alloc::vec::Vec;

/// The dialect of a body. The two differ only in the keys of integer-keyed maps and in very large numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Integer keys have no quotes (`{0:"a"}`). This is not JSON, but brokers and older clients expect it.
    Plain,
    /// Quotes integer keys, and numbers that JavaScript cannot hold.
    Compatible,
}

impl Dialect {
    /// Both dialects, in the order of [`Dialect::index`].
    pub const ALL: [Self; 2] = [Self::Plain, Self::Compatible];

    /// Returns the position of this dialect where something is kept in both.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// JavaScript represents every integer up to this one exactly.
const SAFE_INTEGER_MAX: i64 = (1 << 53) - 1;

/// Writes a number.
pub fn integer(output: &mut Vec<u8>, value: impl itoa::Integer) {
    output.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Writes a 64-bit number as a value.
pub fn long(output: &mut Vec<u8>, value: i64, dialect: Dialect) {
    let quoted = match dialect {
        Dialect::Plain => false,
        Dialect::Compatible => !(-SAFE_INTEGER_MAX..=SAFE_INTEGER_MAX).contains(&value),
    };
    if quoted {
        output.push(b'"');
    }
    integer(output, value);
    if quoted {
        output.push(b'"');
    }
}

/// Writes an integer as the key of a map, with its colon.
pub fn integer_key(output: &mut Vec<u8>, key: i64, dialect: Dialect) {
    match dialect {
        Dialect::Plain => integer(output, key),
        Dialect::Compatible => {
            output.push(b'"');
            integer(output, key);
            output.push(b'"');
        }
    }
    output.push(b':');
}

/// Writes a string with its quotes. Only quotes, backslashes and control characters below U+0020 are escaped.
pub fn string(output: &mut Vec<u8>, text: &str) {
    string_of(output, &[text]);
}

/// Writes one string made of several texts.
pub fn string_of(output: &mut Vec<u8>, texts: &[&str]) {
    output.push(b'"');
    for text in texts {
        escaped(output, text);
    }
    output.push(b'"');
}

fn escaped(output: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let mut clean_from = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        output.extend_from_slice(&bytes[clean_from..at]);
        clean_from = at + 1;
        escape(output, byte);
    }
    output.extend_from_slice(&bytes[clean_from..]);
}

/// Writes a list of strings.
pub fn strings<'a>(output: &mut Vec<u8>, texts: impl IntoIterator<Item = &'a str>) {
    output.push(b'[');
    separated(output, texts, string);
    output.push(b']');
}

/// Writes items with commas between them.
pub fn separated<T>(output: &mut Vec<u8>, items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut Vec<u8>, T)) {
    for (position, item) in items.into_iter().enumerate() {
        if position > 0 {
            output.push(b',');
        }
        write(output, item);
    }
}

fn escape(output: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x09 => b't',
        0x0a => b'n',
        0x0c => b'f',
        0x0d => b'r',
        _ => {
            output.extend_from_slice(b"\\u00");
            output.push(HEX[usize::from(byte >> 4)]);
            output.push(HEX[usize::from(byte & 15)]);
            return;
        }
    };
    output.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut output = Vec::new();
        write(&mut output);
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn strings_escape_only_what_fastjson2_escapes() {
        for (text, expected) in [
            ("", r#""""#),
            ("a/b<'>&", r#""a/b<'>&""#),
            ("\"\\", r#""\"\\""#),
            ("\u{8}\t\n\u{c}\r", r#""\b\t\n\f\r""#),
            ("\0\u{b}\u{1f}", r#""\u0000\u000b\u001f""#),
            ("\u{7f}\u{85}\u{2028}é😀", "\"\u{7f}\u{85}\u{2028}é😀\""),
        ] {
            assert_eq!(written(|output| string(output, text)), expected);
        }
    }

    #[test]
    fn only_the_compatible_dialect_quotes_integer_keys_and_unsafe_numbers() {
        assert_eq!(written(|output| integer_key(output, -1, Dialect::Plain)), "-1:");
        assert_eq!(written(|output| integer_key(output, -1, Dialect::Compatible)), "\"-1\":");
        for (value, compatible) in [
            (9_007_199_254_740_991, "9007199254740991"),
            (9_007_199_254_740_992, "\"9007199254740992\""),
            (-9_007_199_254_740_991, "-9007199254740991"),
            (i64::MIN, "\"-9223372036854775808\""),
        ] {
            assert_eq!(written(|output| long(output, value, Dialect::Plain)), compatible.trim_matches('"'));
            assert_eq!(written(|output| long(output, value, Dialect::Compatible)), compatible);
        }
    }
}
