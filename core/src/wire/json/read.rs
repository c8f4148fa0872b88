//! JSON from peers: a standard reader, with the type conversions that peers of a Java server may rely on.
//!
//! Reads objects member by member: skips unknown members, and of a repeated member the last one counts.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::Utf8Error;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The only member of a fastjson 1 reference to another place in the document.
pub(in crate::wire) const REFERENCE: &str = "$ref";

/// Returns JSON bytes as text in which every escape stands for a character.
///
/// Java strings may hold unpaired surrogates, which Java encodes in UTF-8 as `?`. A Rust string cannot hold them, so
/// this turns them into `?`.
///
/// # Errors
/// Invalid UTF-8.
pub(in crate::wire) fn text(json: &[u8]) -> Result<Cow<'_, str>, Utf8Error> {
    let text = str::from_utf8(json)?;
    Ok(if json.contains(&b'\\') { replace_unpaired_surrogates(text) } else { Cow::Borrowed(text) })
}

fn replace_unpaired_surrogates(text: &str) -> Cow<'_, str> {
    let mut replaced = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = text.as_bytes().get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'\\')) {
        at += found;
        at += match (escaped_unit(text, at), escaped_unit(text, at + 6)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => 12,
            (Some(0xd800..0xe000), _) => {
                replaced.push_str(text.get(copied..at).unwrap_or_default());
                replaced.push('?');
                copied = at + 6;
                6
            }
            // Whatever is escaped here, it cannot begin another escape.
            _ => 2,
        };
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    replaced.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(replaced)
}

/// Reads the UTF-16 unit of the `\uXXXX` escape at `at`.
fn escaped_unit(text: &str, at: usize) -> Option<u16> {
    let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}

/// A type that is filled from a JSON object.
pub(in crate::wire) trait Object<'de>: Sized {
    /// Takes the value of the member `name` from `members`. Use [`skip`] for a member that does not matter.
    fn member<A: MapAccess<'de>>(&mut self, name: Cow<'de, str>, members: &mut A) -> Result<(), A::Error>;
}

/// Skips the value of one member. Never recurses, however deeply the value is nested.
pub(in crate::wire) fn skip<'de, A: MapAccess<'de>>(members: &mut A) -> Result<(), A::Error> {
    members.next_value::<IgnoredAny>().map(drop)
}

/// Fills the given value from an object. `null` gives `None`.
#[derive(Clone, Copy, Debug)]
pub(in crate::wire) struct Fill<T>(pub(in crate::wire) T);

impl<'de, T: Object<'de>> DeserializeSeed<'de> for Fill<T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Object<'de>> Visitor<'de> for Fill<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Self::Value, A::Error> {
        while let Some(Name(name)) = members.next_key()? {
            self.0.member(name, &mut members)?;
        }
        Ok(Some(self.0))
    }
}

/// Reads a whole text as one object. Returns `None` for `null`.
///
/// # Errors
/// Any other value, or text behind the object.
pub(in crate::wire) fn read_object<'de, T: Object<'de>>(
    json: &'de str,
    target: T,
) -> Result<Option<T>, serde_json::Error> {
    read(json, Fill(target))
}

/// Reads a whole text.
///
/// # Errors
/// A value that `seed` refuses, or text behind the value.
pub(in crate::wire) fn read<'de, S: DeserializeSeed<'de>>(
    json: &'de str,
    seed: S,
) -> Result<S::Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let value = seed.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Skips a fastjson reference, `{"$ref":"…"}`, in place of a text or a list. It stands for nothing.
fn skip_reference<'de, A: MapAccess<'de>>(mut members: A) -> Result<(), A::Error> {
    while let Some(Name(name)) = members.next_key()? {
        if name != REFERENCE {
            return Err(A::Error::custom("an object stands where a text or a list belongs"));
        }
        skip(&mut members)?;
    }
    Ok(())
}

/// A list with a limit on its elements. `null` reads as `None`.
pub(in crate::wire) struct List<S> {
    pub(in crate::wire) element: S,
    pub(in crate::wire) max: usize,
}

impl<'de, S: DeserializeSeed<'de> + Clone> DeserializeSeed<'de> for List<S> {
    type Value = Option<Vec<S::Value>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, S: DeserializeSeed<'de> + Clone> Visitor<'de> for List<S> {
    type Value = Option<Vec<S::Value>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        skip_reference(members).map(|()| Some(Vec::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element_seed(self.element.clone())? {
            if list.len() == self.max {
                return Err(too_many(self.max, "elements of a list"));
            }
            list.push(element);
        }
        Ok(Some(list))
    }
}

/// The error of a list or map that exceeds a limit of the server.
pub(in crate::wire) fn too_many<E: Error>(max: usize, what: &str) -> E {
    E::custom(format_args!("more than {max} {what}"))
}

/// Text, borrowed unless it has escapes. Other scalars become text; `null` reads as `None`.
#[derive(Clone, Debug)]
pub(in crate::wire) struct Text<'a>(pub(in crate::wire) Option<Cow<'a, str>>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Some(Cow::Borrowed(text))))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Some(Cow::Owned(text.into()))))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Text(None))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        self.visit_str(if value { "true" } else { "false" })
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        self.visit_str(&alloc::format!("{number:?}"))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        skip_reference(members).map(|()| Text(None))
    }
}

/// A boolean, or one written as text or number; `null` is false.
pub(in crate::wire) struct Flag(pub(in crate::wire) bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FlagVisitor)
    }
}

struct FlagVisitor;

impl Visitor<'_> for FlagVisitor {
    type Value = Flag;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a boolean")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Flag(value))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Flag(false))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Flag(number == 1))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Flag(text.eq_ignore_ascii_case("true")))
    }
}

/// The name of a member, borrowed unless it has escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member name")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(text.into())))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpaired_surrogates_become_question_marks() {
        for (json, expected) in [
            (r#""\ud83d""#, r#""?""#),
            (r#""\uDE00""#, r#""?""#),
            (r#""a\ud83db""#, r#""a?b""#),
            (r#""\ud83d\ud83d\ude00""#, r#""?\ud83d\ude00""#),
            (r#""\ude00\ud83d""#, r#""??""#),
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""\\ud83d""#, r#""\\ud83d""#),
            (r#""\\\ud83d""#, r#""\\?""#),
            (r#""\ud83""#, r#""\ud83""#),
            (r#""\ud83é""#, r#""\ud83é""#),
            (r#""\"#, r#""\"#),
            (r#""\é""#, r#""\é""#),
            (r#""\u00e9\n""#, r#""\u00e9\n""#),
        ] {
            assert_eq!(text(json.as_bytes()).unwrap(), expected, "{json}");
        }
        assert!(matches!(text(b"\"plain\\n\"").unwrap(), Cow::Borrowed(_)));
        assert!(text(b"\"\xed\xa0\x80\"").is_err());
    }

    #[test]
    fn text_is_read_from_any_scalar() {
        for (json, expected) in [
            ("\"a\"", Some("a")),
            (r#""\u0061""#, Some("a")),
            ("18446744073709551615", Some("18446744073709551615")),
            ("-5", Some("-5")),
            ("5.5", Some("5.5")),
            ("true", Some("true")),
            ("false", Some("false")),
            ("null", None),
            (r#"{"$ref":"$"}"#, None),
        ] {
            let text: Text<'_> = serde_json::from_str(json).unwrap();
            assert_eq!(text.0.as_deref(), expected, "{json}");
        }
        for malformed in ["[]", r#"{"a":"b"}"#, r#"{"$ref":"$","a":"b"}"#] {
            assert!(serde_json::from_str::<Text<'_>>(malformed).is_err(), "{malformed}");
        }
    }

    #[test]
    fn flags_are_read_from_text_and_numbers_too() {
        for (json, expected) in [
            ("true", true),
            ("false", false),
            ("null", false),
            ("\"True\"", true),
            ("\"yes\"", false),
            ("\"1\"", false),
            ("1", true),
            ("0", false),
            ("2", false),
        ] {
            assert_eq!(serde_json::from_str::<Flag>(json).unwrap().0, expected, "{json}");
        }
        for malformed in ["-1", "1.0", "[]", "{}"] {
            assert!(serde_json::from_str::<Flag>(malformed).is_err(), "{malformed}");
        }
    }

    struct Nothing;

    impl<'de> Object<'de> for Nothing {
        fn member<A: MapAccess<'de>>(&mut self, _: Cow<'de, str>, members: &mut A) -> Result<(), A::Error> {
            skip(members)
        }
    }

    #[test]
    fn nesting_costs_no_stack() {
        let depth = 1_000_000;
        let json = alloc::format!("{{\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(read_object(&json, Nothing).unwrap().is_some());
        assert!(read_object(&"[".repeat(depth), Nothing).is_err());
        assert!(read_object(&"{\"x\":".repeat(depth), Nothing).is_err());
    }

    #[test]
    fn an_object_is_read_to_its_end() {
        assert!(read_object("null", Nothing).unwrap().is_none());
        assert!(read_object(" {} \r\n\t", Nothing).unwrap().is_some());
        for malformed in [
            "",
            " ",
            "[]",
            "5",
            "{}x",
            "{}{}",
            "{",
            "{\"a\"}",
            "{a:1}",
            "{\"a\":1,}",
            "{\"a\":1,,}",
            "\u{feff}{}",
            "{}\0",
        ] {
            assert!(read_object(malformed, Nothing).is_err(), "{malformed}");
        }
    }
}
