//! Headers in both forms.

use super::limits::limits;
use crate::answer::take;
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
    match (decode(Serialization::Binary, data), Plain::read(data)) {
        (Ok(request), Some(plain)) => {
            let expected = (plain.code.into(), plain.opaque, plain.flag, plain.version.into());
            assert_eq!(members(&request), expected);
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            // Names are compared as bytes; one that is not UTF-8 cannot be asked for.
            let named = plain.entries.iter().filter(|(name, _)| str::from_utf8(name).is_ok());
            let all: BTreeMap<_, _> = named.map(|(name, value)| (text(name), text(value))).collect();
            for (name, value) in &all {
                let expected = (!value.is_empty()).then_some(value.as_str());
                assert_eq!(request.fields.value(name).as_deref(), expected, "{name}");
                assert_eq!(request.fields.values([name])[0].as_deref(), expected.map(str::as_bytes), "{name}");
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

#[derive(Debug)]
struct Plain<'a> {
    code: i16,
    version: i16,
    opaque: i32,
    flag: i32,
    entries: Vec<(&'a [u8], &'a [u8])>,
}

impl<'a> Plain<'a> {
    fn read(mut rest: &'a [u8]) -> Option<Self> {
        let code = i16::from_be_bytes(take(&mut rest)?);
        let [_language] = take(&mut rest)?;
        let version = i16::from_be_bytes(take(&mut rest)?);
        let opaque = i32::from_be_bytes(take(&mut rest)?);
        let flag = i32::from_be_bytes(take(&mut rest)?);
        let remark = u32::from_be_bytes(take(&mut rest)?);
        rest.split_off(..remark as usize)?;
        let length = i32::from_be_bytes(take(&mut rest)?);
        let mut map = rest.split_off(..usize::try_from(length).unwrap_or(0))?;
        let mut entries = Vec::new();
        while !map.is_empty() {
            let name = u16::from_be_bytes(take(&mut map)?);
            let name = map.split_off(..usize::from(name))?;
            let value = u32::from_be_bytes(take(&mut map)?);
            entries.push((name, map.split_off(..value as usize)?));
        }
        (entries.len() <= limits().ext_fields_max).then_some(Self { code, version, opaque, flag, entries })
    }
}
