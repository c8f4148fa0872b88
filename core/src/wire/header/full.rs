//! The full reader of JSON headers: standard JSON, with the conversions that Java makes.

use crate::wire::error::{FrameError, JsonError};
use crate::wire::fields::ExtFields;
use crate::wire::json::Integer;
use crate::wire::json::read::{self as json, Fill, Object, skip};
use crate::wire::request::Request;
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Ordinal of the last language, NODE_JS.
const LANGUAGE_MAX: u64 = 13;
/// Ordinal of the last serialization type, ROCKETMQ.
const SERIALIZE_TYPE_MAX: u64 = 1;

/// Reads a header; leaves the body empty.
///
/// # Errors
/// Anything but one JSON object with convertible members, or more extension fields than the limit.
#[cold]
#[inline(never)]
pub(super) fn read(header: &[u8], fields_max: usize) -> Result<Request<'static>, FrameError> {
    read_json(header, fields_max).map_err(FrameError::JsonHeader)
}

fn read_json(header: &[u8], fields_max: usize) -> Result<Request<'static>, JsonError> {
    let text = json::text(header)?;
    let header = Header { request: Request::empty(), fields_max };
    Ok(json::read_object(&text, header)?.ok_or(JsonError::Null)?.request)
}

struct Header {
    request: Request<'static>,
    fields_max: usize,
}

impl<'de> Object<'de> for Header {
    fn member<A: MapAccess<'de>>(&mut self, name: Cow<'de, str>, members: &mut A) -> Result<(), A::Error> {
        let request = &mut self.request;
        match &*name {
            "code" => Integer(request.code) = members.next_value()?,
            "opaque" => Integer(request.opaque) = members.next_value()?,
            "flag" => Integer(request.flag) = members.next_value()?,
            "version" => Integer(request.version) = members.next_value()?,
            "language" => _ = members.next_value::<Ordinal<LANGUAGE_MAX>>()?,
            "serializeTypeCurrentRPC" => _ = members.next_value::<Ordinal<SERIALIZE_TYPE_MAX>>()?,
            "extFields" => {
                let fields = Fields { entries: Vec::new(), read: 0, max: self.fields_max };
                request.fields = match members.next_value_seed(Fill(fields))? {
                    Some(fields) => ExtFields::Owned(fields.entries),
                    None => ExtFields::None,
                };
            }
            _ => skip(members)?,
        }
        Ok(())
    }
}

/// A constant of a Java enum, by name or number. Only the range of the number is checked.
struct Ordinal<const MAX: u64>;

impl<'de, const MAX: u64> Deserialize<'de> for Ordinal<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<const MAX: u64> Visitor<'_> for Ordinal<MAX> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a name, null or a number up to {MAX}")
    }

    fn visit_unit<E: Error>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E: Error>(self, ordinal: u64) -> Result<Self, E> {
        if ordinal > MAX {
            return Err(E::custom("the number of a constant is out of range"));
        }
        Ok(self)
    }
}

/// Extension fields, with values of every type converted to text.
struct Fields {
    entries: Vec<(String, String)>,
    /// Members read so far, including those without effect.
    read: usize,
    max: usize,
}

impl<'de> Object<'de> for Fields {
    fn member<A: MapAccess<'de>>(&mut self, name: Cow<'de, str>, members: &mut A) -> Result<(), A::Error> {
        if self.read == self.max {
            return Err(A::Error::custom(FrameError::TooManyFields { max: self.max }));
        }
        self.read += 1;
        if name == json::REFERENCE {
            return skip(members);
        }
        match value_text(members.next_value()?).map_err(A::Error::custom)? {
            Some(value) => self.entries.push((name.into_owned(), value)),
            // A null erases an earlier value.
            None => self.entries.retain(|(entry, _)| *entry != name),
        }
        Ok(())
    }
}

/// Returns a value as Java converts it to a string; `None` for `null`.
fn value_text(value: &RawValue) -> Result<Option<String>, serde_json::Error> {
    let json = value.get();
    Ok(match json.as_bytes().first() {
        Some(b'"') => Some(serde_json::from_str(json)?),
        Some(b'[') => return Ok(list_text(json)),
        Some(b'{') => Some(compact(json)),
        Some(b'n') => None,
        Some(b't' | b'f') | None => Some(json.into()),
        Some(_) => Some(number_text(json)),
    })
}

/// A list of one string counts as the string, and a list of one `null` as no value.
fn list_text(json: &str) -> Option<String> {
    match serde_json::from_str::<[&RawValue; 1]>(json).map(|[only]| only.get()) {
        Ok("null") => None,
        Ok(text) if text.starts_with('"') => serde_json::from_str(text).ok(),
        Ok(_) | Err(_) => Some(compact(json)),
    }
}

/// Removes the white space between the tokens of JSON.
fn compact(json: &str) -> String {
    let mut inside_string = false;
    let mut escaped = false;
    let keep = |character: &char| {
        if inside_string {
            inside_string = escaped || *character != '"';
            escaped = !escaped && *character == '\\';
            return true;
        }
        inside_string = *character == '"';
        !matches!(character, ' ' | '\t' | '\n' | '\r')
    };
    json.chars().filter(keep).collect()
}

/// A number keeps its text, except that zero loses its sign and a number with an exponent prints as a Java `double`.
fn number_text(json: &str) -> String {
    match json.parse::<f64>() {
        Ok(number) if json.contains(['e', 'E']) => double_text(if number == 0.0 { 0.0 } else { number }),
        Ok(0.0) => json.trim_start_matches('-').into(),
        Ok(_) | Err(_) => json.into(),
    }
}

/// Java's `Double.toString`.
fn double_text(number: f64) -> String {
    let magnitude = number.abs();
    if magnitude == 0.0 || (1e-3..1e7).contains(&magnitude) {
        return alloc::format!("{number:?}");
    }
    if magnitude.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.into();
    }
    let scientific = alloc::format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let point = if digits.contains('.') { "" } else { ".0" };
    alloc::format!("{digits}{point}E{exponent}")
}
