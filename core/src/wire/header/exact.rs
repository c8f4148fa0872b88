//! The fast path for JSON headers in the form that real peers send: ASCII, no white space, no escapes, plain integers,
//! and strings where text belongs.
//!
//! One pass, no allocation, no copy. It accepts only what the full reader reads the same way, and leaves everything
//! else to the full reader.

use crate::wire::fields::{ExactFields, ExtFields, until_quote};
use crate::wire::request::Request;

/// Reads a header; leaves the body empty. Returns `None` for any other form.
pub(super) fn read(header: &[u8], fields_max: usize) -> Option<Request<'_>> {
    let mut rest = header.strip_prefix(b"{")?;
    let mut request = Request::empty();
    loop {
        // The names of the members differ in their first letter. Of a repeated member, the last counts.
        match rest.get(1)? {
            b'c' => (request.code, rest) = integer(rest.strip_prefix(b"\"code\":")?)?,
            b'e' => {
                let (fields, next) = ExactFields::read(rest.strip_prefix(b"\"extFields\":{")?, fields_max)?;
                (request.fields, rest) = (ExtFields::Exact(fields), next);
            }
            b'f' => match rest.strip_prefix(b"\"flag\":0,\"language\":\"JAVA\"") {
                // Nearly every request continues like this.
                Some(next) => (request.flag, rest) = (0, next),
                None => (request.flag, rest) = integer(rest.strip_prefix(b"\"flag\":")?)?,
            },
            b'l' => rest = until_quote(rest.strip_prefix(b"\"language\":\"")?)?.1,
            b'o' => (request.opaque, rest) = integer(rest.strip_prefix(b"\"opaque\":")?)?,
            b'r' => rest = remark(rest.strip_prefix(b"\"remark\":")?)?,
            b's' => rest = until_quote(rest.strip_prefix(b"\"serializeTypeCurrentRPC\":\"")?)?.1,
            b'v' => (request.version, rest) = integer(rest.strip_prefix(b"\"version\":")?)?,
            _ => return None,
        }
        match rest.split_first()? {
            (b',', next) => rest = next,
            (b'}', []) => return Some(request),
            _ => return None,
        }
    }
}

/// Splits off an integer without fraction, exponent and leading zeros.
#[inline]
fn integer(text: &[u8]) -> Option<(i32, &[u8])> {
    let (negative, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (mut number, mut rest) = match digits {
        [b'0', rest @ ..] if !rest.first().is_some_and(u8::is_ascii_digit) => (0, rest),
        [first @ b'1'..=b'9', rest @ ..] => (i64::from(first - b'0'), rest),
        _ => return None,
    };
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        number = number * 10 + i64::from(digit - b'0');
        if number > 1 << 31 {
            return None;
        }
        rest = after;
    }
    Some((i32::try_from(if negative { -number } else { number }).ok()?, rest))
}

/// Skips a remark, which the server does not use.
fn remark(text: &[u8]) -> Option<&[u8]> {
    match text.strip_prefix(b"\"") {
        Some(content) => Some(until_quote(content)?.1),
        None => text.strip_prefix(b"null"),
    }
}
