//! Headers in both forms.

use super::limits::limits;
use crate::answer::Answer;
use crate::request::frame;
use namesrv_core::wire::{ExtFields, FrameError, RawFrame, Request, Serialization};
use std::collections::BTreeMap;

/// The short path for headers of real peers reads what the full reader reads.
pub(super) fn json_header(data: &[u8]) {
    // The short path knows no white space, so the full reader has to take this one.
    let spaced = [b" ", data].concat();
    match (decode(Serialization::Json, data), decode(Serialization::Json, &spaced)) {
        (Ok(either), Ok(full)) => {
            assert!(!matches!(full.fields, ExtFields::Exact(_)));
            assert_eq!(members(&either), members(&full));
            let expected = entries(&full.fields);
            assert!(expected.len() <= limits().ext_fields_max);
            assert_eq!(entries(&either.fields), expected);
            check_lookups(&either.fields, &expected);
            check_lookups(&full.fields, &expected);
        }
        (Err(either), Err(full)) => {
            assert!(either.to_string().len() < 1000 && full.to_string().len() < 1000, "{either} {full}");
        }
        (either, full) => panic!("one path reads it, the other does not: {either:?} {full:?}"),
    }
}

/// A binary header is read as a plain reading of the layout has it.
pub(super) fn binary_header(data: &[u8]) {
    let fits = |plain: &Answer| plain.fields.iter().flatten().count() <= limits().ext_fields_max;
    match (decode(Serialization::Binary, data), Answer::decode(&frame(1, data, b"body")).ok().filter(fits)) {
        (Ok(request), Some(plain)) => {
            assert_eq!(members(&request), (plain.code, plain.opaque, plain.flag, plain.version));
            // The last of several with one name counts. Names are compared as bytes; one that is not UTF-8 cannot be
            // asked for.
            let named = plain.fields.into_iter().flatten().filter(|(name, _)| !name.contains('\u{fffd}'));
            for (name, value) in named.collect::<BTreeMap<_, _>>() {
                let expected = (!value.is_empty()).then_some(value.as_str());
                assert_eq!(request.fields.value(&name).as_deref(), expected, "{name}");
                assert_eq!(request.fields.values([&name])[0].as_deref(), expected.map(str::as_bytes), "{name}");
            }
        }
        (Err(_), None) => (),
        (request, plain) => panic!("read as {request:?}, should be {plain:?}"),
    }
}

fn decode(serialization: Serialization, header: &[u8]) -> Result<Request<'_>, FrameError> {
    Request::decode(RawFrame { serialization, header, body: b"body" }, &limits())
}

fn members(request: &Request<'_>) -> (i32, i32, i32, i32) {
    assert_eq!(request.body, b"body");
    (request.code, request.opaque, request.flag, request.version)
}

fn entries(fields: &ExtFields<'_>) -> BTreeMap<String, String> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("the short path reads ASCII");
    match fields {
        ExtFields::None => BTreeMap::new(),
        ExtFields::Exact(members) => members.map(|(name, value)| (text(name), text(value))).collect(),
        ExtFields::Owned(entries) => entries.iter().cloned().collect(),
        ExtFields::Binary(_) => panic!("a JSON header with binary fields"),
    }
}

fn check_lookups(fields: &ExtFields<'_>, expected: &BTreeMap<String, String>) {
    for (name, value) in expected {
        assert_eq!(fields.value(name).as_deref(), Some(value.as_str()), "{name}");
        assert_eq!(fields.values([name])[0].as_deref(), Some(value.as_bytes()), "{name}");
        assert_eq!(fields.integer(name), value.parse().ok(), "{name}");
    }
    for name in ["topic", "absent"].into_iter().filter(|name| !expected.contains_key(*name)) {
        assert_eq!(fields.value(name), None, "{name}");
    }
}
