//! An answer of a NameServer, in either form of headers.

use crate::ask_error::AskError;
use namesrv_core::config::Limits;
use namesrv_core::wire::{RawFrame, Request, Serialization};
use serde_json::Value;

/// Position of the remark's length in a binary header: behind code, language, version, number and flag (Java:
/// `RocketMQSerializable.rocketMQProtocolEncode`).
const REMARK_AT: usize = 2 + 1 + 2 + 4 + 4;

/// An answer of a NameServer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Response code: 0 is success.
    pub code: i32,
    /// The number of the request.
    pub opaque: i32,
    /// The server's words about a failure; empty if there are none.
    pub remark: String,
    /// The extension field `value`, which answers of GET_KV_CONFIG have.
    pub value: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Reads an answer.
    ///
    /// # Errors
    /// The header is unreadable, or belongs to a request.
    pub fn decode(frame: RawFrame<'_>, limits: &Limits) -> Result<Self, AskError> {
        let header = Request::decode(frame, limits).map_err(AskError::Frame)?;
        if !header.is_response() {
            return Err(AskError::NoAnswer);
        }
        Ok(Self {
            code: header.code,
            opaque: header.opaque,
            remark: remark(frame).unwrap_or_default(),
            value: header.fields.value("value").map(Into::into),
            body: header.body.to_vec(),
        })
    }
}

/// Returns the remark. The core does not read remarks, because requests have none.
fn remark(frame: RawFrame<'_>) -> Option<String> {
    match frame.serialization {
        Serialization::Json => {
            let header: Value = serde_json::from_slice(frame.header).ok()?;
            header.get("remark")?.as_str().map(str::to_owned)
        }
        Serialization::Binary => {
            let (length, rest) = frame.header.get(REMARK_AT..)?.split_first_chunk()?;
            let remark = rest.get(..usize::try_from(i32::from_be_bytes(*length)).ok()?)?;
            Some(String::from_utf8_lossy(remark).into_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use namesrv_core::wire::response::{Head, write_frame};
    use namesrv_core::wire::{Framing, next_frame};

    fn decode(form: Serialization, head: &Head<'_>, body: &[u8]) -> Result<Answer, AskError> {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, form, head, |output| output.extend_from_slice(body));
        let limits = Limits::default();
        let Ok(Framing::Complete { frame, .. }) = next_frame(&bytes, &limits) else { panic!("{bytes:?}") };
        Answer::decode(frame, &limits)
    }

    #[test]
    fn both_forms_say_the_same() {
        for form in [Serialization::Json, Serialization::Binary] {
            let failure = decode(form, &Head::failure(17, 7, &["No topic ", "\u{1b}é"]), b"").unwrap();
            assert_eq!((failure.code, failure.opaque, &*failure.remark), (17, 7, "No topic \u{1b}é"));
            let fields = [("value", "broker-a:8".into())];
            let success = decode(form, &Head::success(8).with_fields(&fields), b"body").unwrap();
            assert_eq!((success.value.as_deref(), &*success.body), (Some("broker-a:8"), &b"body"[..]));
            assert_eq!(success.remark, "");
        }
    }

    #[test]
    fn a_request_is_no_answer() {
        let request = decode(Serialization::Json, &Head::request(105, 1), b"");
        assert!(matches!(request, Err(AskError::NoAnswer)));
    }
}
