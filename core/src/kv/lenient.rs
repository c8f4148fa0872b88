//! JSON as fastjson reads it: with comments, single quotes, unquoted names, missing or extra commas, raw control
//! characters, and suffixes of numbers.

use super::fault::{Fault, KvFileFault};
use crate::wire::json;
use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The deepest nesting of lists and objects, the same as in fastjson 1.x.
const DEPTH_MAX: usize = 512;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Text(String),
    /// A number or boolean, as Java prints it.
    Bare(String),
    List(Vec<Value>),
    /// Members in order, including repeated ones.
    Object(Vec<Member>),
}

/// A member of an object.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Member {
    pub(super) name: String,
    /// The byte position at which the value begins.
    pub(super) at: usize,
    pub(super) value: Value,
}

impl Value {
    /// Converts the value as Java does where it needs a string. Returns `None` for null.
    pub(super) fn into_text(self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Text(text) | Self::Bare(text) => Some(text),
            Self::List(mut list) => match (list.len(), list.pop()) {
                (1, Some(Self::Text(text))) => Some(text),
                (1, Some(Self::Null)) => None,
                (_, last) => {
                    list.extend(last);
                    Some(Self::List(list).json())
                }
            },
            object @ Self::Object(_) => Some(object.json()),
        }
    }

    /// Returns the JSON that fastjson2 writes: no blanks, no null members, and for repeated members the last value in
    /// the place of the first.
    fn json(&self) -> String {
        let mut output = Vec::new();
        self.write(&mut output);
        String::from_utf8_lossy(&output).into_owned()
    }

    fn write(&self, output: &mut Vec<u8>) {
        match self {
            Self::Null => output.extend_from_slice(b"null"),
            Self::Text(text) => json::string(output, text),
            Self::Bare(text) => output.extend_from_slice(text.as_bytes()),
            Self::List(list) => {
                output.push(b'[');
                json::separated(output, list, |output, value| value.write(output));
                output.push(b']');
            }
            Self::Object(members) => {
                let last: BTreeMap<_, _> = members.iter().map(|member| (&*member.name, &member.value)).collect();
                let mut written = BTreeMap::new();
                let members = members.iter().filter(|member| written.insert(&*member.name, ()).is_none());
                let members = members.filter_map(|member| Some((&member.name, *last.get(&*member.name)?)));
                output.push(b'{');
                json::separated(output, members.filter(|(_, value)| **value != Self::Null), |output, (name, value)| {
                    json::string(output, name);
                    output.push(b':');
                    value.write(output);
                });
                output.push(b'}');
            }
        }
    }
}

/// Reads a text from its start.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    is_plain: bool,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0, is_plain: true }
    }

    /// Whether everything read so far is standard JSON.
    pub(super) const fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Notes something that the server's own files never contain.
    pub(super) const fn note_leniency(&mut self) {
        self.is_plain = false;
    }

    /// Whether the text has a NUL.
    pub(super) fn has_nul(&self) -> bool {
        self.text.contains('\0')
    }

    /// Returns the position of the next byte.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// Returns the next character without reading it.
    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Skips blanks and comments.
    pub(super) fn skip(&mut self) -> Result<(), Fault> {
        while let Some(next) = self.peek() {
            if next == '/' {
                self.comment()?;
            } else if is_blank(next) {
                self.is_plain &= matches!(next, ' ' | '\t' | '\n' | '\r');
                self.at += next.len_utf8();
            } else {
                break;
            }
        }
        Ok(())
    }

    /// Makes sure that nothing of meaning follows. fastjson2 accepts a comma.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        self.skip()?;
        if self.take(',') {
            self.note_leniency();
            self.skip()?;
        }
        match self.peek() {
            Some(found) => Err((self.at, KvFileFault::TextBehindEnd(found))),
            None => Ok(()),
        }
    }

    /// Reads a value.
    pub(super) fn value(&mut self) -> Result<Value, Fault> {
        match self.peek() {
            Some('{') => self.object(),
            Some('[') => self.list(),
            Some('"' | '\'') => Ok(Value::Text(self.string()?)),
            Some('-' | '+' | '0'..='9') => self.number(),
            found => {
                for (word, value) in [
                    ("null", Value::Null),
                    ("true", Value::Bare("true".into())),
                    ("false", Value::Bare("false".into())),
                ] {
                    if self.word() == word {
                        self.at += word.len();
                        return Ok(value);
                    }
                }
                self.unexpected(found, "a value (text in quotation marks, a number, an object)")
            }
        }
    }

    fn object(&mut self) -> Result<Value, Fault> {
        let mut members = Vec::new();
        self.elements('}', "an object", |reader, is_separated| {
            let name = reader.name(is_separated)?;
            reader.skip()?;
            if !reader.take(':') {
                return reader.unexpected(reader.peek(), "`:`");
            }
            reader.skip()?;
            members.push(Member { name, at: reader.at, value: reader.value()? });
            Ok(())
        })?;
        Ok(Value::Object(members))
    }

    fn list(&mut self) -> Result<Value, Fault> {
        let mut list = Vec::new();
        self.elements(']', "a list", |reader, _| {
            list.push(reader.value()?);
            Ok(())
        })?;
        Ok(Value::List(list))
    }

    /// Reads elements up to the closing bracket. fastjson2 accepts missing commas, fastjson 1.x any number of them.
    fn elements(
        &mut self,
        close: char,
        what: &'static str,
        mut element: impl FnMut(&mut Self, bool) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let start = self.at;
        self.at += 1;
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err((start, KvFileFault::TooDeep));
        }
        for count in 0_usize.. {
            let mut commas = 0_usize;
            self.skip()?;
            while self.take(',') {
                commas += 1;
                self.skip()?;
            }
            let is_end = self.take(close);
            self.is_plain &= commas == usize::from(count > 0 && !is_end);
            if is_end {
                break;
            }
            if self.peek().is_none() {
                return Err((start, KvFileFault::Unclosed(what)));
            }
            element(self, count == 0 || commas > 0)?;
        }
        self.depth -= 1;
        Ok(())
    }

    /// Reads the name of a member. fastjson 1.x accepts unquoted words after a comma.
    fn name(&mut self, is_separated: bool) -> Result<String, Fault> {
        if let Some('"' | '\'') = self.peek() {
            return self.string();
        }
        let word = self.word().to_owned();
        if !is_separated {
            return self.unexpected(self.peek(), "`,` or `}`");
        }
        if word.is_empty() {
            return self.unexpected(self.peek(), "a name in quotation marks or `}`");
        }
        self.note_leniency();
        self.at += word.len();
        Ok(word)
    }

    /// Returns the letters and digits that come next, and the signs that occur in names of topics and brokers.
    fn word(&self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|char: char| !char.is_alphanumeric() && !matches!(char, '_' | '$' | '-' | '.'));
        rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
    }

    /// Reads text in double or single quotation marks. It may contain raw control characters and line ends.
    fn string(&mut self) -> Result<String, Fault> {
        let start = self.at;
        let quote = self.next().unwrap_or('"');
        self.is_plain &= quote == '"';
        let mut text = String::new();
        loop {
            match self.next() {
                None => return Err((start, KvFileFault::Unclosed("text in quotation marks"))),
                Some(end) if end == quote => return Ok(text),
                Some('\\') => text.push(self.escape(start)?),
                Some(char) => {
                    self.is_plain &= char >= ' ';
                    text.push(char);
                }
            }
        }
    }

    /// Reads what follows a backslash.
    fn escape(&mut self, start: usize) -> Result<char, Fault> {
        let at = self.at;
        let Some(char) = self.next() else { return Err((start, KvFileFault::Unclosed("text in quotation marks"))) };
        self.is_plain &= matches!(char, '"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't' | 'u');
        Ok(match char {
            'b' => '\u{8}',
            'f' | 'F' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '0'..='7' => char::from(char as u8 - b'0'),
            'x' => char::from_u32(self.hex(2)?).unwrap_or('?'),
            'u' => self.utf16()?,
            '"' | '\'' | '\\' | '/' | ' ' | '#' | '&' | '(' | ')' | ',' | '.' | '@' | '[' | ']' | '_' | '~' => char,
            other => return Err((at, KvFileFault::UnknownEscape(other))),
        })
    }

    /// Reads one or two UTF-16 units. Java writes half a pair as `?`.
    fn utf16(&mut self) -> Result<char, Fault> {
        let first = self.hex(4)?;
        if let Some(char) = char::from_u32(first) {
            return Ok(char);
        }
        let behind = self.at;
        if first < 0xDC00 && self.rest().starts_with("\\u") {
            self.at += 2;
            let second = self.hex(4)?;
            if (0xDC00..0xE000).contains(&second) {
                let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                return Ok(char::from_u32(code).unwrap_or('?'));
            }
            self.at = behind;
        }
        self.note_leniency();
        Ok('?')
    }

    fn hex(&mut self, digits: usize) -> Result<u32, Fault> {
        let found = self.rest().get(..digits).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let number = found.and_then(|found| u32::from_str_radix(found, 16).ok());
        let Some(number) = number else {
            let wrong = self.rest().chars().find(|char| !char.is_ascii_hexdigit());
            return self.unexpected(wrong, "a hexadecimal digit");
        };
        self.at += digits;
        Ok(number)
    }

    /// Reads a number. It may have leading zeros, and a letter that names a Java type at its end.
    fn number(&mut self) -> Result<Value, Fault> {
        let start = self.at;
        let is_negative = self.sign();
        let whole = self.digits();
        if whole.is_empty() {
            return self.unexpected(self.peek(), "a digit");
        }
        let fraction = if self.take('.') { self.digits() } else { "" };
        let mut exponent = 0;
        if self.take('e') || self.take('E') {
            let is_negative = self.sign();
            let digits = self.digits();
            let size = digits.parse().unwrap_or(if digits.is_empty() { 0 } else { 9999 });
            exponent = if is_negative { -size } else { size };
        }
        let suffix = self.peek().filter(|next| matches!(next, 'B' | 'D' | 'F' | 'L' | 'S'));
        self.at += suffix.map_or(0, char::len_utf8);
        if !self.word().is_empty() {
            return self.unexpected(self.peek(), "`,` or the end of the object");
        }
        let digits = match (whole.trim_start_matches('0'), fraction) {
            ("", "") => "0".to_owned(),
            (whole, "") => whole.to_owned(),
            ("", fraction) => format!("0.{fraction}"),
            (whole, fraction) => format!("{whole}.{fraction}"),
        };
        let size = match suffix {
            Some('F') => {
                let single: f32 = format!("{digits}e{exponent}").parse().unwrap_or(0.0);
                floating(format!("{single}").parse().unwrap_or(0.0))
            }
            suffix if exponent != 0 || suffix == Some('D') => {
                floating(format!("{digits}e{exponent}").parse().unwrap_or(0.0))
            }
            _ => digits,
        };
        let is_zero = size.bytes().all(|byte| matches!(byte, b'0' | b'.'));
        let text = if is_negative && !is_zero { format!("-{size}") } else { size };
        self.is_plain &= self.text.get(start..self.at) == Some(&text);
        Ok(Value::Bare(text))
    }

    /// Skips a sign. Returns whether it was a minus.
    fn sign(&mut self) -> bool {
        let is_minus = self.take('-');
        if !is_minus {
            self.take('+');
        }
        is_minus
    }

    fn digits(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|char: char| !char.is_ascii_digit()).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    fn comment(&mut self) -> Result<(), Fault> {
        let (close, is_line) = match self.rest().as_bytes() {
            [b'/', b'/', ..] => ("\n", true),
            [b'/', b'*', ..] => ("*/", false),
            _ => return self.unexpected(Some('/'), "`//` or `/*`"),
        };
        self.note_leniency();
        let comment = self.rest().get(2..).unwrap_or_default();
        match comment.find(close) {
            Some(end) => self.at += 2 + end + close.len(),
            None if is_line => self.at = self.text.len(),
            None => return Err((self.at, KvFileFault::Unclosed("a comment"))),
        }
        Ok(())
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn take(&mut self, char: char) -> bool {
        let is_next = self.peek() == Some(char);
        self.at += if is_next { char.len_utf8() } else { 0 };
        is_next
    }

    fn unexpected<T>(&self, found: Option<char>, wanted: &'static str) -> Result<T, Fault> {
        Err((self.at, KvFileFault::Unexpected { found, wanted }))
    }
}

/// Blanks in the sense of JSON, of fastjson (control characters) and of word processors.
fn is_blank(char: char) -> bool {
    char <= ' ' || char.is_whitespace() || char == '\u{FEFF}'
}

/// Prints a floating-point number as Java does (`Double.toString`).
fn floating(number: f64) -> String {
    if number.is_infinite() {
        "Infinity".to_owned()
    } else if number == 0.0 || (1e-3..1e7).contains(&number) {
        format!("{number:?}")
    } else {
        let text = format!("{number:E}");
        if text.contains('.') { text } else { text.replacen('E', ".0E", 1) }
    }
}
