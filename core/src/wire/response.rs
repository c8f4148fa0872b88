//! What this server sends: whole frames in either header form.

use super::{code, json};
use crate::serialization::Serialization;
use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt::Display;

/// The release that this server announces, 5.5.0, as an ordinal number (Java: `MQVersion`).
pub const VERSION: i16 = 513;

/// Flag of an answer.
const FLAG_RESPONSE: i32 = 1;
/// Flag of a request without an answer.
const FLAG_ONEWAY: i32 = 2;

/// The header of an outgoing frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    code: i32,
    flag: i32,
    opaque: i32,
    remark: Option<&'a [&'a str]>,
    fields: Option<&'a [(&'a str, Cow<'a, str>)]>,
}

impl<'a> Head<'a> {
    /// An answer that only says success.
    #[must_use]
    pub const fn success(opaque: i32) -> Self {
        Self { code: code::response::SUCCESS, flag: FLAG_RESPONSE, opaque, remark: None, fields: None }
    }

    /// An answer that says what went wrong. The texts, joined, are the remark.
    #[must_use]
    pub const fn failure(code: i32, opaque: i32, remark: &'a [&'a str]) -> Self {
        Self { code, flag: FLAG_RESPONSE, opaque, remark: Some(remark), fields: None }
    }

    /// A request that wants an answer.
    #[must_use]
    pub const fn request(code: i32, opaque: i32) -> Self {
        Self { code, flag: 0, opaque, remark: None, fields: None }
    }

    /// A one-way request.
    #[must_use]
    pub const fn oneway(code: i32, opaque: i32) -> Self {
        Self { code, flag: FLAG_ONEWAY, opaque, remark: None, fields: None }
    }

    /// Sets the remark.
    #[must_use]
    pub const fn with_remark(self, remark: &'a [&'a str]) -> Self {
        Self { remark: Some(remark), ..self }
    }

    /// Sets the extension fields. An empty list still shows as `{}` in a JSON header.
    #[must_use]
    pub const fn with_fields(self, fields: &'a [(&'a str, Cow<'a, str>)]) -> Self {
        Self { fields: Some(fields), ..self }
    }
}

/// Appends a frame to `output`. `body` appends the body.
#[inline]
pub fn write_frame(output: &mut Vec<u8>, form: Serialization, head: &Head<'_>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = output.len();
    output.extend_from_slice(&[0; 8]);
    match form {
        Serialization::Json => write_json_header(output, head),
        Serialization::Binary => write_binary_header(output, head),
    }
    let header_bytes = output.len() - start - 8;
    body(output);
    let frame_bytes = output.len() - start - 4;
    let type_bits = match form {
        Serialization::Json => 0,
        Serialization::Binary => 1 << 24,
    };
    // A header over 16 MiB quotes a topic of that size. As in Java, only the lower bits of its length are sent.
    let header_word = type_bits | (length(header_bytes) & 0x00FF_FFFF);
    output[start..start + 4].copy_from_slice(&length(frame_bytes).to_be_bytes());
    output[start + 4..start + 8].copy_from_slice(&header_word.to_be_bytes());
}

/// Returns a length in wire form. Frames come from tables whose limits are far below 4 GiB.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "see above")]
fn length(bytes: usize) -> u32 {
    debug_assert!(u32::try_from(bytes).is_ok(), "{bytes} bytes in one frame");
    bytes as u32
}

/// Returns a two-byte number of a binary header: a code, or the length of a field's name. Both are constants of the
/// protocol.
fn short<T: TryInto<i16> + Copy + Display>(number: T) -> [u8; 2] {
    let short = number.try_into();
    debug_assert!(short.is_ok(), "{number} in two bytes");
    short.unwrap_or(i16::MAX).to_be_bytes()
}

#[inline]
fn write_json_header(output: &mut Vec<u8>, head: &Head<'_>) {
    if head.code == code::response::SUCCESS && head.flag == FLAG_RESPONSE && head.fields.is_none() {
        output.extend_from_slice(br#"{"code":0,"flag":1,"language":"JAVA","opaque":"#);
    } else {
        output.extend_from_slice(br#"{"code":"#);
        json::integer(output, head.code);
        if let Some(fields) = head.fields {
            output.extend_from_slice(br#","extFields":{"#);
            json::separated(output, fields, |output, (name, value)| {
                json::string(output, name);
                output.push(b':');
                json::string(output, value);
            });
            output.push(b'}');
        }
        output.extend_from_slice(br#","flag":"#);
        json::integer(output, head.flag);
        output.extend_from_slice(br#","language":"JAVA","opaque":"#);
    }
    json::integer(output, head.opaque);
    if let Some(remark) = head.remark {
        output.extend_from_slice(br#","remark":"#);
        json::string_of(output, remark);
    }
    output.extend_from_slice(br#","serializeTypeCurrentRPC":"JSON","version":513}"#);
}

fn write_binary_header(output: &mut Vec<u8>, head: &Head<'_>) {
    const LANGUAGE_JAVA: u8 = 0;
    output.extend_from_slice(&short(head.code));
    output.push(LANGUAGE_JAVA);
    output.extend_from_slice(&VERSION.to_be_bytes());
    output.extend_from_slice(&head.opaque.to_be_bytes());
    output.extend_from_slice(&head.flag.to_be_bytes());
    let remark = head.remark.unwrap_or_default();
    let remark_bytes: usize = remark.iter().map(|text| text.len()).sum();
    output.extend_from_slice(&length(remark_bytes).to_be_bytes());
    remark.iter().for_each(|text| output.extend_from_slice(text.as_bytes()));
    let fields = head.fields.unwrap_or_default();
    let bytes: usize = fields.iter().map(|(name, value)| 2 + name.len() + 4 + value.len()).sum();
    output.extend_from_slice(&length(bytes).to_be_bytes());
    for (name, value) in fields {
        output.extend_from_slice(&short(name.len()));
        output.extend_from_slice(name.as_bytes());
        output.extend_from_slice(&length(value.len()).to_be_bytes());
        output.extend_from_slice(value.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_of_more_than_16_mebibytes_has_the_lower_bits_of_its_length() {
        let topic = "T".repeat(0x0100_0000);
        for (form, overhead) in [(Serialization::Json, 108), (Serialization::Binary, 21)] {
            let mut frame = Vec::new();
            write_frame(&mut frame, form, &Head::failure(17, 1, &[&topic]), |_| ());
            assert_eq!(frame[..4], ((topic.len() + overhead + 4) as u32).to_be_bytes());
            assert_eq!(frame[5..8], [0, 0, overhead as u8]);
        }
    }
}
