//! The short path for JSON headers as real peers write them: no white space, no escapes, plain integers, text for text.
//!
//! One pass, no allocation, no copy. It accepts only what the full reader reads alike, and leaves everything else to it.

use super::super::fields::until_quote;
use super::{ExtFields, Request};

/// Reads a header; absent when it is anything but what real peers send. The body stays empty.
pub(super) fn read(header: &[u8], fields_max: usize) -> Option<Request<'_>> {
    let mut rest = str::from_utf8(header).ok()?.strip_prefix('{')?;
    let mut request = Request::empty();
    loop {
        // The names of the members differ in their first letter already. Of a repeated one the last counts.
        match rest.as_bytes().get(1)? {
            b'c' => (request.code, rest) = integer(rest.strip_prefix("\"code\":")?)?,
            b'e' => (request.fields, rest) = fields(rest.strip_prefix("\"extFields\":{")?, fields_max)?,
            b'f' => (request.flag, rest) = integer(rest.strip_prefix("\"flag\":")?)?,
            b'l' => rest = until_quote(rest.strip_prefix("\"language\":\"")?)?.1,
            b'o' => (request.opaque, rest) = integer(rest.strip_prefix("\"opaque\":")?)?,
            b'r' => rest = remark(rest.strip_prefix("\"remark\":")?)?,
            b's' => rest = until_quote(rest.strip_prefix("\"serializeTypeCurrentRPC\":\"")?)?.1,
            b'v' => (request.version, rest) = integer(rest.strip_prefix("\"version\":")?)?,
            _ => return None,
        }
        match rest.strip_prefix(',') {
            Some(next) => rest = next,
            None => return (rest == "}").then_some(request),
        }
    }
}

/// An integer without fraction, exponent and leading zeros, and what follows it.
#[inline]
fn integer(text: &str) -> Option<(i32, &str)> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let mut number = 0_i64;
    let mut length = 0;
    for byte in digits.bytes().take_while(u8::is_ascii_digit) {
        // At most ten digits, so that the sum cannot overflow.
        if length == 10 {
            return None;
        }
        number = number * 10 + i64::from(byte - b'0');
        length += 1;
    }
    if length == 0 || (length > 1 && digits.starts_with('0')) {
        return None;
    }
    let number = if negative { -number } else { number };
    Some((i32::try_from(number).ok()?, digits.get(length..)?))
}

/// What follows a remark, which nobody reads.
fn remark(text: &str) -> Option<&str> {
    match text.strip_prefix('"') {
        Some(content) => Some(until_quote(content)?.1),
        None => text.strip_prefix("null"),
    }
}

/// Extension fields after their opening brace, and what follows their closing one.
#[inline]
fn fields(text: &str, fields_max: usize) -> Option<(ExtFields<'_>, &str)> {
    if let Some(rest) = text.strip_prefix('}') {
        return Some((ExtFields::Exact(""), rest));
    }
    let mut rest = text;
    for _ in 0..fields_max {
        let name = rest.strip_prefix('"')?;
        // A reference of fastjson, which the full reader knows.
        if name.starts_with('$') {
            return None;
        }
        rest = until_quote(name)?.1.strip_prefix(":\"")?;
        rest = until_quote(rest)?.1;
        match rest.strip_prefix(',') {
            Some(next) => rest = next,
            None => {
                let inside = text.get(..text.len() - rest.len())?;
                return Some((ExtFields::Exact(inside), rest.strip_prefix('}')?));
            }
        }
    }
    None
}
