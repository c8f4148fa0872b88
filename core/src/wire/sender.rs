//! What a header says about the program that sent it.

use super::frame::RawFrame;
use super::release::Release;
use crate::serialization::Serialization;

/// The program that sent a request, in its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The language of its client; `None` if even Java does not know it.
    pub language: Option<&'static str>,
    /// Its release.
    pub release: Release,
}

/// Languages by their number in binary headers.
const LANGUAGES: [&str; 14] = [
    "JAVA", "CPP", "DOTNET", "PYTHON", "DELPHI", "ERLANG", "RUBY", "OTHER", "HTTP", "GO", "PHP", "OMS", "RUST",
    "NODE_JS",
];

impl Sender {
    /// Reads the language from a decoded header. Nothing depends on it except what operators see, so it is searched for
    /// and not parsed.
    #[cold]
    pub(crate) fn of(frame: RawFrame<'_>, version: i32) -> Self {
        let language = match frame.serialization {
            Serialization::Binary => frame.header.get(2).and_then(|code| LANGUAGES.get(usize::from(*code))).copied(),
            Serialization::Json => json_language(frame.header),
        };
        Self { language, release: Release(version) }
    }
}

fn json_language(header: &[u8]) -> Option<&'static str> {
    const NAME: &[u8] = b"\"language\"";
    let at = header.windows(NAME.len()).position(|window| window == NAME)?;
    let value = header.get(at + NAME.len()..)?.trim_ascii_start().strip_prefix(b":")?;
    let value = value.trim_ascii_start().strip_prefix(b"\"")?;
    let end = value.iter().position(|byte| *byte == b'"')?;
    LANGUAGES.into_iter().find(|language| language.as_bytes() == &value[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_headers_tell_the_language() {
        let language =
            |serialization, header: &[u8]| Sender::of(RawFrame { serialization, header, body: b"" }, 513).language;
        let json = |header: &str| language(Serialization::Json, header.as_bytes());
        assert_eq!(json(r#"{"code":105,"flag":0,"language":"GO","opaque":7}"#), Some("GO"));
        assert_eq!(json("{\"code\": 105, \"language\" :\n \"GO\"}"), Some("GO"), "with white space");
        assert_eq!(json(r#"{"code":105,"language":"COBOL"}"#), None);
        assert_eq!(json(r#"{"code":105,"language":"GO"#), None);
        assert_eq!(json("{}"), None);
        assert_eq!(language(Serialization::Binary, &[0, 105, 12, 2, 1]), Some("RUST"));
        assert_eq!(language(Serialization::Binary, &[0, 105, 99]), None);
        assert_eq!(language(Serialization::Binary, &[]), None);
    }
}
