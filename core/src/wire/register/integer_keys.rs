//! Adds quotes to the integer keys that Java writes without quotes in some maps.
//!
//! Everywhere else an unquoted name stays malformed, as in standard JSON.

use alloc::borrow::Cow;
use alloc::string::String;
use core::ops::Range;
use memchr::memmem;

/// Members whose values are maps with integers as keys (Java: `TopicQueueMappingInfo`, `TopicQueueMappingDetail`).
const INTEGER_MAPS: [&str; 2] = ["\"currIdMap\"", "\"hostedQueues\""];

/// Quotes the integer keys of the maps that a broker registers. Borrows the text if there are none.
pub(super) fn quote(json: Cow<'_, str>) -> Cow<'_, str> {
    quote_integer_keys(json, &INTEGER_MAPS)
}

/// Quotes the integer keys of the objects that are the values of these members. Borrows the text if there are none.
/// `members` include their quotes.
///
/// ```
/// use namesrv_core::wire::register::quote_integer_keys;
///
/// let body = r#"{"brokerAddrs":{0:"10.0.0.1:10911"}}"#;
/// let quoted = quote_integer_keys(body.into(), &["\"brokerAddrs\""]);
/// assert_eq!(quoted, r#"{"brokerAddrs":{"0":"10.0.0.1:10911"}}"#);
/// ```
#[must_use]
pub fn quote_integer_keys<'a>(json: Cow<'a, str>, members: &[&str]) -> Cow<'a, str> {
    members.iter().fold(json, |json, name| match quote_in_maps(&json, name) {
        Some(quoted) => Cow::Owned(quoted),
        None => json,
    })
}

fn quote_in_maps(json: &str, name: &str) -> Option<String> {
    let finder = memmem::Finder::new(name);
    let mut quoted = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = finder.find(json.as_bytes().get(at..)?) {
        at += found + name.len();
        let Some(inside) = after_opening_brace(json, at) else { continue };
        at = visit_integer_keys(json, inside, |key| {
            quoted.push_str(json.get(copied..key.start).unwrap_or_default());
            quoted.push('"');
            quoted.push_str(json.get(key.clone()).unwrap_or_default());
            quoted.push('"');
            copied = key.end;
        });
    }
    (copied > 0).then(|| {
        quoted.push_str(json.get(copied..).unwrap_or_default());
        quoted
    })
}

/// Returns where the content begins of the object that is the value of the member whose name ends at `at`.
fn after_opening_brace(json: &str, at: usize) -> Option<usize> {
    let blank = [' ', '\t', '\n', '\r'];
    let value = json.get(at..)?.trim_start_matches(blank).strip_prefix(':')?;
    let content = value.trim_start_matches(blank).strip_prefix('{')?;
    Some(json.len() - content.len())
}

/// Calls `visit` for each unquoted integer key, and returns where the object ends. Leaves malformed text to the reader.
fn visit_integer_keys(json: &str, inside: usize, mut visit: impl FnMut(Range<usize>)) -> usize {
    let bytes = json.as_bytes();
    let mut depth = 1;
    let mut key_expected = true;
    let mut at = inside;
    while let Some(byte) = bytes.get(at) {
        let start = at;
        at += 1;
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => continue,
            b'"' => at = after_string(bytes, at),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b'-' | b'0'..=b'9' if key_expected => {
                at += bytes.get(at..).map_or(0, |rest| rest.iter().take_while(|byte| byte.is_ascii_digit()).count());
                visit(start..at);
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
        key_expected = *byte == b',' && depth == 1;
    }
    at
}

/// Returns the position after the closing quote of a string whose content begins at `at`.
fn after_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => break,
            b'\\' => at += 1,
            _ => {}
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn quotes_integer_keys_of_the_two_maps() {
        for (json, expected) in [
            (r#"{"currIdMap":{0:0,2:1}}"#, r#"{"currIdMap":{"0":0,"2":1}}"#),
            (r#"{"currIdMap" : { -1 : 0 , 17:1 } }"#, r#"{"currIdMap" : { "-1" : 0 , "17":1 } }"#),
            (r#"[{"currIdMap":{0:0}},{"currIdMap":{1:1}}]"#, r#"[{"currIdMap":{"0":0}},{"currIdMap":{"1":1}}]"#),
            (r#"{"currIdMap":{"0":0,1:1}}"#, r#"{"currIdMap":{"0":0,"1":1}}"#),
            (r#"{"currIdMap":{"0,1":0,2:2}}"#, r#"{"currIdMap":{"0,1":0,"2":2}}"#),
            (
                r#"{"hostedQueues":{0:[{"gen":0,"a":[1,2]},{"b":"},3:\"{"}],1:[]},"currIdMap":{0:0}}"#,
                r#"{"hostedQueues":{"0":[{"gen":0,"a":[1,2]},{"b":"},3:\"{"}],"1":[]},"currIdMap":{"0":0}}"#,
            ),
        ] {
            assert_eq!(quote(Cow::Borrowed(json)), expected);
        }
    }

    #[test]
    fn borrows_and_leaves_alone_everything_else() {
        for json in [
            "",
            r#"{"brokerAddrs":{0:"a"}}"#,
            r#"{"currIdMap":{}}"#,
            r#"{"currIdMap":null,"x":[1,2]}"#,
            r#"{"currIdMap":{"0":0,"1":[1,2]}}"#,
            r#"{"currIdMap":{a:0}}"#,
            r#"{"currIdMap":[1,2]}"#,
            r#"{"topic":"currIdMap","x":{1:2}}"#,
            r#"{"x":"{\"currIdMap\":{0:0}}"}"#,
            r#"{"currIdMap":{"#,
            r#"{"currIdMap":{"0"#,
            r#"{"currIdMap""#,
        ] {
            assert!(matches!(quote(Cow::Borrowed(json)), Cow::Borrowed(_)), "{json}");
        }
    }

    #[test]
    fn takes_no_longer_than_the_text() {
        let unclosed = r#""currIdMap":{"#.repeat(200_000);
        assert_eq!(quote(Cow::Borrowed(&unclosed)), unclosed);
        let maps = r#"{"currIdMap":{0:0}},"#.repeat(200_000);
        assert_eq!(quote(Cow::Borrowed(&maps)).len(), maps.len() + 400_000);
        let nested = format!("{{\"currIdMap\":{{0:{}", "{".repeat(1_000_000));
        assert_eq!(quote(Cow::Borrowed(&nested)).len(), nested.len() + 2);
    }
}
