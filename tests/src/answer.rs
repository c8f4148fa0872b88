//! Answers as a peer reads them, decoded without any code of the server.

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// One frame that a server wrote: an answer, or a request of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// How the header is written: 0 JSON, 1 binary.
    pub serialization: u8,
    /// Response code (or request code).
    pub code: i32,
    /// Flag bits: 1 response, 2 one-way.
    pub flag: i32,
    /// Correlation number.
    pub opaque: i32,
    /// Version of the server.
    pub version: i32,
    /// Text for people; absent when empty in a binary header.
    pub remark: Option<String>,
    /// Extension fields; absent when the header has none.
    pub fields: Option<Vec<(String, String)>>,
    /// Body, possibly empty.
    pub body: Vec<u8>,
}

impl Answer {
    /// Decodes a whole frame.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn decode(frame: &[u8]) -> Result<Self, String> {
        let parts = Parts::split(frame)?;
        match parts.serialization {
            0 => decode_json(parts),
            1 => decode_binary(parts).ok_or_else(|| "a binary header that ends too early".to_owned()),
            other => Err(format!("a header of type {other}")),
        }
    }

    /// The value of an extension field.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().flatten().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A frame cut into its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    /// How the header is written: 0 JSON, 1 binary.
    pub serialization: u8,
    /// The header.
    pub header: &'a [u8],
    /// The body, possibly empty.
    pub body: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Cuts a frame.
    ///
    /// # Errors
    /// The lengths in it do not agree with its size.
    pub fn split(frame: &'a [u8]) -> Result<Self, String> {
        let wrong = || format!("lengths that do not agree with a frame of {} bytes", frame.len());
        let (length, rest) = frame.split_first_chunk::<4>().ok_or_else(wrong)?;
        if u32::from_be_bytes(*length) as usize != rest.len() {
            return Err(wrong());
        }
        let (word, rest) = rest.split_first_chunk::<4>().ok_or_else(wrong)?;
        let word = u32::from_be_bytes(*word);
        let (header, body) = rest.split_at_checked((word & 0xff_ffff) as usize).ok_or_else(wrong)?;
        Ok(Self { serialization: (word >> 24) as u8, header, body })
    }
}

/// Whether nothing may be answered to this request: it is one-way, or a response.
pub fn is_unanswered(request: &[u8]) -> bool {
    Answer::decode(request).is_ok_and(|request| request.flag & 3 != 0)
}

fn decode_json(parts: Parts<'_>) -> Result<Answer, String> {
    let Members(header) = serde_json::from_slice(parts.header)
        .map_err(|error| format!("header {}: {error}", parts.header.escape_ascii()))?;
    let number = |name: &str| header.get(name).and_then(Value::as_i64).unwrap_or_default() as i32;
    let fields = header.get("extFields").and_then(Value::as_object).map(|fields| {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        fields.iter().map(|(name, value)| (name.clone(), text(value))).collect()
    });
    Ok(Answer {
        serialization: 0,
        code: number("code"),
        flag: number("flag"),
        opaque: number("opaque"),
        version: number("version"),
        remark: header.get("remark").and_then(Value::as_str).map(str::to_owned),
        fields,
        body: parts.body.to_vec(),
    })
}

/// The members of a JSON header that mean something. Of the others not even the values are read, since they may be
/// numbers that fit no type. The last of several with one name counts.
struct Members(BTreeMap<String, Value>);

impl Members {
    const KNOWN: [&str; 6] = ["code", "extFields", "flag", "opaque", "remark", "version"];
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members(BTreeMap::new()))
    }
}

impl<'de> Visitor<'de> for Members {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a header")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Self, A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            if Self::KNOWN.contains(&&*name) {
                self.0.insert(name, members.next_value()?);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(self)
    }
}

fn decode_binary(parts: Parts<'_>) -> Option<Answer> {
    let mut cursor = Cursor(parts.header);
    let code = i32::from(i16::from_be_bytes(cursor.array()?));
    cursor.take(1)?;
    let version = i32::from(i16::from_be_bytes(cursor.array()?));
    let opaque = i32::from_be_bytes(cursor.array()?);
    let flag = i32::from_be_bytes(cursor.array()?);
    let remark = cursor.long_text()?;
    let length = u32::from_be_bytes(cursor.array()?) as usize;
    let mut map = Cursor(cursor.take(length)?);
    let mut fields = Vec::new();
    while !map.0.is_empty() {
        let length = u16::from_be_bytes(map.array()?) as usize;
        let name = String::from_utf8_lossy(map.take(length)?).into_owned();
        fields.push((name, map.long_text()?));
    }
    Some(Answer {
        serialization: 1,
        code,
        flag,
        opaque,
        version,
        remark: Some(remark).filter(|remark| !remark.is_empty()),
        fields: Some(fields).filter(|fields| !fields.is_empty()),
        body: parts.body.to_vec(),
    })
}

/// What is left to be read of a binary header.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn long_text(&mut self) -> Option<String> {
        let length = u32::from_be_bytes(self.array()?) as usize;
        Some(String::from_utf8_lossy(self.take(length)?).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_binary_answer() {
        let frame = "0000003901000035000000020100000067000000010000000000000020\
                     000576616c75650000001562726f6b65722d613a343b62726f6b65722d623a34";
        let answer = Answer::decode(&hex::decode(frame).unwrap()).unwrap();
        assert_eq!((answer.code, answer.flag, answer.opaque, answer.version), (0, 1, 103, 513));
        assert_eq!(answer.field("value"), Some("broker-a:4;broker-b:4"));
    }

    #[test]
    fn reads_a_header_with_an_unknown_member_that_fits_no_number() {
        let header = br#"{"code":1,"unknown":1e400,"code":319,"opaque":7}"#;
        let answer = Answer::decode(&crate::request::frame(0, header, b"")).unwrap();
        assert_eq!((answer.code, answer.opaque), (319, 7));
    }

    #[test]
    fn refuses_lengths_that_do_not_agree() {
        assert!(Parts::split(&[0, 0, 0, 9, 0, 0, 0, 0]).is_err());
        assert!(Parts::split(&[0, 0, 0, 4, 0, 0, 0, 1]).is_err());
    }
}
