//! Answers as a peer reads them, decoded without any code of the server.

use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

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

/// The frames in what was written to a connection.
///
/// # Errors
/// The last one is cut.
pub fn frames(written: &[u8]) -> Result<Vec<&[u8]>, String> {
    let (frames, rest) = whole_frames(written);
    if rest.is_empty() { Ok(frames) } else { Err("half an answer".to_owned()) }
}

/// The whole frames at the front of these bytes, and what follows them.
pub fn whole_frames(mut bytes: &[u8]) -> (Vec<&[u8]>, &[u8]) {
    let mut frames = Vec::new();
    while let Some(length) = bytes.first_chunk::<4>()
        && let Some(frame) = bytes.split_off(..4 + u32::from_be_bytes(*length) as usize)
    {
        frames.push(frame);
    }
    (frames, bytes)
}

/// Whether nothing may be answered to this request: it is one-way, or a response.
pub fn is_unanswered(request: &[u8]) -> bool {
    Answer::decode(request).is_ok_and(|request| request.flag & 3 != 0)
}

/// Only the members that mean something are read: others may be numbers that fit no type. The last of several with one
/// name counts.
fn decode_json(parts: Parts<'_>) -> Result<Answer, String> {
    let header: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(parts.header)
        .map_err(|error| format!("header {}: {error}", parts.header.escape_ascii()))?;
    let member = |name: &str| header.get(name).and_then(|value| serde_json::from_str::<Value>(value.get()).ok());
    let number = |name: &str| member(name).as_ref().and_then(Value::as_i64).unwrap_or_default() as i32;
    let fields = member("extFields").as_ref().and_then(Value::as_object).map(|fields| {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        fields.iter().map(|(name, value)| (name.clone(), text(value))).collect()
    });
    Ok(Answer {
        serialization: 0,
        code: number("code"),
        flag: number("flag"),
        opaque: number("opaque"),
        version: number("version"),
        remark: member("remark").as_ref().and_then(Value::as_str).map(str::to_owned),
        fields,
        body: parts.body.to_vec(),
    })
}

fn decode_binary(parts: Parts<'_>) -> Option<Answer> {
    let mut header = parts.header;
    let code = i32::from(i16::from_be_bytes(take(&mut header)?));
    let [_language] = take(&mut header)?;
    let version = i32::from(i16::from_be_bytes(take(&mut header)?));
    let opaque = i32::from_be_bytes(take(&mut header)?);
    let flag = i32::from_be_bytes(take(&mut header)?);
    let remark = long_text(&mut header)?;
    let length = usize::try_from(i32::from_be_bytes(take(&mut header)?)).unwrap_or(0);
    let mut map = header.split_off(..length)?;
    let mut fields = Vec::new();
    while !map.is_empty() {
        let length = u16::from_be_bytes(take(&mut map)?) as usize;
        let name = String::from_utf8_lossy(map.split_off(..length)?).into_owned();
        fields.push((name, long_text(&mut map)?));
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

/// Takes the next bytes of a binary header.
pub(crate) fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    rest.split_off(..N)?.try_into().ok()
}

fn long_text(rest: &mut &[u8]) -> Option<String> {
    let length = u32::from_be_bytes(take(rest)?) as usize;
    Some(String::from_utf8_lossy(rest.split_off(..length)?).into_owned())
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
