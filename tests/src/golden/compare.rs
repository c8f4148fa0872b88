//! Whether two answers are the same: byte for byte, or equal but for what Java itself does not keep stable.

use crate::answer::Parts;
use crate::plain_json::{Json, bare};
use serde_json::Value;

/// How near an answer comes to the expected one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// Every byte.
    Identical,
    /// Every byte but the order of what Java keeps in hash tables.
    UpToOrder,
    /// Every byte but the text of an exception, which depends on the Java release.
    OwnWords,
    /// Every byte but the lines of GET_NAMESRV_CONFIG that show paths and ports.
    OwnPaths,
    /// Something else.
    Different,
}

/// Lists whose order is that of a Java hash table (a list of topics, of broker groups, of queue entries).
const UNORDERED_LISTS: [&str; 3] = ["topicList", "brokerDatas", "queueDatas"];

/// Maps whose values are such lists.
const MAPS_OF_UNORDERED_LISTS: [&str; 1] = ["clusterAddrTable"];

/// Maps whose order is that of a Java hash table, in the plain dialect only.
const MAPS: [&str; 7] = [
    "brokerAddrs",
    "brokerAddrTable",
    "clusterAddrTable",
    "filterServerTable",
    "topicQueueMappingByBroker",
    "currIdMap",
    "table",
];

/// Compares the answer `got` with the expected one to `request`; `own_keys` are left out of configuration listings.
pub fn compare(request: &[u8], expected: &[u8], got: &[u8], own_keys: &[&str]) -> Likeness {
    if expected == got {
        return Likeness::Identical;
    }
    let (Ok(expected), Ok(got)) = (Parts::split(expected), Parts::split(got)) else { return Likeness::Different };
    if expected.serialization != got.serialization {
        return Likeness::Different;
    }
    if expected.header != got.header {
        let same = is_exception(expected) && same_but_remark(expected, got) && expected.body == got.body;
        return if same { Likeness::OwnWords } else { Likeness::Different };
    }
    let (Ok(wanted), Ok(found)) = (str::from_utf8(expected.body), str::from_utf8(got.body)) else {
        return Likeness::Different;
    };
    if code_of(request) == Some(319) {
        let same = without_keys(wanted, own_keys) == without_keys(found, own_keys);
        return if same { Likeness::OwnPaths } else { Likeness::Different };
    }
    let plain = !is_compatible(request);
    let unordered = |text: &str| Json::parse(text).ok().map(|body| ordered("", body, plain));
    let wanted = unordered(wanted);
    if wanted.is_some() && wanted == unordered(found) { Likeness::UpToOrder } else { Likeness::Different }
}

/// Whether this is code 1 with a remark that is not empty, whatever it says.
pub fn is_error(answer: &[u8]) -> bool {
    let header = |parts: Parts<'_>| serde_json::from_slice::<Value>(parts.header).ok();
    Parts::split(answer)
        .ok()
        .and_then(header)
        .is_some_and(|header| header["code"] == 1 && header["remark"].as_str().is_some_and(|remark| !remark.is_empty()))
}

/// Two requests that are the same but for their correlation number, which is the server's own.
pub fn same_push(expected: &[u8], got: &[u8]) -> bool {
    let without_opaque = |frame: &[u8]| {
        let parts = Parts::split(frame).ok()?;
        let text = str::from_utf8(parts.header).ok()?;
        let (before, rest) = text.split_once("\"opaque\":")?;
        let after = rest.trim_start_matches(|digit: char| digit == '-' || digit.is_ascii_digit());
        Some((before.to_owned(), after.to_owned(), parts.body.to_vec()))
    };
    without_opaque(expected).is_some() && without_opaque(expected) == without_opaque(got)
}

/// An answer of Java that carries the text of an exception.
fn is_exception(answer: Parts<'_>) -> bool {
    const PACKAGES: [&str; 3] = ["java.lang.", "com.alibaba.fastjson2.", "org.apache.rocketmq.remoting.exception."];
    serde_json::from_slice::<Value>(answer.header).is_ok_and(|header| {
        let remark = header["remark"].as_str().unwrap_or_default();
        header["code"] == 1 && PACKAGES.iter().any(|package| remark.starts_with(package))
    })
}

/// Whether two JSON headers differ in the text of the remark only, and both have one.
fn same_but_remark(expected: Parts<'_>, got: Parts<'_>) -> bool {
    let without_remark = |parts: Parts<'_>| {
        let mut header: Value = serde_json::from_slice(parts.header).ok()?;
        let remark = header.as_object_mut()?.remove("remark")?;
        remark.as_str().filter(|remark| !remark.is_empty())?;
        Some(header)
    };
    without_remark(expected).is_some() && without_remark(expected) == without_remark(got)
}

fn without_keys(listing: &str, keys: &[&str]) -> Vec<String> {
    let is_own = |line: &&str| keys.iter().any(|key| line.split_once('=').is_some_and(|(name, _)| name == *key));
    listing.split('\n').filter(|line| !is_own(line)).map(str::to_owned).collect()
}

/// The same value with everything sorted that has no order of its own. `key` is the member that it stands in.
fn ordered(key: &str, value: Json, plain: bool) -> Json {
    match value {
        Json::List(elements) => {
            let mut elements: Vec<_> = elements.into_iter().map(|one| ordered("", one, plain)).collect();
            if UNORDERED_LISTS.contains(&key) {
                elements.sort();
            }
            Json::List(elements)
        }
        Json::Object(members) => {
            let of_lists = MAPS_OF_UNORDERED_LISTS.contains(&key);
            let name = |member: &str| if of_lists { UNORDERED_LISTS[0].to_owned() } else { bare(member).to_owned() };
            let member = |(member, value): (String, Json)| {
                let value = ordered(&name(&member), value, plain);
                (member, value)
            };
            let mut members: Vec<_> = members.into_iter().map(member).collect();
            if plain && MAPS.contains(&key) {
                members.sort();
            }
            Json::Object(members)
        }
        scalar @ (Json::Bare(_) | Json::Text(_)) => scalar,
    }
}

fn header_of(request: &[u8]) -> Option<crate::answer::Answer> {
    crate::answer::Answer::decode(request).ok()
}

fn code_of(request: &[u8]) -> Option<i32> {
    header_of(request).map(|header| header.code)
}

/// Whether the answer to this request comes in the dialect that sorts its maps.
fn is_compatible(request: &[u8]) -> bool {
    header_of(request).is_some_and(|header| {
        let is_true = |name| header.field(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let zoned = is_true("__ZONE_MODE") && header.field("__ZONE_NAME").is_some_and(|zone| !zone.trim().is_empty());
        header.code == 105 && (header.version >= 401 || is_true("acceptStandardJsonOnly")) && !zoned
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Request, frame};

    fn body(text: &str) -> Vec<u8> {
        frame(0, b"{\"code\":0}", text.as_bytes())
    }

    fn like(request: &Request, expected: &str, got: &str) -> Likeness {
        compare(&request.encode(), &body(expected), &body(got), &[])
    }

    #[test]
    fn hash_order_is_forgiven_only_where_java_has_it() {
        let plain = Request::new(105).version(400);
        let compatible = Request::new(105).version(513);
        let (one, other) = (r#"{"brokerDatas":[{"b":1},{"a":1}]}"#, r#"{"brokerDatas":[{"a":1},{"b":1}]}"#);
        assert_eq!(like(&compatible, one, other), Likeness::UpToOrder);
        let (one, other) = (r#"{"brokerAddrs":{0:"a",1:"b"}}"#, r#"{"brokerAddrs":{1:"b",0:"a"}}"#);
        assert_eq!(like(&plain, one, other), Likeness::UpToOrder);
        assert_eq!(like(&compatible, one, other), Likeness::Different);
        let (one, other) = (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#);
        assert_eq!(like(&plain, one, other), Likeness::Different);
        let (one, other) = (r#"{"x":[1,2]}"#, r#"{"x":[2,1]}"#);
        assert_eq!(like(&plain, one, other), Likeness::Different);
        let (one, other) = (r#"{"clusterAddrTable":{"c":["a","b"]}}"#, r#"{"clusterAddrTable":{"c":["b","a"]}}"#);
        assert_eq!(like(&Request::new(106), one, other), Likeness::UpToOrder);
    }

    #[test]
    fn only_the_text_of_an_exception_may_differ() {
        let answer = |remark: &str| frame(0, format!(r#"{{"code":1,"remark":"{remark}"}}"#).as_bytes(), b"");
        let request = Request::new(103).encode();
        let like = |expected: &str, got: &str| compare(&request, &answer(expected), &answer(got), &[]);
        assert_eq!(like("java.lang.NullPointerException", "no broker name"), Likeness::OwnWords);
        assert_eq!(like("java.lang.NullPointerException", ""), Likeness::Different);
        assert_eq!(like("crc32 not match", "wrong checksum"), Likeness::Different);
    }

    #[test]
    fn own_keys_of_a_listing_may_differ() {
        let listing = |port: &str| frame(0, b"{}", format!("a=1\nlistenPort={port}\n").as_bytes());
        let request = Request::new(319).encode();
        assert_eq!(compare(&request, &listing("1"), &listing("2"), &["listenPort"]), Likeness::OwnPaths);
        assert_eq!(compare(&request, &listing("1"), &listing("2"), &[]), Likeness::Different);
    }
}
