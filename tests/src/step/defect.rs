//! What can be wrong with a request: a field, a member of its header, letters in its header or its body.

use crate::answer::Parts;
use crate::request::{Request, frame};
use std::fmt;

/// Something wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Defect {
    /// An extension field has another value, or is left out.
    Field {
        /// Its name.
        name: &'static str,
        /// Its value; `None` when it is left out.
        value: Option<&'static str>,
    },
    /// A member of a JSON header has another value, as JSON text, or is left out.
    Member {
        /// Its name.
        name: &'static str,
        /// JSON text; `None` when it is left out.
        value: Option<&'static str>,
    },
    /// Bytes are put into the header.
    Header {
        /// Where, in 65536ths of its length from its beginning.
        place: u16,
        /// Which.
        bytes: &'static [u8],
    },
    /// Bytes are put into the body, or the body ends there when there are none. A registration keeps what comes before
    /// its topics, and its checksum is not checked.
    Body {
        /// Where, in 65536ths of its length from its beginning.
        place: u16,
        /// Which.
        bytes: &'static [u8],
    },
}

/// Bytes of a binary header that stay as they are: code, language, version, correlation number and flag.
const FIXED_BINARY_BYTES: usize = 13;

impl Defect {
    /// A registration whose checksum is wrong, as good as always.
    pub const WRONG_CHECKSUM: Self = Self::Field { name: "bodyCrc32", value: Some("1") };

    /// What is done to the request before it is a frame.
    pub(crate) fn damage_request(&self, request: &mut Request) {
        match self {
            Self::Field { name, value } => {
                let fields = request.fields.get_or_insert_default();
                fields.retain(|(field, _)| field != name);
                fields.extend(value.map(|value| ((*name).to_owned(), value.to_owned())));
            }
            Self::Body { place, bytes } => {
                let topics = b"\"topicConfigTable\"";
                let from = request.body.windows(topics.len()).position(|window| window == topics).unwrap_or(0);
                let at = from + scaled(*place, request.body.len() - from);
                if bytes.is_empty() {
                    request.body.truncate(at);
                } else {
                    request.body.splice(at..at, bytes.iter().copied());
                }
                for (_, value) in request.fields.iter_mut().flatten().filter(|(name, _)| name == "bodyCrc32") {
                    "0".clone_into(value);
                }
            }
            Self::Member { .. } | Self::Header { .. } => {}
        }
    }

    /// What is done to the finished frame.
    pub(crate) fn damage_frame(&self, whole: &[u8]) -> Vec<u8> {
        let parts = Parts::split(whole).expect("a frame of our own");
        match self {
            Self::Field { .. } | Self::Body { .. } => whole.to_vec(),
            Self::Member { name, value } => {
                let header = String::from_utf8_lossy(parts.header);
                frame(parts.serialization, with_member(&header, name, *value).as_bytes(), parts.body)
            }
            Self::Header { place, bytes } => {
                let from = if parts.serialization == 1 { FIXED_BINARY_BYTES } else { 0 };
                let mut header = parts.header.to_vec();
                let at = from + scaled(*place, header.len() + 1 - from);
                header.splice(at..at, bytes.iter().copied());
                frame(parts.serialization, &header, parts.body)
            }
        }
    }
}

/// A place below `length`.
fn scaled(place: u16, length: usize) -> usize {
    (usize::from(place) * length) >> 16
}

/// A JSON header with another value for one of its members.
fn with_member(header: &str, name: &str, value: Option<&str>) -> String {
    let key = format!("\"{name}\":");
    let Some(start) = header.find(&key) else {
        return value.map_or_else(|| header.to_owned(), |value| header.replacen('{', &format!("{{{key}{value},"), 1));
    };
    let rest = &header[start + key.len()..];
    let end = if rest.starts_with('{') { rest.find('}').map(|end| end + 1) } else { rest.find([',', '}']) };
    let after = &rest[end.unwrap_or(rest.len())..];
    match value {
        Some(value) => format!("{}{key}{value}{after}", &header[..start]),
        None => format!("{}{}", &header[..start], after.strip_prefix(',').unwrap_or(after)).replace(",}", "}"),
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field { name, value: Some(value) } => write!(f, "field {name} is {value:?}"),
            Self::Field { name, value: None } => write!(f, "field {name} is missing"),
            Self::Member { name, value: Some(value) } => write!(f, "{name} of the header is {value}"),
            Self::Member { name, value: None } => write!(f, "{name} of the header is missing"),
            Self::Header { place, bytes } => {
                write!(f, "{} in the header, at {place}/65536", bytes.escape_ascii())
            }
            Self::Body { place, bytes: [] } => write!(f, "the body ends at {place}/65536"),
            Self::Body { place, bytes } => write!(f, "{} in the body, at {place}/65536", bytes.escape_ascii()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header_of(defect: &Defect) -> String {
        let whole = defect.damage_frame(&Request::new(105).field("topic", "T").encode());
        String::from_utf8(Parts::split(&whole).unwrap().header.to_vec()).unwrap()
    }

    #[test]
    fn members_of_a_header_are_replaced_and_left_out() {
        let start = r#"{"code":105,"extFields":{"topic":"T"},"flag":0,"language":"JAVA""#;
        assert!(header_of(&Defect::Member { name: "remark", value: None }).starts_with(start));
        let code = header_of(&Defect::Member { name: "code", value: Some("1e2") });
        assert!(code.starts_with(r#"{"code":1e2,"extFields""#), "{code}");
        let fields = header_of(&Defect::Member { name: "extFields", value: Some("null") });
        assert!(fields.starts_with(r#"{"code":105,"extFields":null,"flag":0"#), "{fields}");
        let version = header_of(&Defect::Member { name: "version", value: None });
        assert!(version.ends_with(r#""serializeTypeCurrentRPC":"JSON"}"#), "{version}");
    }

    #[test]
    fn letters_are_put_anywhere() {
        let at = |place| header_of(&Defect::Header { place, bytes: b"%" });
        assert!(at(0).starts_with('%') && at(u16::MAX).ends_with('%'));
        let mut request = Request::new(318).body("a=1");
        Defect::Body { place: 30_000, bytes: b"" }.damage_request(&mut request);
        assert_eq!(request.body, b"a");
    }
}
